"""A reform carried out: items, bundles, functions and drafts follow, and nothing is lost where it is refused."""

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from services.catalog.demo.for_people import DOG, RESIDENCE_PERMIT
from services.catalog.demo.organisations import CITY, DISTRICT, HEALTH, ORGANISATIONS, POLICE
from services.catalog.domain.codes import mint_uscc
from services.catalog.domain.items import BundleContent, Provenance
from services.catalog.domain.life import Actor, ItemStatus
from services.catalog.handlers.drafting import open_draft
from services.catalog.handlers.organisations import register_organisations
from services.catalog.handlers.publishing import publish_items
from services.catalog.store.work import Work
from services.contracts.base import Text
from services.contracts.catalog_items import BundleMember
from services.kit.auth import Grant, Principal, caller
from services.kit.service import Service

BASE, OTHER_BASE = "510123002000", "512009001000"

WATER = {"name": {"zh": "示例区水务和城管局", "en": "Demo Water and City Bureau"}, "division": DISTRICT, "level": 4}
NEW_USCC = mint_uscc("11", "511602", "RF900001")


@pytest.fixture
async def registrar(
    catalog: Service, client: httpx.AsyncClient, work: Callable[[], Work], monkeypatch: pytest.MonkeyPatch
) -> httpx.AsyncClient:
    monkeypatch.setattr("services.catalog.handlers.reform.BATCH", 1)
    role = (Grant(org="*", role="registrar"), Grant(org="*", role="editor"))
    who = Principal(sub="zhou", name="周洁", client_id="desk", realm="staff", grants=role, jti="1", exp=2**31)
    catalog.app.dependency_overrides[caller] = lambda: who  # type: ignore[attr-defined]
    await register_organisations(ORGANISATIONS, Provenance.DEMO, work())
    await publish_items([DOG, RESIDENCE_PERMIT, BUNDLE], Provenance.DEMO, work())
    return client


BUNDLE = BundleContent(
    code="YJS-511602-0001",
    name=Text(zh="新居民一件事"),
    organisation=DOG.organisation.model_copy(update={"id": HEALTH.id, "name": HEALTH.name}),
    division=DISTRICT,
    subjects=("person",),
    members=(
        BundleMember(code=RESIDENCE_PERMIT.code, name=RESIDENCE_PERMIT.name),
        BundleMember(code=DOG.code, name=DOG.name, after=(RESIDENCE_PERMIT.code,)),
    ),
    shared_materials=((f"{DOG.code}#photo", f"{RESIDENCE_PERMIT.code}#photo"),),
)


async def reform(client: httpx.AsyncClient, kind: str, sources: list[str], targets: list[Any], **more: Any) -> Any:
    body = (
        {"kind": kind, "sources": sources, "targets": targets, "reason": "机构改革方案（2026）"}
        | more.pop("body", {})
        | more
    )
    answer = await client.post("/organisations/reforms", json=body)
    return answer.json() | {"status_code": answer.status_code}


