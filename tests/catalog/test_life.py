"""The life of an item over HTTP: drafted, handed in, reviewed by another; who may do what to which content."""

from collections.abc import Callable
from typing import Any

from services.catalog.demo.organisations import HEALTH, LABOUR
from services.catalog.store.work import Work
from tests.catalog.conftest import Clock
from tests.catalog.desk import CODE, ITEM, Desk, slug
from tests.catalog.people import BOTH, CHEN, CITIZEN, CLERK, ELSEWHERE, GATEWAY, QIAN, XU, ZHAO, ZHOU

Works = Callable[[], Work]


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
    mended = (await desk.edit(XU, returned, visits=1, name={"zh": "待业人员登记", "en": None})).json()
    handed_in = (await desk.act(XU, "submit", mended)).json()
    published = (await desk.act(ZHAO, "approve", handed_in)).json()
    assert (published["state"], published["reviewer_name"], published["acts"]) == ("published", "赵强", [])
    item = (await desk.at(GATEWAY).get(ITEM)).json()
    assert (item["item_version"], item["visits"], item["provenance"]) == (2, 1, "editor")
    # Found under its new name, and on its way to the other services, as soon as the approval is answered.
    assert [each["code"] for each in (await desk.at(GATEWAY).get("/items?q=待业人员登记")).json()["items"]] == [CODE]
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
    assert [(each["field"], each["appealable"]) for each in handed_in["findings"]] == [("limits.promised", True)]
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
