"""The life of what is approved: in force at once or on its day, withdrawn, suspended, retired, brought back."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select

from services.catalog.domain.items import Provenance
from services.catalog.handlers import publishing, reviewing
from services.catalog.publisher import Publisher
from services.catalog.store.work import Work
from services.kit.service import Service
from tests.catalog.conftest import Clock
from tests.catalog.contents import REGISTRATION
from tests.catalog.desk import CODE, ITEM, Desk, slug
from tests.catalog.people import BOTH, CHEN, GATEWAY, QIAN, XU, ZHAO, ZHOU

Works = Callable[[], Work]


async def test_two_reviewers_at_once_publish_once(desk: Desk, events: Any) -> None:
    handed_in = await desk.submitted()
    answers = await asyncio.gather(*(desk.act(person, "approve", handed_in) for person in (ZHAO, QIAN)))
    assert sorted(answer.status_code for answer in answers) == [200, 412]
    assert await events() == [("item-published", 1), ("item-published", 2)]


async def test_many_are_approved_each_for_itself(desk: Desk, work: Works, clock: Clock, events: Any) -> None:
    codes = [f"LEGACY-{number}" for number in range(4)]
    contents = [REGISTRATION.model_copy(update={"code": code, "code_system": "legacy"}) for code in codes]
    await publishing.publish_items(contents, Provenance.IMPORT, work())
    good = await desk.submitted(code=codes[0], content=desk.content(code=codes[0], visits=2))
    slow = {"statutory": {"amount": 5}, "promised": {"amount": 9}}
    refused = await desk.submitted(code=codes[1], content=desk.content(code=codes[1], limits=slow))
    own = await desk.submitted(BOTH, code=codes[2], content=desk.content(code=codes[2], visits=2))
    late = await desk.submitted(code=codes[3], content=desk.content(code=codes[3], visits=2))
    body = {
        "ids": [good["id"], refused["id"], own["id"], late["id"], "0" * 32, good["id"]],
        "versions": {late["id"]: 1},
        "reason": "批量审核",
    }
    answer = await desk.at(BOTH).post("/revisions/approvals", json=body)
    assert answer.status_code == 200, answer.text
    results = answer.json()["results"]
    told = [
        (each["id"], each["outcome"], (each["problem"] or {}).get("type", "").rpartition(":")[2]) for each in results
    ]
    assert told == [
        (good["id"], "published", ""),
        (refused["id"], "refused", "lint-refused"),
        (own["id"], "refused", "author-reviews"),
        (late["id"], "refused", "version-mismatch"),
        ("0" * 32, "refused", "revision-not-found"),
    ]
    assert await events(codes[0]) == [("item-published", 1), ("item-published", 2)]
    assert await events(codes[1]) == [("item-published", 1)]
    assert (await desk.revision(refused))["state"] == "submitted"


async def test_a_version_takes_force_at_midnight_in_china(
    desk: Desk, catalog: Service, clock: Clock, events: Any
) -> None:
    publisher = Publisher(catalog.context)
    handed_in = await desk.submitted()
    past = await desk.act(ZHAO, "approve", handed_in, effective_from="2026-11-25")
    assert slug(past) == (422, "invalid")
    approved = (await desk.act(ZHAO, "approve", handed_in, effective_from="2026-11-28")).json()
    assert (approved["state"], approved["effective_at"]) == ("reviewed", "2026-11-27T16:00:00Z")
    assert approved["acts"] == ["withdrawn"]
    clock.move(hours=34, minutes=59)
    assert await publisher.publish_due() == 0
    assert (await desk.at(GATEWAY).get(ITEM)).json()["item_version"] == 1
    clock.move(minutes=1)
    # Two replicas at the same midnight.
    assert sum(await asyncio.gather(publisher.publish_due(), Publisher(catalog.context).publish_due())) == 1
    assert (await desk.at(GATEWAY).get(ITEM)).json()["visits"] == 1
    assert await events() == [("item-published", 1), ("item-published", 2)]
    assert (await desk.history())[-2:] == [("reviewed", "赵强", None), ("published", "赵强", 2)]


async def test_what_was_approved_is_withdrawn_before_its_day(desk: Desk, catalog: Service, clock: Clock) -> None:
    handed_in = await desk.submitted()
    approved = (await desk.act(ZHAO, "approve", handed_in, effective_from="2026-11-28")).json()
    ahead = f"{ITEM}/in-force?valid_on=2026-11-28"
    assert (await desk.at(GATEWAY).get(ahead)).json()["version"] == 2
    clock.move(hours=1)
    assert (await desk.act(QIAN, "withdraw", approved)).json()["state"] == "withdrawn"
    assert (await desk.at(GATEWAY).get(ahead)).json() == {
        "version": 1,
        "status": "published",
        "valid_from": "2026-11-26T04:00:00Z",
        "valid_to": None,
        "known_from": "2026-11-26T06:00:00Z",
        "known_to": None,
    }
    clock.move(days=3)
    assert await Publisher(catalog.context).publish_due() == 0


async def test_suspended_resumed_retired_and_brought_back(desk: Desk, events: Any, clock: Clock) -> None:
    assert slug(await desk.stand(ZHOU, "resume")) == (409, "wrong-state")
    assert slug(await desk.stand(ZHOU, "rollback", to_version=1)) == (409, "wrong-state")
    assert slug(await desk.stand(ZHOU, "rollback", to_version=9)) == (404, "item-version-not-found")
    assert slug(await desk.stand(ZHOU, "suspend", "NOT-THERE")) == (404, "item-not-found")
    clock.move(minutes=1)
    stopped = (await desk.stand(ZHAO, "suspend", reason="系统维护")).json()
    assert stopped == {"code": CODE, "version": 1, "status": "suspended", "status_reason": "系统维护"}
    assert (await desk.at(GATEWAY).get("/items?q=失业登记")).json()["items"] == []
    clock.move(minutes=1)
    assert (await desk.stand(ZHOU, "resume")).json()["status"] == "published"
    assert [each["code"] for each in (await desk.at(GATEWAY).get("/items?q=失业登记")).json()["items"]] == [CODE]
    draft = await desk.draft()
    clock.move(minutes=1)
    assert (await desk.stand(ZHOU, "retire", version=1)).json()["status"] == "retired"
    assert (await desk.revision(draft))["state"] == "discarded"
    again = await desk.at(CHEN).post(
        "/revisions", json={"kind": "implementation", "code": CODE, "content": desk.content(), "reason": "x"}
    )
    assert slug(again) == (409, "item-is-retired")
    clock.move(minutes=1)
    back = (await desk.stand(ZHOU, "rollback", to_version=1, reason="停错了")).json()
    assert (back["version"], back["status"]) == (2, "published")
    shown = (await desk.at(GATEWAY).get(ITEM)).json()
    assert (shown["item_version"], shown["provenance"]) == (2, "import")
    assert await events() == [
        ("item-published", 1),
        ("item-suspended", 2),
        ("item-published", 3),
        ("item-retired", 4),
        ("item-published", 5),
    ]
    last = (await desk.at(ZHOU).get(f"{ITEM}/history?limit=1")).json()
    assert last["items"][0]["reason"] == "第 1 版 (version 1): 停错了"
    assert last["next"]


async def test_what_happens_first_sends_an_approval_back(
    desk: Desk, work: Works, catalog: Service, clock: Clock
) -> None:
    """Suspension, another version, or a rule that now refuses: each is more than the reviewer knew."""
    publisher = Publisher(catalog.context)

    async def approved() -> dict[str, Any]:
        handed_in = await desk.submitted()
        tomorrow = (clock.now.date().replace(day=clock.now.day + 1)).isoformat()
        answer = await desk.act(ZHAO, "approve", handed_in, effective_from=tomorrow)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    first = await approved()
    await desk.stand(ZHAO, "suspend")
    back = await desk.revision(first)
    assert (back["state"], back["reviewer"], back["effective_at"]) == ("draft", None, None)
    assert (await desk.at(GATEWAY).get(f"{ITEM}/in-force?valid_on=2026-12-31")).json()["status"] == "suspended"
    await desk.stand(ZHOU, "resume")
    await desk.act(CHEN, "discard", back)

    second = await approved()
    imported = REGISTRATION.model_copy(update={"visits": 3})
    await publishing.publish_items([imported], Provenance.IMPORT, work())
    back = await desk.revision(second)
    assert (back["state"], back["from_version"]) == ("draft", 1)
    handed_in = (await desk.act(CHEN, "submit", back)).json()
    overtaken = await desk.act(ZHAO, "approve", handed_in, effective_from="2026-12-31")
    assert slug(overtaken) == (409, "revision-overtaken")
    assert (overtaken.json()["from_version"], overtaken.json()["in_force"]) == (1, 2)
    # To save it again, having compared, begins it from what is in force.
    returned = (await desk.act(ZHAO, "return", handed_in)).json()
    rebased = (await desk.edit(CHEN, returned, visits=4)).json()
    assert rebased["from_version"] == 2
    assert (await desk.act(ZHAO, "approve", (await desk.act(CHEN, "submit", rebased)).json())).status_code == 200

    third = await approved()
    async with work() as unit:  # what it was approved upon changes behind it
        found = await unit.revisions.get(third["id"])
        assert found is not None
        slow = REGISTRATION.model_validate(
            REGISTRATION.model_dump() | {"limits": {"statutory": {"amount": 5}, "promised": {"amount": 9}}}
        )
        await unit.revisions.save(found.revision, slow)
    clock.move(days=1)
    assert await publisher.publish_due() == 1
    back = await desk.revision(third)
    assert back["state"] == "draft"
    assert "promised-over-statutory" in back["reason"]
    assert (await desk.at(GATEWAY).get(ITEM)).json()["item_version"] == 3
    held = (await desk.at(GATEWAY).get(f"{ITEM}/in-force?valid_on=2026-12-31")).json()
    assert (held["version"], held["valid_to"]) == (3, None)  # and is known to be for good
    assert await publisher.publish_due() == 0


async def test_a_bundle_lives_as_an_item_does(
    desk: Desk, catalog: Service, work: Works, clock: Clock, events: Any
) -> None:
    base = REGISTRATION.model_copy(update={"code": "512014006000", "code_system": "gb-12", "kind": "base", "form": {}})
    await publishing.publish_items([base], Provenance.IMPORT, work())
    new = desk.content(base=base.code)
    del new["code"]
    other = await desk.draft(XU, code=None, content=new)
    named = [{"code": code, "name": REGISTRATION.name.model_dump()} for code in (CODE, other["code"])]
    content = {
        "name": {"zh": "失业一件事", "en": "Out of work"},
        "organisation": REGISTRATION.organisation.model_dump(mode="json"),
        "division": REGISTRATION.division,
        "subjects": ["person"],
        "members": named,
    }
    for changes, field in (({"form": {}}, "form"), ({"members": [named[0] | {"x": 1}]}, "members.0.x")):
        answer = await desk.at(CHEN).post(
            "/revisions", json={"kind": "bundle", "content": content | changes, "reason": "新增"}
        )
        assert [each["field"] for each in answer.json()["errors"]] == [field]
    draft = await desk.draft(CHEN, kind="bundle", code=None, content=content)
    code = draft["code"]
    assert code.startswith("YJS-511602-")
    # The bundle and one of its items take force at one midnight, the item first.
    handed_in = (await desk.act(CHEN, "submit", draft)).json()
    assert slug(await desk.act(ZHAO, "approve", handed_in)) == (422, "lint-refused")
    for revision in ((await desk.act(CHEN, "submit", other)).json(), handed_in):
        answer = await desk.act(ZHAO, "approve", revision, effective_from="2026-11-27")
        assert answer.status_code == 200, answer.text
    clock.move(days=1)
    assert await Publisher(catalog.context).publish_due() == 2
    assert (await desk.revision(draft))["state"] == "published"
    async with work() as unit:
        told = await unit.execute(select(unit.context.tables.outbox.c.key).order_by(unit.context.tables.outbox.c.id))
        assert list(told.scalars())[-2:] == [other["code"], code]
    assert slug(await desk.stand(ZHOU, "suspend", code)) == (409, "bundle-not-suspended")
    assert (await desk.stand(ZHOU, "retire", code)).json()["status"] == "retired"
    assert await events(code) == [("bundle-published", 1), ("bundle-retired", 2)]


async def test_a_file_does_not_end_a_suspension(desk: Desk, work: Works) -> None:
    await desk.stand(ZHAO, "suspend")
    changed = REGISTRATION.model_copy(update={"visits": 5})
    assert [each.value for each in await publishing.publish_items([changed], Provenance.IMPORT, work())] == ["held"]
    assert (await desk.stand(ZHOU, "resume")).json()["version"] == 1


async def test_a_failure_leaves_nothing_of_an_act(
    desk: Desk, work: Works, counts: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """State, event, history and audit are one transaction: whichever of them fails, none is there."""
    tables = ("outbox", "item_versions", "item_periods", "transitions", "audit", "realignments", "search_documents")
    handed_in = await desk.submitted()
    before = await counts(*tables)

    def fail(*_: object) -> None:
        raise RuntimeError("power cut")

    for place in ("publish", "audit", "add"):
        with monkeypatch.context() as patched:
            patched.setattr(Work, place, fail)
            assert (await desk.act(ZHAO, "approve", handed_in)).status_code == 500
            assert (await desk.stand(ZHAO, "suspend")).status_code == 500
        assert await counts(*tables) == before, place
    assert (await desk.revision(handed_in))["state"] == "submitted"
    assert (await desk.at(GATEWAY).get(ITEM)).json()["item_version"] == 1


async def test_one_that_breaks_does_not_hold_the_others_up(
    desk: Desk, catalog: Service, work: Works, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = "LEGACY-1"
    content = REGISTRATION.model_copy(update={"code": other, "code_system": "legacy"})
    await publishing.publish_items([content], Provenance.IMPORT, work())
    for fields in ({}, {"code": other, "content": desk.content(code=other, visits=2)}):
        handed_in = await desk.submitted(**fields)
        await desk.act(ZHAO, "approve", handed_in, effective_from="2026-11-27")
    clock.move(days=1)
    real, broken = reviewing._publish, [CODE]

    async def publish(approved: Any, unit: Work) -> Any:
        if approved.revision.code in broken:
            raise RuntimeError("a fault of ours")
        return await real(approved, unit)

    monkeypatch.setattr(reviewing, "_publish", publish)
    publisher = Publisher(catalog.context)
    assert await publisher.publish_due() == 2
    assert (await desk.at(GATEWAY).get(f"/items/{other}")).json()["item_version"] == 2
    assert (await desk.at(GATEWAY).get(ITEM)).json()["item_version"] == 1
    broken.clear()
    assert await publisher.publish_due() == 0  # it rests a while
    assert await Publisher(catalog.context).publish_due() == 1
    assert (await desk.at(GATEWAY).get(ITEM)).json()["item_version"] == 2
