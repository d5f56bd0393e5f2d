"""One thing (一件事): what keeps a bundle from being published, its order, what to bring, its guide and its life."""

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.catalog.demo import load_demo
from services.catalog.demo.bundles import DEMO_BUNDLES
from services.catalog.demo.for_companies import BILLBOARD, HYGIENE_PERMIT
from services.catalog.demo.for_people import DOG
from services.catalog.demo.organisations import HEALTH, ORGANISATIONS, POLICE
from services.catalog.domain.bundles import BundleFacts, Member, cycle, findings, ordered, to_bring
from services.catalog.domain.form import behind, form, page, text
from services.catalog.domain.items import BundleContent, ItemContent, Provenance
from services.catalog.domain.life import Actor, ItemStatus, RevisionState
from services.catalog.handlers.bundles import findings_of
from services.catalog.handlers.drafting import open_draft
from services.catalog.handlers.organisations import register_organisations
from services.catalog.handlers.publishing import publish_items
from services.catalog.handlers.registers import take_in
from services.catalog.store.work import Work
from services.contracts.base import Text
from services.contracts.catalog_items import BundleMember, Material, Organisation
from services.contracts.catalog_resources import ElementContent, LicenceTypeContent
from services.kit.service import Service
from tests.catalog.acting import Doors, officer

POLICE_NAMED = Organisation(id=POLICE.id, name=POLICE.name)
LEAD = Organisation(id=HEALTH.id, name=HEALTH.name)
LICENCE = f"{POLICE.id}001"


def element(code: str, **more: Any) -> ElementContent:
    fields = {"code": code, "name": {"zh": f"数据元{code}", "en": code}, "source": POLICE_NAMED, **more}
    return ElementContent.model_validate(fields)


ELEMENTS = {each.code: each for each in (element("address"), element("area", data_type="number"), element("lonely"))}


def material(id_: str, **fields: Any) -> Material:
    found = {"id": id_, "name": {"zh": f"材料{id_}", "en": id_}, "required": False, "made_by": "applicant", **fields}
    return Material.model_validate(found)


def asking(item: ItemContent, *elements: str, materials: tuple[Material, ...] = ()) -> ItemContent:
    fields = {f"f_{each}": behind(each, text(each, each)) for each in elements}
    asked = form([page("p", "页", "Page", fields or {"f": text("问", "Asked")})])
    return item.model_copy(update={"form": asked, "materials": materials})


SHOP = asking(HYGIENE_PERMIT, "address", "lonely", materials=(material("plan", required=True), material("photo")))
SIGN = asking(
    BILLBOARD, "address", materials=(material("design", note={"zh": "标明尺寸"}), material("photo", required=True))
)
GUARD = asking(DOG, materials=(material("vaccination"),))
A, B, C = SHOP.code, SIGN.code, GUARD.code
MEMBERS = {each.code: Member(each, ItemStatus.PUBLISHED) for each in (SHOP, SIGN, GUARD)}
FACTS = BundleFacts(MEMBERS, ELEMENTS)


def member(code: str, **fields: Any) -> BundleMember:
    return BundleMember.model_validate(
        {"code": code, "name": MEMBERS[code].content.name if code in MEMBERS else {"zh": code}, **fields}
    )


WHEN = {
    "when": "area >= 100.0",
    "when_text": {"zh": "店面 100 平方米以上的。", "en": "Shops of 100 square metres or more."},
}
BUNDLE = BundleContent(
    code="YJS-511602-0001",
    name=Text(zh="开理发店", en="Open a barber's"),
    organisation=LEAD,
    division=SHOP.division,
    subjects=("company",),
    topics=("production_operation",),
    members=(member(B, after=[A], **WHEN), member(A), member(C)),
    shared_fields=("address",),
    shared_materials=((f"{A}#photo", f"{B}#photo"),),
)


def changed(**fields: Any) -> BundleContent:
    return BundleContent.model_validate(BUNDLE.model_dump() | fields)


def standing(code: str, status: ItemStatus | None, **fields: Any) -> BundleFacts:
    other = Member(MEMBERS[code].content.model_copy(update=fields), status)
    return BundleFacts({**MEMBERS, code: other}, ELEMENTS)


def second(**fields: Any) -> BundleContent:
    """A bundle whose second member is said otherwise."""
    return changed(members=[member(A), member(B, **fields)])


def groups(*found: list[str]) -> BundleContent:
    return changed(shared_materials=found)


