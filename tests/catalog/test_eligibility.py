"""May I apply? Questions from the register, answers that are typed and forgotten, outcomes that promise nothing."""

from collections.abc import AsyncIterator, Callable
from datetime import date
from typing import Any

import httpx
import pytest

from services.catalog.demo.for_people import DOG
from services.catalog.demo.organisations import CIVIL_AFFAIRS, ORGANISATIONS, POLICE
from services.catalog.domain import eligibility
from services.catalog.domain.eligibility import Answered, Eligibility, checks_of, together, typed
from services.catalog.domain.form import behind, choice, form, page
from services.catalog.domain.items import ItemContent, Provenance
from services.catalog.handlers.organisations import register_organisations
from services.catalog.handlers.publishing import publish_items
from services.catalog.handlers.registers import take_in
from services.catalog.store.work import Work
from services.contracts.base import Text
from services.contracts.catalog_items import Condition
from services.contracts.catalog_resources import ElementContent
from services.kit.service import Service

TODAY = date(2026, 3, 1)


def element(code: str, data_type: str, **more: Any) -> ElementContent:
    source = {"id": POLICE.id, "name": POLICE.name}
    name = {"zh": f"数据元{code}", "en": code}
    return ElementContent.model_validate({"code": code, "name": name, "data_type": data_type, "source": source, **more})


ELEMENTS = (
    element("birth_date", "date"),
    element("place_kind", "text"),
    element("area", "number", unit=Text(zh="平方米")),
    element("staff", "integer"),
    element("resident", "boolean"),
)
BY_CODE = {each.code: each for each in ELEMENTS}
FORM = form(
    [
        page(
            "p",
            "页",
            "Page",
            {
                "kind": behind(
                    "place_kind", choice("类型", "Kind", {"hotel": ("旅馆", "Hotel"), "pool": ("泳池", "Pool")})
                )
            },
        )
    ]
)
EXPRESSIONS = (
    "age(birth_date) >= 80",
    "resident",
    None,
    'place_kind == "hotel" && area >= 100 || staff > 5',
    "age(nobody) > 1",
    "age(",
)


def test_questions_come_in_the_order_in_which_they_are_named() -> None:
    checks = checks_of(EXPRESSIONS, BY_CODE, [FORM, {"properties": []}])
    assert [each.element for each in checks.questions] == ["birth_date", "resident", "place_kind", "area", "staff"]
    assert [program is not None for program in checks.programs] == [True, True, False, True, False, False]
    kind, area = checks.questions[2:4]
    assert [(option.value, option.name.en) for option in kind.options] == [("hotel", "Hotel"), ("pool", "Pool")]
    assert (area.unit, area.data_type, area.options) == (Text(zh="平方米"), "number", ())
    assert eligibility.names_in(EXPRESSIONS) == {*BY_CODE, "nobody"}
    many = checks_of(["resident"] * 60, BY_CODE, [])
    assert (len(many.programs), many.programs[-1]) == (60, None), "what is beyond the bound is not checked"


def test_what_conditions_come_to_together() -> None:
    met, not_met, unknown, words = Answered.MET, Answered.NOT_MET, Answered.UNKNOWN, Answered.NOT_CHECKABLE
    table = {
        (met, met): Eligibility.ELIGIBLE,
        (met, words): Eligibility.ELIGIBLE,
        (met, unknown): Eligibility.UNKNOWN,
        (not_met, unknown, met, words): Eligibility.NOT_ELIGIBLE,
        (words,): Eligibility.UNKNOWN,
        (): Eligibility.UNKNOWN,
    }
    assert {found: together(found) for found in table} == table


def test_answers_are_typed(subtests: pytest.Subtests) -> None:
    questions = checks_of(EXPRESSIONS, BY_CODE, [FORM]).questions
    good: list[tuple[str, Any, Any]] = [
        ("birth_date", "1946-03-01", date(1946, 3, 1)),
        ("resident", True, True),
        ("area", 99.5, 99.5),
        ("area", 99, 99),
        ("staff", 0, 0),
        ("place_kind", "pool", "pool"),
    ]
    for name, answer, expected in good:
        with subtests.test(f"{name} {answer}"):
            assert typed({name: answer}, questions) == ({name: expected}, [])
    bad: list[tuple[str, Any, str]] = [
        ("birth_date", "1946-02-30", "format"),
        ("birth_date", "19460301", "format"),
        ("birth_date", "1946-W10-5", "format"),
        ("birth_date", 1946, "type"),
        ("resident", "true", "type"),
        ("resident", 1, "type"),
        ("area", True, "type"),
        ("area", float("nan"), "too_large"),
        ("area", 1e300, "too_large"),
        ("area", 10**400, "too_large"),
        ("staff", 1.5, "type"),
        ("staff", 2**60, "too_large"),
        ("place_kind", "castle", "choice"),
        ("place_kind", ["hotel"], "type"),
        ("other", 1, "unknown"),
    ]
    for name, answer, reason in bad:
        with subtests.test(f"{name} {answer}"):
            _, problems = typed({name: answer}, questions)
            assert [(each.field, each.reason) for each in problems] == [(f"answers.{name}", reason)]
            assert str(answer) not in problems[0].detail, "answers are personal"
    free = checks_of(['place_kind == "x"'], BY_CODE, []).questions
    for answer, reason in (("x" * 201, "too_long"), ("a\0", "bad_character"), ("<b>", "markup")):
        with subtests.test(reason):
            assert typed({"place_kind": answer}, free)[1][0].reason == reason
    assert typed({"staff": None}, questions) == ({}, []), "no answer is no wrong answer"
    assert typed({str(number): 1 for number in range(51)}, questions)[1][0].reason == "too_many"


