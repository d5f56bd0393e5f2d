"""The life of an item over HTTP: drafted, handed in, reviewed by another, published, changed, suspended, retired."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from services.catalog.demo.organisations import HEALTH, LABOUR, ORGANISATIONS
from services.catalog.domain.items import Provenance
from services.catalog.handlers import organisations, publishing, reviewing
from services.catalog.publisher import Publisher
from services.catalog.store.work import Work
from services.contracts.base import EVENT_TYPES
from services.kit.auth import Principal
from services.kit.service import Service
from tests.catalog.conftest import Clock
from tests.catalog.contents import REGISTRATION
from tests.catalog.people import BOTH, CHEN, CITIZEN, CLERK, ELSEWHERE, GATEWAY, QIAN, XU, ZHAO, ZHOU

CODE = REGISTRATION.code
ITEM = f"/items/{CODE}"
Works = Callable[[], Work]


class Desk:
    """The staff's API, shortened."""

    def __init__(self, signed_in: Callable[[Principal], httpx.AsyncClient]) -> None:
        self.at = signed_in

    @staticmethod
    def content(**changes: Any) -> dict[str, Any]:
        return REGISTRATION.model_dump(mode="json") | changes

    async def draft(self, who: Principal = CHEN, *, content: Any = None, **fields: Any) -> dict[str, Any]:
        body = {
            "kind": "implementation",
            "code": CODE,
            "reason": "改一改",
            "content": content or self.content(visits=1),
        }
        answer = await self.at(who).post("/revisions", json=body | fields)
        assert answer.status_code == 201, answer.text
        assert answer.headers["location"] == f"/revisions/{answer.json()['id']}"
        return dict(answer.json())

    async def edit(self, who: Principal, revision: dict[str, Any], **changes: Any) -> httpx.Response:
        body = {"content": revision["content"] | changes, "reason": "再改"}
        headers = {"If-Match": f'"{revision["version"]}"'}
        return await self.at(who).put(f"/revisions/{revision['id']}", json=body, headers=headers)

    async def act(self, who: Principal, act: str, revision: dict[str, Any], **body: Any) -> httpx.Response:
        headers = {"If-Match": f'"{revision["version"]}"'}
        path = f"/revisions/{revision['id']}/{act}"
        return await self.at(who).post(path, json={"reason": "有理由"} | body, headers=headers)

    async def submitted(self, who: Principal = CHEN, **fields: Any) -> dict[str, Any]:
        answer = await self.act(who, "submit", await self.draft(who, **fields))
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def stand(self, who: Principal, act: str, code: str = CODE, **body: Any) -> httpx.Response:
        return await self.at(who).post(f"/items/{code}/{act}", json={"reason": "有理由"} | body)

    async def revision(self, revision: dict[str, Any], who: Principal = CHEN) -> dict[str, Any]:
        return dict((await self.at(who).get(f"/revisions/{revision['id']}")).json())

    async def history(self, code: str = CODE) -> list[tuple[str, str, int | None]]:
        page = (await self.at(ZHOU).get(f"/items/{code}/history?limit=100")).json()
        return [(each["act"], each["actor_name"], each["version"]) for each in reversed(page["items"])]