async def test_items_follow_under_new_codes_and_old_ones_lead_there(
    registrar: httpx.AsyncClient, catalog: Service, work: Callable[[], Work]
) -> None:
    author = Actor("chen", "陈静")
    async with work() as unit:
        changed = DOG.model_copy(update={"visits": 2})
        draft = await open_draft(changed, 1, author, "改到两次", unit)
        fresh = DOG.model_copy(update={"code": f"{DOG.code}99", "kind": "handling", "base": DOG.code})
        new = await open_draft(fresh, 0, author, "新的办理项", unit)
        await unit.codes.add_aliases({"GA-0042": DOG.code}, "省平台的编码", unit.now())
    assert (
        await registrar.post(f"/items/{RESIDENCE_PERMIT.code}/suspend", json={"reason": "系统升级"})
    ).status_code == 200
    done = await reform(registrar, "merge", [POLICE.id, CITY.id], [WATER | {"uscc": NEW_USCC}])
    assert done["status_code"] == 200, done
    moved = {each.code: f"{NEW_USCC}4{each.code[19:]}" for each in (DOG, RESIDENCE_PERMIT)}
    assert (done["codes"], done["carried"], done["revisions"]) == (moved, 2, 2)
    now = (await registrar.get(f"/items/{DOG.code}")).json()
    assert (now["code"], now["item_version"], now["organisation"]["id"]) == (moved[DOG.code], 1, NEW_USCC)
    assert set(now["aliases"]) == {DOG.code, "GA-0042"}
    assert (await registrar.get("/items/GA-0042")).json()["code"] == moved[DOG.code]
    # The version of before is still there: running cases stay on it.
    before = (await registrar.get(f"/items/{DOG.code}/versions/1")).json()
    assert (before["code"], before["organisation"]["id"]) == (DOG.code, POLICE.id)
    async with work() as unit:
        standing = await unit.items.standing([*moved, *moved.values()])
        assert {key: value.status for key, value in standing.items()} == {
            DOG.code: ItemStatus.RETIRED,
            RESIDENCE_PERMIT.code: ItemStatus.RETIRED,
            moved[DOG.code]: ItemStatus.PUBLISHED,
            moved[RESIDENCE_PERMIT.code]: ItemStatus.SUSPENDED,  # as it was
        }
        stored = await unit.revisions.get(draft.id)
        assert stored is not None
        assert (stored.revision.code, stored.revision.organisation) == (moved[DOG.code], NEW_USCC)
        assert (stored.revision.from_version, stored.content.visits) == (1, 2)  # type: ignore[union-attr]
        stored = await unit.revisions.get(new.id)
        assert stored is not None
        assert (stored.revision.organisation, stored.content.base) == (NEW_USCC, moved[DOG.code])
        assert stored.revision.code == stored.content.code == f"{moved[DOG.code]}99"
        bundle = await unit.items.item(BUNDLE.code)
        assert bundle is not None
        assert isinstance(bundle.content, BundleContent)
        assert [member.code for member in bundle.content.members] == [moved[RESIDENCE_PERMIT.code], moved[DOG.code]]
        assert bundle.content.members[1].after == (moved[RESIDENCE_PERMIT.code],)
        assert bundle.content.shared_materials == (
            (f"{moved[DOG.code]}#photo", f"{moved[RESIDENCE_PERMIT.code]}#photo"),
        )
        table = catalog.context.tables.outbox
        rows = (await unit.execute(table.select().order_by(table.c.id))).all()
    told = [(row.key, dict_of(row.headers)["ce_type"].rpartition(".catalog.")[2]) for row in rows]
    assert told.count((DOG.code, "item-retired.v1")) == 1
    assert told.count((moved[DOG.code], "item-published.v1")) == 1
    assert told[-1][0] != POLICE.id
    assert (RESIDENCE_PERMIT.code, "item-retired.v1") in told
    assert told.index((moved[RESIDENCE_PERMIT.code], "item-published.v1")) < told.index(
        (moved[RESIDENCE_PERMIT.code], "item-suspended.v1")
    )
    closed = (await registrar.get(f"/organisations/{POLICE.id}")).json()
    assert (closed["status"], closed["successors"], closed["items"]) == ("closed", [NEW_USCC], 0)
    history = (await registrar.get(f"/items/{moved[DOG.code]}/history")).json()["items"]
    assert [each["act"] for each in history if each["act"] == "carried_over"]
    # What was closed takes no part in another reform, and changes no more.
    again = await reform(registrar, "rename", [POLICE.id], [{"id": NEW_USCC}])
    assert (again["status_code"], again["errors"][0]["reason"]) == (422, "closed")
    assert NEW_USCC in again["errors"][0]["detail"]
    # Back again: the code of before is the item's own, and leads nowhere else.
    back = await reform(registrar, "rename", [NEW_USCC], [WATER | {"uscc": mint_uscc("11", "511602", "RF900002")}])
    assert back["status_code"] == 200, back
    newest = back["codes"][moved[DOG.code]]
    for other in (DOG.code, moved[DOG.code], "GA-0042"):
        assert (await registrar.get(f"/items/{other}")).json()["code"] == newest


def dict_of(headers: bytes) -> dict[str, str]:
    return dict(json.loads(headers))


async def test_two_that_carry_out_one_base_item_and_what_hangs_on_them(
    registrar: httpx.AsyncClient, work: Callable[[], Work]
) -> None:
    """The same base item at two organisations is one item afterwards (一事一码); register entries have a new source."""
    theirs = DOG.model_copy(
        update={
            "code": f"{CITY.uscc}{DOG.code[18:]}",
            "organisation": DOG.organisation.model_copy(update={"id": CITY.id, "name": CITY.name}),
        }
    )
    await publish_items([theirs], Provenance.DEMO, work())
    element = {"content": {"name": {"zh": "犬号"}, "source": {"id": CITY.id}}, "reason": "登记"}
    headers = {"If-None-Match": "*"}
    assert (await registrar.put("/registers/element/dog_number", json=element, headers=headers)).is_success
    wrong = {"register": "element", "code": "dog_number", "organisation": HEALTH.id, "text": "号码对不上"}
    filed = await registrar.post("/corrections", json=wrong)
    assert filed.is_success, filed.text
    refused = await reform(registrar, "abolish", [CITY.id], [])
    assert [(each["field"], each["reason"]) for each in refused["errors"]] == [("targets", "source_of_entries")]
    done = await reform(registrar, "merge", [CITY.id], [{"id": POLICE.id}])
    assert (done["status_code"], done["codes"], done["entries"]) == (200, {theirs.code: DOG.code}, 1), done
    shown = (await registrar.get(f"/items/{theirs.code}")).json()
    assert (shown["code"], shown["item_version"], shown["aliases"]) == (DOG.code, 1, [theirs.code])
    found = (await registrar.get("/items", params={"q": "犬类准养"})).json()["items"]
    assert [each["code"] for each in found if each["code"] != BUNDLE.code] == [DOG.code]
    entry = (await registrar.get("/registers/element/dog_number")).json()
    assert (entry["version"], entry["content"]["source"]["id"]) == (2, POLICE.id)
    [waiting] = (await registrar.get("/corrections", params={"source": POLICE.id})).json()["items"]
    assert waiting["state"] == "open"
    functions = (await registrar.get(f"/organisations/{POLICE.id}")).json()["functions"]
    assert [each["id"] for each in functions] == [each.id for each in (*POLICE.functions, *CITY.functions)]