def test_when_a_member_applies() -> None:
    program = checks_of(["resident"], BY_CODE, []).programs[0]
    assert eligibility.applies(None, None, {}, TODAY) is True
    assert eligibility.applies(program, "resident", {"resident": False}, TODAY) is False
    assert eligibility.applies(program, "resident", {"resident": True}, TODAY) is True
    assert eligibility.applies(program, "resident", {}, TODAY) is None
    assert eligibility.applies(None, "nobody", {}, TODAY) is None


ITEM: ItemContent = DOG.model_copy(
    update={
        "form": FORM,
        "conditions": (
            Condition(zh="年满 80 周岁。", en="You are 80 or older.", expression="age(birth_date) >= 80"),
            Condition(zh="场所是旅馆。", en="The place is a hotel.", expression='place_kind == "hotel"'),
            Condition(zh="为人和善。", en="You are kind."),
            Condition(zh="以前导入的。", expression="age(nobody) > 1"),
        ),
    }
)


@pytest.fixture
async def asking(client: httpx.AsyncClient, catalog: Service) -> AsyncIterator[httpx.AsyncClient]:
    async with Work(catalog.context) as work:
        await register_organisations(ORGANISATIONS, Provenance.DEMO, work)
        await take_in([(number, "element", each) for number, each in enumerate(ELEMENTS)], "system:demo", "", work)
        await publish_items([ITEM], Provenance.DEMO, work)
    yield client


async def test_the_check_at_the_door(
    asking: httpx.AsyncClient, counts: Callable[..., Any], subtests: pytest.Subtests
) -> None:
    path = f"/items/{ITEM.code}/eligibility"
    asked = (await asking.get(path)).json()
    assert [(each["element"], each["data_type"]) for each in asked["questions"]] == [
        ("birth_date", "date"),
        ("place_kind", "text"),
    ]
    assert asked["questions"][1]["options"][0] == {"value": "hotel", "name": {"zh": "旅馆", "en": "Hotel"}}
    assert asked["questions"][0]["options"] is None
    assert [each["checkable"] for each in asked["conditions"]] == [True, True, False, False]

    kept = ("items", "item_versions", "transitions", "outbox", "audit")
    before = await counts(*kept)
    cases: list[tuple[dict[str, Any], str, list[str]]] = [
        ({}, "unknown", ["unknown", "unknown", "not_checkable", "not_checkable"]),
        ({"birth_date": "1930-01-01"}, "unknown", ["met", "unknown", "not_checkable", "not_checkable"]),
        ({"birth_date": "2010-01-01"}, "not_eligible", ["not_met", "unknown", "not_checkable", "not_checkable"]),
        (
            {"birth_date": "1930-01-01", "place_kind": "hotel"},
            "eligible",
            ["met", "met", "not_checkable", "not_checkable"],
        ),
    ]
    for answers, outcome, each in cases:
        with subtests.test(str(answers)):
            answer = await asking.post(path, json={"answers": answers})
            assert answer.status_code == 200
            assert answer.headers["cache-control"] == "no-store"
            assert answer.json()["outcome"] == outcome
            assert [condition["outcome"] for condition in answer.json()["conditions"]] == each
    assert await counts(*kept) == before, "nothing of it is kept"

    wrong = await asking.post(path, json={"answers": {"birth_date": "gestern", "place_kind": "castle", "x": 1}})
    assert wrong.status_code == 422
    assert {(each["field"], each["reason"]) for each in wrong.json()["errors"]} == {
        ("answers.birth_date", "format"),
        ("answers.place_kind", "choice"),
        ("answers.x", "unknown"),
    }
    assert "gestern" not in wrong.text
    for body in ({}, {"answers": []}, {"answers": "x"}, []):
        with subtests.test(str(body)):
            assert (await asking.post(path, json=body)).status_code == 422
    assert (await asking.get("/items/none/eligibility")).status_code == 404
    assert (await asking.post("/items/none/eligibility", json={"answers": {}})).status_code == 404
    assert CIVIL_AFFAIRS.id not in (await asking.get(path)).text