def with_licences() -> BundleFacts:
    """Each member's photo is another licence type."""
    members = {}
    for number, (code, each) in enumerate(MEMBERS.items()):
        photo = material("photo", licence_type=f"{POLICE.id}00{number}")
        members[code] = Member(asking(each.content, "address", materials=(photo,)), ItemStatus.PUBLISHED)
    return BundleFacts(members, ELEMENTS)


_WHEN_FIELD = f"members.{B}.when"
REFUSED: dict[str, tuple[BundleContent, str, str, str]] = {
    "one item": (changed(members=[member(A)]), "bundle-members", "members", "2 to 50"),
    "an item twice": (changed(members=[member(A), member(A), member(B)]), "bundle-members", "members", "each once"),
    "no such item": (changed(members=[member(A), member("X")]), "bundle-members", "members.X", "in force by then"),
    "before, no member": (second(after=["X"]), "bundle-order", f"members.{B}", "no member of the bundle"),
    "before itself": (second(after=[B]), "bundle-order", f"members.{B}", "in a circle"),
    "no expression": (second(**WHEN | {"when": "area >"}), "bundle-condition", _WHEN_FIELD, "cannot be read"),
    "another type": (second(**WHEN | {"when": "area == 'x'"}), "bundle-condition", _WHEN_FIELD, "does not go with"),
    "an unknown element": (second(**WHEN | {"when": "other > 1"}), "bundle-condition", _WHEN_FIELD, "no registered"),
    "without words": (second(when="area > 1.0"), "bundle-condition", _WHEN_FIELD, "not said in words"),
    "asked by one": (changed(shared_fields=["lonely"]), "bundle-fields", "shared_fields.lonely", "asked for by 1"),
    "not registered": (changed(shared_fields=["x"]), "bundle-fields", "shared_fields.x", "not registered"),
    "no such material": (groups([f"{A}#photo", f"{B}#x"]), "bundle-materials", "shared_materials.0", "no material"),
    "no reference": (groups(["photo", f"{B}#photo"]), "bundle-materials", "shared_materials.0", "no material"),
    "in two groups": (
        groups([f"{A}#photo", f"{B}#photo"], [f"{A}#photo", f"{B}#design"]),
        *("bundle-materials", "shared_materials.1", "twice"),
    ),
    "of one item": (groups([f"{A}#photo", f"{A}#plan"]), "bundle-materials", "shared_materials.0", "two items"),
}
STANDING: dict[str, tuple[BundleFacts, str, str, str]] = {
    "retired": (standing(C, ItemStatus.RETIRED), "bundle-members", f"members.{C}", "is retired"),
    "suspended": (standing(C, ItemStatus.SUSPENDED), "bundle-members", f"members.{C}", "is suspended"),
    "base": (standing(C, ItemStatus.PUBLISHED, kind="base"), "bundle-members", f"members.{C}", "nobody applies"),
    "of two licences": (with_licences(), "bundle-materials", "shared_materials.0", "not one document"),
}
CASES = {name: (bundle, FACTS, *found) for name, (bundle, *found) in REFUSED.items()} | {
    name: (BUNDLE, *found) for name, found in STANDING.items()
}


@pytest.mark.parametrize("name", CASES)
def test_what_is_refused_of_bundles(name: str) -> None:
    bundle, facts, rule, field, words = CASES[name]
    found = [each for each in findings(bundle, facts) if (each.rule, each.field) == (rule, field)]
    assert any(words in (each.cause.en or "") for each in found), findings(bundle, facts)
    assert all(each.cause.zh and each.mend.zh and each.mend.en for each in found)


def test_what_is_right_is_let_pass() -> None:
    assert findings(BUNDLE, FACTS) == []
    assert findings(BUNDLE, standing(C, None)) == [], "approved to be in force by then"


def test_a_circle_of_the_order_is_printed() -> None:
    members = [member(A, after=[B]), member(B, after=[C]), member(C, after=[A])]
    (found,) = [each for each in findings(changed(members=members), FACTS) if each.rule == "bundle-order"]
    names = [MEMBERS[code].content.name.zh for code in (C, B, A)]
    told = found.cause.zh.split("：")[1].rstrip("。").split(" → ")
    assert told[0] == told[-1]
    assert sorted(told[:-1]) == sorted(names)
    assert "".join(told[:-1] * 2).find("".join(names)) >= 0, "each goes before the next"


@settings(max_examples=40, deadline=None)
@given(st.dictionaries(st.sampled_from("abcdef"), st.sets(st.sampled_from("abcdefx"), max_size=3), min_size=1))
def test_order(graph: dict[str, set[str]]) -> None:
    members = [
        BundleMember.model_validate({"code": code, "name": {"zh": code}, "after": sorted(after)})
        for code, after in graph.items()
    ]
    found = [each.code for each in ordered(members)]
    circle = cycle(members)
    assert sorted(found) == sorted(graph)
    if circle:
        assert circle[0] == circle[-1]
        assert all(before in graph[code] for before, code in pairwise(circle))
    else:
        assert all(found.index(before) < found.index(code) for code in graph for before in graph[code] & graph.keys())


