"""Reforms of organisations (机构改革): what goes where, under which code, and what is refused."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import httpx
import pytest

from services.catalog.demo.for_people import DOG, RESIDENCE_PERMIT
from services.catalog.demo.organisations import CITY, DISTRICT, HEALTH, ORGANISATIONS, POLICE
from services.catalog.domain.codes import handling_code, mint_uscc
from services.catalog.domain.items import BundleContent, Content, Provenance
from services.catalog.domain.life import Actor, ItemStatus
from services.catalog.domain.organisations import OrganisationState, organisation_id
from services.catalog.domain.reform import Carried, Plan, Reform, Refused, SourceItem, carried_content, plan
from services.catalog.handlers.drafting import open_draft
from services.catalog.handlers.organisations import register_organisations
from services.catalog.handlers.publishing import publish_items
from services.catalog.store.work import Work
from services.contracts.base import Text
from services.contracts.catalog_items import BundleMember
from services.contracts.catalog_organisations import Function
from services.kit.auth import Grant, Principal, caller
from services.kit.service import Service

BASE, OTHER_BASE = "510123002000", "512009001000"


def organisation(number: int, zh: str, **fields: Any) -> OrganisationState:
    uscc = mint_uscc("11", DISTRICT[:6], f"RF{number:06d}")
    return OrganisationState(uscc, Text(zh=zh), DISTRICT, uscc, level=4, **fields)


TOP = organisation(0, "示例区人民政府")
A = organisation(1, "甲局", parent=TOP.id, functions=(Function(id="f1", name=Text(zh="职能一")),))
B = organisation(2, "乙局", parent=TOP.id, functions=(Function(id="f1", name=Text(zh="职能二"), items=(BASE,)),))
C = organisation(3, "丙局", parent=TOP.id)
KNOWN = {state.id: state for state in (TOP, A, B, C)}
NAMELESS = OrganisationState(organisation_id(DISTRICT, "某站"), Text(zh="某站"), DISTRICT, level=4)


def code(of: OrganisationState, base: str = BASE, end: str = "") -> str:
    return f"{of.uscc}4{base}{end}"


def item(of: OrganisationState, base: str = BASE, **fields: Any) -> SourceItem:
    return SourceItem(code(of, base), "implementation", of.id, fields.get("function"))


def planned(
    kind: Any,
    sources: tuple[OrganisationState, ...],
    targets: tuple[OrganisationState, ...],
    found: tuple[SourceItem, ...] = (),
    *,
    known: Mapping[str, OrganisationState] = KNOWN,
    children: tuple[OrganisationState, ...] = (),
    taken: tuple[str, ...] = (),
    items: Mapping[str, str] | None = None,
    functions: Mapping[str, str] | None = None,
) -> Plan:
    asked = Reform(kind, tuple(each.id for each in sources), targets, items or {}, functions or {})
    return plan(asked, known, children, found, taken)


def after(made: Plan) -> dict[str, OrganisationState]:
    return {state.id: state for state in made.states}


def test_a_merger() -> None:
    legacy = SourceItem("GA-1", "implementation", B.id, "f1")
    base = SourceItem(BASE, "base", B.id, None)
    made = planned("merge", (A, B), (C,), (base, item(A), item(B, OTHER_BASE), legacy), children=(NAMELESS,))
    states = after(made)
    assert [(states[each.id].status, states[each.id].successors) for each in (A, B)] == [("closed", (C.id,))] * 2
    # Two functions of one id and different names stay two; who carries one out has its new id.
    assert [(each.id, each.name.zh) for each in states[C.id].functions] == [("f1", "职能一"), ("f1-2", "职能二")]
    assert made.functions == {(B.id, "f1"): "f1-2"}
    assert made.items == {
        code(A): Carried(code(C), C.id),
        code(B, OTHER_BASE): Carried(code(C, OTHER_BASE), C.id),
        "GA-1": Carried("GA-1", C.id),  # codes of other systems stay, and so do base codes
        BASE: Carried(BASE, C.id),
    }


def test_into_one_of_them() -> None:
    made = planned("merge", (A, B), (A,), (item(A), item(B)), taken=(code(A),), children=(replace(C, parent=B.id),))
    states = after(made)
    assert A.id not in made.heirs
    assert states[B.id].successors == (A.id,)
    assert [each.name.zh for each in states[A.id].functions] == ["职能一", "职能二"]
    assert states[C.id].parent == A.id
    # The same base item twice is one item (一事一码).
    assert made.items == {code(A): Carried(code(A), A.id), code(B): Carried(code(A), A.id, merged=True)}


def test_handling_items_go_with_their_item_and_keep_apart() -> None:
    handling = SourceItem(code(B, end="01"), "handling", B.id, None, code(B))
    made = planned("merge", (B,), (A,), (item(B), handling), taken=(code(A), code(A, end="01")))
    assert made.items[handling.code] == Carried(code(A, end="02"), A.id)
    made = planned("split", (B,), (A, C), (item(B), handling), items={code(B): C.id}, functions={"f1": A.id})
    assert made.items[handling.code] == Carried(code(C, end="01"), C.id)


def test_a_split() -> None:
    found = (item(B, function="f1"), item(B, OTHER_BASE))
    with pytest.raises(Refused) as refused:
        planned("split", (B,), (A, C), found, items={code(B): A.id})
    assert [(each.field, each.reason) for each in refused.value.problems] == [
        (f"items.{code(B, OTHER_BASE)}", "no_target")
    ]
    made = planned("split", (B,), (A, C), found, items={code(B): A.id, code(B, OTHER_BASE): C.id})
    states = after(made)
    assert states[B.id].successors == (A.id, C.id)
    assert [each.name.zh for each in states[A.id].functions] == [
        "职能一",
        "职能二",
    ]  # with the item that it gives rise to
    assert C.id not in states  # nothing of it changes
    # A part is split off: the source goes on, with what is not told to go.
    made = planned("split", (B,), (B, C), found, items={code(B): C.id}, functions={"f1": C.id})
    states = after(made)
    assert (states[B.id].status, states[B.id].functions, made.heirs) == ("active", (), {})
    assert [each.id for each in states[C.id].functions] == ["f1"]
    assert made.items[code(B, OTHER_BASE)] == Carried(code(B, OTHER_BASE), B.id)
    with pytest.raises(Refused) as refused:
        planned("split", (B,), (A, C))
    assert [(each.field, each.reason) for each in refused.value.problems] == [("functions.f1", "no_target")]


def test_a_renaming_keeps_the_codes_and_a_new_uscc_changes_them() -> None:
    made = planned("rename", (A,), (replace(A, name=Text(zh="新甲局")),), (item(A),))
    assert (made.items, list(after(made))) == ({code(A): Carried(code(A), A.id)}, [A.id])
    new = organisation(9, "新甲局")
    made = planned("rename", (A,), (new,), (item(A),))
    assert made.items == {code(A): Carried(code(new), new.id)}
    assert after(made)[new.id].parent == TOP.id  # where its predecessor was


def test_an_abolition() -> None:
    child = replace(C, parent=A.id)
    made = planned("abolish", (A,), (), (item(A),), children=(child,))
    states = after(made)
    assert made.retired == (code(A),)
    assert (states[A.id].status, states[A.id].successors, states[C.id].parent) == ("closed", (), TOP.id)
    # The organisation below takes over: its parent is the one above.
    made = planned("abolish", (A,), (child,), (item(A),), known=KNOWN | {C.id: child}, children=(child,))
    assert after(made)[C.id].parent == TOP.id
    assert made.items == {code(A): Carried(code(C), C.id)}


CLOSED = replace(C, status="closed", successors=(A.id,))
UNCHECKED = replace(organisation(7, "无码局"), uscc=None)


@pytest.mark.parametrize(
    ("kind", "sources", "targets", "more", "problems"),
    [
        ("merge", (A, B), (A, C), {}, [("targets", "number")]),
        ("merge", (A,), (A,), {}, [("targets", "number")]),
        ("split", (A,), (B,), {}, [("targets", "number")]),
        ("split", (A, B), (B, C), {}, [("targets", "number")]),
        ("rename", (A, B), (C,), {}, [("targets", "number")]),
        ("abolish", (A, B), (B,), {}, [("targets", "number")]),
        ("merge", (A, A), (C,), {}, [("sources", "repeated")]),
        ("merge", (), (C,), {}, [("sources", "number")]),
        ("merge", (NAMELESS,), (A,), {}, [("sources.0", "unknown")]),
        ("merge", (A,), (CLOSED,), {"known": KNOWN | {C.id: CLOSED}}, [("targets.0", "closed")]),
        ("merge", (CLOSED,), (A,), {"known": KNOWN | {C.id: CLOSED}}, [("sources.0", "closed")]),
        ("merge", (A,), (C,), {"items": {code(A): B.id}}, [(f"items.{code(A)}", "unknown_target")]),
        ("merge", (A,), (C,), {"items": {"X": C.id}}, [("items.X", "unknown")]),
        ("merge", (A,), (C,), {"functions": {"X": C.id}}, [("functions.X", "unknown")]),
        ("merge", (A,), (UNCHECKED,), {"found": (item(A),)}, [(f"items.{code(A)}", "no_uscc")]),
    ],
)
def test_what_is_refused(
    kind: str, sources: Any, targets: Any, more: dict[str, Any], problems: list[tuple[str, str]]
) -> None:
    with pytest.raises(Refused) as refused:
        planned(kind, sources, targets, **more)
    assert [(each.field, each.reason) for each in refused.value.problems] == problems


# In the database, over HTTP.

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


def test_contents_are_rewritten_without_losing_anything() -> None:
    new = organisation(8, "新局")
    handling: Content = DOG.model_copy(
        update={"code": handling_code(DOG.code, 1), "base": DOG.code, "kind": "handling"}
    )
    made = planned(
        "merge",
        (POLICE,),
        (new,),
        (
            SourceItem(DOG.code, "implementation", POLICE.id, None),
            SourceItem(handling.code, "handling", POLICE.id, None, DOG.code),
        ),
        known={POLICE.id: POLICE},
    )
    carried = carried_content(handling, POLICE, new, made)
    assert (carried.base, carried.code) == (code(new, DOG.code[19:]), code(new, DOG.code[19:], "01"))
    same = carried.model_copy(
        update={name: getattr(handling, name) for name in ("code", "base", "organisation", "division")}
    )
    assert same == handling
