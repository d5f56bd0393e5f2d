"""A base item changes: what it will touch is shown before, and each implementation gets a draft to review after."""

from collections.abc import Callable

import httpx
import pytest

from services.catalog.demo.organisations import ORGANISATIONS
from services.catalog.domain.alignment import misaligned
from services.catalog.domain.findings import Finding
from services.catalog.domain.items import ItemContent, Provenance
from services.catalog.domain.realigned import aligned
from services.catalog.handlers import organisations, publishing, realigning
from services.catalog.publisher import Publisher
from services.catalog.store.work import Work
from services.contracts.base import Text
from services.contracts.catalog_items import Basis, Limit, Limits, Material
from services.kit.auth import Principal
from services.kit.service import Service
from tests.catalog.conftest import Clock
from tests.catalog.contents import REGISTRATION
from tests.catalog.desk import Desk
from tests.catalog.people import CHEN, XU, ZHAO

BASE = REGISTRATION.model_copy(
    update={"code": "512014099000", "code_system": "gb-12", "kind": "base", "form": {}, "materials": ()}
)
OWN = REGISTRATION.model_copy(update={"base": BASE.code})
COPIES = tuple(OWN.model_copy(update={"code": f"LEGACY-{number}", "code_system": "legacy"}) for number in range(1, 4))


@pytest.fixture
async def desk(
    catalog: Service,
    clock: Clock,
    work: Callable[[], Work],
    signed_in: Callable[[Principal], httpx.AsyncClient],
) -> Desk:
    await organisations.register_organisations(ORGANISATIONS, Provenance.DEMO, work())
    await publishing.publish_items([BASE, OWN, *COPIES], Provenance.IMPORT, work())
    return Desk(signed_in)


def test_what_the_base_sets_is_taken_over_and_the_rest_stays() -> None:
    law = Basis(law="中华人民共和国就业促进法", article="第四十六条")
    paper, photo, extra = (
        Material(id=name, name=Text(zh=zh), required=True) for name, zh in (("a", "表格"), ("b", "照片"), ("c", "别的"))
    )
    base = BASE.model_copy(
        update={
            "name": Text(zh="失业人员登记", en="Registration of the unemployed"),
            "basis": (law,),
            "conditions": (),
            "limits": Limits(statutory=Limit(amount=20), promised=Limit(amount=5)),
            "materials": (paper, photo.model_copy(update={"required": False})),
        }
    )
    implementation = OWN.model_copy(
        update={
            "limits": Limits(statutory=Limit(amount=30), promised=Limit(amount=3)),
            "materials": (photo, extra),
            "visits": 2,
        }
    )
    assert misaligned(base, implementation)
    found = aligned(base, implementation)
    assert misaligned(base, found) == []
    assert (found.name, found.basis, found.conditions) == (base.name, (law,), ())
    assert found.limits == Limits(statutory=Limit(amount=20), promised=Limit(amount=3))
    assert [(each.id, each.required) for each in found.materials] == [("b", False)]
    # What an implementation may set itself is not the base's to change.
    own = ("code", "organisation", "visits", "form", "contact", "channels", "steps")
    assert [getattr(found, name) for name in own] == [getattr(implementation, name) for name in own]


async def test_each_implementation_gets_a_draft_or_a_line_in_its_history(
    desk: Desk, catalog: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    publisher = Publisher(catalog.context)
    await publisher.publish_due()
    content = BASE.model_dump(mode="json") | {"conditions": [{"zh": "年满 16 周岁", "en": "You are 16 or older"}]}
    draft = await desk.draft(CHEN, kind="base", code=BASE.code, content=content)
    assert [each["code"] for each in draft["touched"]] == sorted(each.code for each in (OWN, *COPIES))
    assert draft["touched"][0]["organisation"]["zh"] == OWN.organisation.name.zh
    assert draft["touched_more"] is False
    # One that agrees already, and one that somebody is drafting.
    agreeing = await desk.draft(CHEN, code=COPIES[0].code, content=aligned_copy(content))
    handed_in = (await desk.act(CHEN, "submit", draft)).json()
    assert (await desk.act(ZHAO, "approve", handed_in)).json()["state"] == "published"
    monkeypatch.setattr(realigning, "BATCH", 3)
    await publisher.publish_due()
    listed = (await desk.at(XU).get("/revisions?state=draft")).json()["items"]
    made = {each["code"]: each for each in listed if each["id"] != agreeing["id"]}
    assert set(made) == {OWN.code, COPIES[1].code, COPIES[2].code}
    one = made[COPIES[1].code]
    assert (one["author"], one["from_version"]) == ("system:catalog", 1)
    assert f"{BASE.code}“失业登记”已是第 2 版" in one["reason"]
    opened = await desk.revision(one)
    assert [each["zh"] for each in opened["content"]["conditions"]] == ["年满 16 周岁"]
    assert [act for act, *_ in await desk.history(COPIES[0].code)] == ["published", "drafted", "base_changed"]
    assert [act for act, *_ in await desk.history(COPIES[1].code)] == ["published", "drafted"]
    # Nothing is left to do, and nothing is done twice.
    await publisher.publish_due()
    assert len((await desk.at(XU).get("/revisions?state=draft")).json()["items"]) == len(listed)
    # An editor looks, hands it in, and another person approves it.
    handed_in = (await desk.act(CHEN, "submit", opened)).json()
    approved = await desk.act(ZHAO, "approve", handed_in)
    assert approved.status_code == 200, approved.text


async def test_one_that_breaks_does_not_hold_the_others_up(
    desk: Desk, catalog: Service, work: Callable[[], Work], monkeypatch: pytest.MonkeyPatch
) -> None:
    def judge(base: ItemContent, implementation: ItemContent) -> list[Finding]:
        if implementation.code == COPIES[0].code:
            raise RuntimeError("a fault of ours")
        return misaligned(base, implementation)

    monkeypatch.setattr(realigning, "misaligned", judge)
    changed = BASE.model_copy(update={"conditions": ()})
    await publishing.publish_items([changed], Provenance.IMPORT, work())
    await Publisher(catalog.context).publish_due()
    listed = (await desk.at(XU).get("/revisions?state=draft")).json()["items"]
    assert {each["code"] for each in listed} == {OWN.code, COPIES[1].code, COPIES[2].code}
    async with work() as unit:
        assert await unit.revisions.realignment() is None


def aligned_copy(base: dict[str, object]) -> dict[str, object]:
    return COPIES[0].model_dump(mode="json") | {"conditions": base["conditions"]}