def test_one_list_of_what_to_bring() -> None:
    found = [(each.name.zh, each.required, each.members) for each in to_bring(BUNDLE, MEMBERS)]
    assert found == [
        ("材料plan", True, (A,)),
        ("材料photo", True, (A, B)),  # optional for the one, required for the other
        ("材料design", False, (B,)),
        ("材料vaccination", False, (C,)),
    ]
    assert to_bring(BUNDLE, {}) == []


# At the door ---------------------------------------------------------------------------------------------------------

EDITOR = officer("editor", f"editor@{HEALTH.id}")
REVIEWER = officer("reviewer", f"reviewer@{HEALTH.id}")
REGISTRAR = officer("registrar", "registrar@*")
ANYONE = officer("lin", realm="citizen")


@pytest.fixture
async def doors(catalog: Service, work: Callable[[], Work]) -> AsyncIterator[Doors]:
    await register_organisations(ORGANISATIONS, Provenance.DEMO, work())
    entries = [(number, "element", each) for number, each in enumerate(ELEMENTS.values())]
    licence = LicenceTypeContent(code=LICENCE, name=Text(zh="营业执照", en="Business licence"), source=POLICE_NAMED)
    await take_in([*entries, (9, "licence", licence)], "system:test", "", work())
    held = material("licence", licence_type=LICENCE)
    await publish_items(
        [SHOP.model_copy(update={"materials": (*SHOP.materials, held)}), SIGN, GUARD], Provenance.DEMO, work()
    )
    found = Doors(catalog)
    async with found.client:
        yield found


def draft(bundle: BundleContent) -> dict[str, Any]:
    content = bundle.model_dump(mode="json")
    del content["code"]
    return {"kind": "bundle", "content": content, "reason": "一件事"}