def slug(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["type"].removeprefix("urn:tongban:problem:")


@pytest.fixture
async def desk(
    catalog: Service, clock: Clock, work: Works, signed_in: Callable[[Principal], httpx.AsyncClient]
) -> Desk:
    """The API with one item in force, imported and never reviewed here."""
    await organisations.register_organisations(ORGANISATIONS, Provenance.DEMO, work())
    await publishing.publish_items([REGISTRATION], Provenance.IMPORT, work())
    clock.move(hours=1)
    return Desk(signed_in)


@pytest.fixture
def events(catalog: Service) -> Callable[[str], Any]:
    """Type and sequence of each event of a code, in order."""

    async def told(code: str = CODE) -> list[tuple[str, int]]:
        table = catalog.context.tables.outbox
        async with Work(catalog.context, readonly=True) as unit:
            rows = (await unit.execute(table.select().where(table.c.key == code).order_by(table.c.id))).all()
        found = []
        for row in rows:
            headers = dict(json.loads(row.headers))
            EVENT_TYPES[headers["ce_type"]].model_validate_json(row.value)
            found.append((headers["ce_type"].split(".")[3], int(headers["ce_aggregateversion"])))
        return found

    return told


async def test_an_item_is_changed_by_two_people(desk: Desk, events: Any, counts: Any, clock: Clock) -> None:
    draft = await desk.draft()
    assert (draft["state"], draft["from_version"], draft["author_name"], draft["version"]) == ("draft", 1, "陈静", 1)
    assert draft["acts"] == ["edited", "submitted", "discarded"]
    assert draft["findings"] == []
    changed = await desk.edit(CHEN, draft, visits=2)
    assert changed.headers["etag"] == '"2"'
    handed_in = (await desk.act(CHEN, "submit", changed.json())).json()
    assert handed_in["state"] == "submitted"
    returned = (await desk.act(ZHAO, "return", handed_in, reason="到场次数写错了")).json()
    assert (returned["state"], returned["reason"]) == ("draft", "到场次数写错了")
    mended = (await desk.edit(XU, returned, visits=1)).json()
    handed_in = (await desk.act(XU, "submit", mended)).json()
    published = (await desk.act(ZHAO, "approve", handed_in)).json()
    assert (published["state"], published["reviewer_name"], published["acts"]) == ("published", "赵强", [])
    item = (await desk.at(GATEWAY).get(ITEM)).json()
    assert (item["item_version"], item["visits"], item["provenance"]) == (2, 1, "editor")
    assert await events() == [("item-published", 1), ("item-published", 2)]
    assert await desk.history() == [
        ("published", "", 1),
        ("drafted", "陈静", None),
        ("edited", "陈静", None),
        ("submitted", "陈静", None),
        ("returned", "赵强", None),
        ("edited", "徐明", None),
        ("submitted", "徐明", None),
        ("reviewed", "赵强", None),
        ("published", "赵强", 2),
    ]
    versions = (await desk.at(CHEN).get(f"{ITEM}/versions")).json()["items"]
    assert [(each["version"], each["author_name"], each["reviewer_name"]) for each in versions] == [
        (2, "徐明", "赵强"),
        (1, "", ""),
    ]
    # The code is free for the next change.
    assert (await desk.draft())["from_version"] == 2


async def test_a_new_item_gets_its_code(desk: Desk) -> None:
    content = desk.content()
    for name in ("code", "code_system", "form"):
        del content[name]
    content["kind"] = "base"
    answer = await desk.at(CHEN).post(
        "/revisions", json={"kind": "base", "content": content, "reason": "新增", "department": "14"}
    )
    assert answer.status_code == 201, answer.text
    draft = answer.json()
    assert (draft["code"][:6], len(draft["code"]), draft["from_version"]) == ("512014", 12, 0)
    assert draft["content"]["code_system"] == "gb-12"
    handed_in = (await desk.act(CHEN, "submit", draft)).json()
    approved = await desk.act(ZHAO, "approve", handed_in)
    assert approved.status_code == 200, approved.text
    assert (await desk.at(GATEWAY).get(f"/items/{draft['code']}")).json()["item_version"] == 1
    # What implements it gets the long code made of it and of the organisation's own.
    content = desk.content(base=draft["code"])
    del content["code"]
    answer = await desk.at(CHEN).post(
        "/revisions", json={"kind": "implementation", "content": content, "reason": "新增"}
    )
    assert answer.json()["code"] == f"{LABOUR.id}4{draft['code']}"


async def test_one_revision_of_a_code_is_open(desk: Desk) -> None:
    draft = await desk.draft()
    again = await desk.at(XU).post(
        "/revisions", json={"kind": "implementation", "code": CODE, "content": desk.content(), "reason": "也改"}
    )
    assert slug(again) == (409, "revision-open")
    assert again.json()["revision"] == draft["id"]
    assert (await desk.act(CHEN, "discard", draft)).json()["state"] == "discarded"
    await desk.draft(XU)


async def test_nobody_reviews_what_they_wrote(desk: Desk) -> None:
    draft = await desk.draft(BOTH)
    edited = (await desk.edit(CHEN, draft, visits=2)).json()
    handed_in = (await desk.act(CHEN, "submit", edited)).json()
    # Not its last author, and yet one of its authors.
    assert slug(await desk.act(BOTH, "approve", handed_in)) == (409, "author-reviews")
    assert (await desk.act(ZHAO, "approve", handed_in)).status_code == 200


async def test_roles_are_held_at_the_organisation(desk: Desk) -> None:
    draft = await desk.draft()
    path = f"/revisions/{draft['id']}"
    for person in (ELSEWHERE, CLERK):
        assert slug(await desk.at(person).get(path)) == (404, "revision-not-found")
        assert (await desk.at(person).get("/revisions")).json()["items"] == []
        assert slug(await desk.act(person, "submit", draft)) == (404, "revision-not-found")
    for person in (CITIZEN, GATEWAY):
        for get in (path, "/revisions", f"{ITEM}/history", f"{ITEM}/versions", f"{ITEM}/comparison?left=1&right=1"):
            assert slug(await desk.at(person).get(get)) == (403, "forbidden"), get
        for act in ("suspend", "resume", "retire", "rollback"):
            assert slug(
                await desk.stand(person, act, to_version=1) if act == "rollback" else await desk.stand(person, act)
            ) == (
                403,
                "forbidden",
            )
    assert slug(await desk.act(ZHAO, "submit", draft)) == (403, "forbidden")
    assert slug(await desk.edit(ZHAO, draft, visits=3)) == (403, "forbidden")
    handed_in = (await desk.act(CHEN, "submit", draft)).json()
    for act in ("approve", "return"):
        assert slug(await desk.act(XU, act, handed_in)) == (403, "forbidden")
    for person, act in ((CHEN, "suspend"), (CHEN, "retire"), (ZHAO, "retire"), (ZHAO, "resume"), (ELSEWHERE, "retire")):
        assert slug(await desk.stand(person, act)) == (403, "forbidden"), act
    assert slug(await desk.stand(ZHAO, "rollback", to_version=1)) == (403, "forbidden")
    listed = (await desk.at(CHEN).get("/revisions?state=submitted&mine=true")).json()["items"]
    assert [(each["id"], each["name"]["zh"]) for each in listed] == [(draft["id"], "失业登记")]
    assert (await desk.at(XU).get("/revisions?mine=true")).json()["items"] == []


async def test_an_item_goes_to_no_organisation_that_is_not_the_editors(desk: Desk) -> None:
    draft = await desk.draft(CHEN)
    health = {"id": HEALTH.id, "name": {"zh": "随便写的名字", "en": None}}
    assert slug(await desk.edit(CHEN, draft, organisation=health)) == (403, "forbidden")
    moved = (await desk.edit(XU, draft, organisation=health)).json()
    assert moved["organisation"] == HEALTH.id
    assert moved["organisation_name"]["zh"] == HEALTH.name.zh  # as the register has it
    nobody = await desk.edit(XU, moved, organisation={"id": "nobody", "name": {"zh": "无"}})
    assert slug(nobody) == (422, "content-invalid")
    assert [(each["field"], each["reason"]) for each in nobody.json()["errors"]] == [("organisation.id", "unknown")]
    handed_in = (await desk.act(XU, "submit", moved)).json()
    # A reviewer where it was and where it goes.
    assert slug(await desk.act(ZHAO, "approve", handed_in)) == (404, "revision-not-found")
    approved = await desk.act(QIAN, "approve", handed_in)
    # The code says who implements it: the lint refuses what a reform alone can do.
    assert (approved.status_code, {each["rule"] for each in approved.json()["errors"]}) == (422, {"code"})


async def test_the_lint_refuses_with_cause_and_mend(desk: Desk) -> None:
    slow = {"statutory": {"amount": 5}, "promised": {"amount": 9}}
    draft = await desk.draft(content=desk.content(limits=slow))
    assert [each["rule"] for each in draft["findings"]] == ["promised-over-statutory"]
    handed_in = (await desk.act(CHEN, "submit", draft)).json()
    assert [each["field"] for each in handed_in["findings"]] == ["limits.promised"]
    refused = await desk.act(ZHAO, "approve", handed_in)
    assert slug(refused) == (422, "lint-refused")
    [finding] = refused.json()["errors"]
    assert set(finding) == {"rule", "field", "cause", "mend"}
    assert finding["cause"]["zh"]
    assert finding["mend"]["en"]
    assert (await desk.revision(draft))["state"] == "submitted"


async def test_content_is_checked_field_by_field(desk: Desk) -> None:
    material = {"id": "a", "name": {"zh": "照片"}, "required": True}
    wrong: list[tuple[dict[str, Any], list[tuple[str, str]]]] = [
        ({"nonsense": 1}, [("nonsense", "unknown")]),
        ({"contact": {"fax": "1"}}, [("contact.fax", "unknown")]),
        ({"materials": [material | {"colour": "red"}]}, [("materials.0.colour", "unknown")]),
        ({"materials": [material, material]}, [("materials", "repeated")]),
        ({"materials": [material | {"id": "../a"}]}, [("materials.0.id", "format")]),
        ({"visits": "3"}, [("visits", "int_type")]),
        ({"visits": -1}, [("visits", "out_of_range")]),
        ({"visits": 2**70}, [("visits", "number")]),
        ({"name": "失业登记"}, [("name", "model_type")]),
        ({"name": {"zh": ["a"]}}, [("name.zh", "string_type")]),
        ({"name": {"zh": " "}}, [("name.zh", "required")]),
        ({"name": {"zh": "登记\u202egnp"}}, [("name.zh", "bad_character")]),
        ({"name": {"zh": "登记\x07"}}, [("name.zh", "bad_character")]),
        ({"summary": {"zh": "<script>x</script>"}}, [("summary.zh", "markup")]),
        ({"name": {"zh": "长" * 201}}, [("name.zh", "too_long")]),
        ({"subjects": []}, [("subjects", "required")]),
        ({"subjects": ["dog"]}, [("subjects.0", "literal_error")]),
        ({"division": "999999000000"}, [("division", "unknown")]),
        ({"topics": ["t"] * 201}, [("topics", "too_many")]),
        ({"code": "ANOTHER"}, [("code", "fixed")]),
        ({"kind": "base"}, [("kind", "fixed")]),
        ({"steps": [[]]}, [("steps.0", "model_type")]),
        ({"form": {"$ref": "https://example.org/x"}}, [("form", "")]),
        (
            {"form": {"type": "object", "properties": {"a": {"type": "integer", "maximum": 2**60}}}},
            [("form", "number")],
        ),
    ]
    nested: Any = "x"
    for _ in range(60):
        nested = [nested]
    wrong.append(({"summary": nested}, [(".0".join(["summary"] + [""] * 41).rstrip("."), "too_deep")]))
    draft = await desk.draft()
    for changes, expected in wrong:
        answer = await desk.edit(CHEN, draft, **changes)
        assert answer.status_code == 422, (changes, answer.text[:300])
        found = [(each["field"], each["reason"]) for each in answer.json()["errors"]]
        if expected[0][0] == "form" and not expected[0][1]:
            assert all(field.startswith("form") for field, _ in found), found
        elif expected[0][1] == "too_deep":
            assert found[0][1] == "too_deep"
        else:
            assert found == expected, changes
    tidied = (await desk.edit(CHEN, draft, name={"zh": "\ufeff 失业登记 ２ ", "en": "Registration"})).json()
    assert tidied["content"]["name"]["zh"] == "失业登记 2"
    for body in (
        {},
        {"reason": " ", "content": {}},
        {"reason": "x" * 1001, "content": {}},
        {"reason": "<b>", "content": {}},
    ):
        answer = await desk.at(CHEN).put(f"/revisions/{draft['id']}", json=body, headers={"If-Match": '"1"'})
        assert slug(answer) == (422, "invalid"), body


async def test_acts_are_on_what_was_seen(desk: Desk) -> None:
    draft = await desk.draft()
    await desk.edit(CHEN, draft, visits=3)
    assert slug(await desk.edit(CHEN, draft, visits=4)) == (412, "version-mismatch")
    for act in ("submit", "discard", "return", "approve", "withdraw"):
        assert slug(await desk.act(CHEN if act in ("submit", "discard") else ZHAO, act, draft)) == (
            412,
            "version-mismatch",
        )
        bare = await desk.at(CHEN).post(f"/revisions/{draft['id']}/{act}", json={"reason": "x"})
        assert slug(bare) == (428, "if-match-required")
    assert slug(await desk.act(ZHAO, "approve", await desk.revision(draft))) == (409, "wrong-state")
    assert slug(await desk.stand(ZHOU, "suspend", version=7)) == (412, "version-mismatch")


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
    overtaken = await desk.act(ZHAO, "approve", handed_in)
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