async def test_a_renaming_makes_versions_and_no_codes(registrar: httpx.AsyncClient, counts: Callable[..., Any]) -> None:
    renamed = {"id": POLICE.id, "name": {"zh": "示例区公安局", "en": "Demo District Police"}}
    done = await reform(registrar, "rename", [POLICE.id], [renamed])
    assert (done["status_code"], done["codes"], done["carried"], done["closed"]) == (200, {}, 2, [])
    shown = (await registrar.get(f"/items/{DOG.code}")).json()
    assert (shown["item_version"], shown["organisation"]["name"]["zh"]) == (2, "示例区公安局")
    assert (await registrar.get(f"/organisations/{POLICE.id}")).json()["functions"] == [
        each.model_dump(mode="json") for each in POLICE.functions
    ]
    assert await counts("item_aliases") == {"item_aliases": 0}
    # Without an id it is the source, too; with another USCC its heir, which is as it was otherwise.
    done = await reform(registrar, "rename", [POLICE.id], [{"name": {"zh": "示例区公安分局"}}])
    assert (done["status_code"], done["targets"], done["codes"]) == (200, [POLICE.id], {})
    done = await reform(registrar, "rename", [POLICE.id], [{"uscc": NEW_USCC}])
    assert (done["status_code"], done["targets"], done["closed"]) == (200, [NEW_USCC], [POLICE.id])
    heir = (await registrar.get(f"/organisations/{NEW_USCC}")).json()
    assert (heir["name"]["zh"], heir["level"], heir["parent"]) == ("示例区公安分局", POLICE.level, POLICE.parent)
    assert len(heir["functions"]) == len(POLICE.functions)


async def test_an_abolition_retires_what_nobody_takes(registrar: httpx.AsyncClient) -> None:
    done = await reform(registrar, "abolish", [POLICE.id], [])
    assert (done["status_code"], done["retired"], done["carried"]) == (200, 2, 0)
    history = (await registrar.get(f"/items/{DOG.code}/history")).json()["items"]
    assert (history[0]["act"], history[0]["reason"]) == ("retired", "机构改革方案（2026）")


async def test_a_refused_reform_changes_nothing(
    registrar: httpx.AsyncClient, catalog: Service, counts: Callable[..., Any]
) -> None:
    before = await counts("outbox", "item_versions", "organisation_versions", "audit")
    for kind, sources, targets, field, reason in [
        ("merge", ["nobody"], [{"id": CITY.id}], "sources.0", "unknown"),
        ("merge", [POLICE.id], [{"id": "nobody"}], "targets.0", "unknown"),
        ("merge", [POLICE.id], [{"id": 1}], "targets.0", "unknown"),
        ("merge", [POLICE.id], [WATER | {"uscc": "1"}], "uscc", "malformed"),
        ("split", [POLICE.id], [{"id": CITY.id}, {"id": HEALTH.id}], f"items.{DOG.code}", "no_target"),
        ("merge", [POLICE.id], [WATER | {"uscc": NEW_USCC, "parent": NEW_USCC}], "parent", "cycle"),
        ("merge", [POLICE.id], [WATER | {"uscc": NEW_USCC, "parent": "X"}], f"organisations.{NEW_USCC}", "unknown"),
    ]:
        refused = await reform(registrar, kind, sources, targets)
        assert refused["status_code"] == 422, refused
        assert (field, reason) in [(each["field"], each["reason"]) for each in refused["errors"]], refused
    for body in [{"kind": "move"}, {"sources": []}, {"reason": ""}, {"more": 1}]:
        assert (await reform(registrar, "abolish", [POLICE.id], [], body=body))["status_code"] == 422
    who = Principal(
        sub="x", client_id="desk", realm="staff", grants=(Grant(org=POLICE.id, role="registrar"),), jti="1", exp=2**31
    )
    catalog.app.dependency_overrides[caller] = lambda: who  # type: ignore[attr-defined]
    assert (await reform(registrar, "merge", [POLICE.id], [{"id": CITY.id}]))["status_code"] == 403
    assert await counts("outbox", "item_versions", "organisation_versions", "audit") == before