async def test_a_bundle_from_draft_to_guide(doors: Doors, subtests: pytest.Subtests) -> None:
    status, begun = await doors(
        EDITOR,
        "POST",
        "/revisions",
        draft(changed(members=[*BUNDLE.model_dump()["members"], member("X").model_dump()])),
    )
    assert (status, begun["code"], begun["state"]) == (201, "YJS-511602-0001", "draft")
    code, revision = begun["code"], begun["id"]
    assert [(each["rule"], each["field"]) for each in begun["findings"]] == [("bundle-members", "members.X")]
    why = {"reason": "可以"}
    _, sent = await doors(EDITOR, "POST", f"/revisions/{revision}/submit", why, If_Match='"1"')
    status, refused = await doors(
        REVIEWER, "POST", f"/revisions/{revision}/approve", why, If_Match=f'"{sent["version"]}"'
    )
    assert (status, refused["type"].rsplit(":", 1)[-1], refused["errors"][0]["rule"]) == (
        422,
        "lint-refused",
        "bundle-members",
    )

    _, back = await doors(REVIEWER, "POST", f"/revisions/{revision}/return", why, If_Match=f'"{sent["version"]}"')
    _, edited = await doors(
        EDITOR,
        "PUT",
        f"/revisions/{revision}",
        {"content": draft(BUNDLE)["content"], "reason": "改好"},
        If_Match=f'"{back["version"]}"',
    )
    assert edited["findings"] == []
    _, sent = await doors(EDITOR, "POST", f"/revisions/{revision}/submit", why, If_Match=f'"{edited["version"]}"')
    status, done = await doors(REVIEWER, "POST", f"/revisions/{revision}/approve", why, If_Match=f'"{sent["version"]}"')
    assert (status, done["state"]) == (200, "published")

    status, listed = await doors(ANYONE, "GET", "/bundles")
    assert (status, [(each["code"], each["members"]) for each in listed["items"]], listed["next"]) == (
        200,
        [(code, 3)],
        None,
    )
    _, elsewhere = await doors(ANYONE, "GET", "/bundles?division=110101000000")
    assert elsewhere["items"] == []

    answer = await doors.client.get(f"/bundles/{code}")
    guide = answer.json()
    assert (answer.status_code, guide["status"], guide["bundle_version"]) == (200, "published", 1)
    assert [(each["code"], each["after"]) for each in guide["steps"]] == [(A, []), (B, [A]), (C, [])]
    assert {each["code"]: each["status"] for each in guide["items"]} == dict.fromkeys((A, B, C), "published")
    assert [(each["name"]["zh"], each["required"], each["for"]) for each in guide["bring"]][:2] == [
        ("材料plan", True, [A]),
        ("材料photo", True, [A, B]),
    ]
    known = {each["name"]["zh"]: each["known_by"] and each["known_by"]["code"] for each in guide["bring"]}
    assert (known["材料licence"], known["材料plan"]) == (LICENCE, None)
    assert [(each["element"], each["for"]) for each in guide["asked_once"]] == [("address", [B, A])]
    assert [(each["element"], each["data_type"]) for each in guide["questions"]] == [("area", "number")]
    again = await doors.client.get(f"/bundles/{code}", headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")

    for answers, expected in (({}, None), ({"area": 200}, True), ({"area": 20.5}, False)):
        with subtests.test(str(answers)):
            status, told = await doors(ANYONE, "POST", f"/bundles/{code}/eligibility", {"answers": answers})
            assert status == 200
            assert {each["code"]: each["applies"] for each in told["members"]} == {A: True, B: expected, C: True}
    status, wrong = await doors(ANYONE, "POST", f"/bundles/{code}/eligibility", {"answers": {"area": "large"}})
    assert (status, wrong["errors"][0]["field"]) == (422, "answers.area")
    for path in ("/bundles/none", f"/bundles/{A}"):
        assert (await doors(ANYONE, "GET", path))[0] == 404
    assert (await doors(ANYONE, "GET", f"/items/{code}"))[0] == 404

    # What becomes of a member is told by the bundle's guide, which has another entity tag then.
    assert (await doors(REGISTRAR, "POST", f"/items/{B}/suspend", why))[0] == 200
    assert (await doors(REGISTRAR, "POST", f"/items/{C}/retire", why))[0] == 200
    later = await doors.client.get(f"/bundles/{code}", headers={"If-None-Match": answer.headers["etag"]})
    assert later.status_code == 200
    assert {each["code"]: each["status"] for each in later.json()["steps"]} == {
        A: "published",
        B: "suspended",
        C: "retired",
    }
    assert {each["code"]: each["status_reason"] for each in later.json()["items"]} == {A: "", B: "可以", C: "可以"}

    # People find it among the items, by its own words and by its members', and know it by its kind.
    for query in ("q=开理发店", f"q={SHOP.name.zh}", "subject=company"):
        hits = (await doors(ANYONE, "GET", f"/items?topic=production_operation&{query}"))[1]["items"]
        assert ("bundle", code) in {(each["kind"], each["code"]) for each in hits}, query
    assert (await doors(ANYONE, "GET", "/suggest?q=开理发"))[1]["suggestions"][0] == {"text": "开理发店", "code": code}

    assert (await doors(REGISTRAR, "POST", f"/items/{code}/retire", why))[0] == 200
    assert (await doors(ANYONE, "GET", "/items?q=开理发店&topic=production_operation"))[1]["items"] == []
    assert (await doors(ANYONE, "GET", "/bundles"))[1]["items"] == []
    assert (await doors(ANYONE, "GET", f"/bundles/{code}"))[1]["status"] == "retired"


async def test_an_item_that_is_approved_by_then_counts(catalog: Service, work: Callable[[], Work]) -> None:
    await register_organisations(ORGANISATIONS, Provenance.DEMO, work())
    await take_in(
        [(number, "element", each) for number, each in enumerate(ELEMENTS.values())], "system:test", "", work()
    )
    await publish_items([SHOP, SIGN], Provenance.DEMO, work())
    async with work() as writing:
        # A member that got another code by a reform is still found by the one that the bundle names.
        await writing.codes.add_aliases({"OLD-1": A}, "改革", writing.now())
        found = await writing.items.many(["OLD-1", B, "NONE"])
        assert {code: item.content.code for code, item in found.items()} == {"OLD-1": A, B: B}
        draft = await open_draft(GUARD, 0, Actor("editor"), "新事项", writing)
        tomorrow = writing.now() + timedelta(days=1)
        approved = replace(draft, version=2, state=RevisionState.REVIEWED, effective_at=tomorrow)
        await writing.revisions.save(approved)
    assert await findings_of(BUNDLE, work(), by=tomorrow) == []
    for by in (None, tomorrow - timedelta(seconds=1)):
        assert [each.field for each in await findings_of(BUNDLE, work(), by=by)] == [f"members.{C}"]


async def test_the_demonstration_passes_its_own_rules(catalog: Service, work: Callable[[], Work]) -> None:
    await load_demo(catalog)
    for bundle in DEMO_BUNDLES:
        assert await findings_of(bundle, work()) == []
