"""A case in words and as a line, and forms from schemas: what people are told."""

from typing import Any

import pytest

from services.gateway.surfaces.common import casework, forms, guide
from services.kit.errors import FieldProblem
from services.kit.pages import Form
from tests.gateway.applications import case, due, form, item


@pytest.mark.parametrize(
    ("left", "used", "kind", "before", "figure"),
    [(3, 2, "", "还剩", "3"), (1, 4, "wait", "只剩", "1"), (0, 5, "wait", "只剩", "0"), (-2, 7, "stop", "超了", "2")],
)
def test_the_clock_says_how_long(left: int, used: int, kind: str, before: str, figure: str) -> None:
    clock = casework.clock(case(status="accepted", due=due(days_left=left, days_used=used)))
    assert clock is not None
    assert (clock.kind, clock.before, clock.figure, clock.after) == (kind, before, figure, "个工作日")


def test_the_ruler_draws_used_open_over_and_the_laws_days() -> None:
    drawn = casework.clock(case(status="accepted", due=due())).drawn  # type: ignore[union-attr]
    assert "".join(cell.style or "-" for cell in drawn.cells) == "uu---" + "s" * 15
    assert [(n, c.flag) for n, c in enumerate(drawn.cells, 1) if c.flag] == [
        (2, "今天"),
        (5, "承诺 12月1日"),
        (20, "法定 12月22日"),
    ]
    over = casework.clock(case(status="accepted", due=due(days_left=-2, days_used=7))).drawn  # type: ignore[union-attr]
    assert "".join(cell.style for cell in over.cells) == "uuuuuoo" + "s" * 13
    assert over.label == "期限 5 个工作日，已超 2 个"


@pytest.mark.parametrize(
    "changed",
    [
        {"status": "delivered"},
        {"status": "withdrawn"},
        {"status": "accepted", "due": due(basis="none", days=None, date=None, days_left=None, days_used=None)},
        {"status": "accepted", "due": due(basis="unknown_year", date=None)},
    ],
)
def test_no_clock_where_nothing_is_counted(changed: dict[str, Any]) -> None:
    assert casework.clock(case(**changed)) is None


def test_a_limit_of_the_law_itself_says_so() -> None:
    assert "行政许可法第四十二条" in casework.basis_words(due(basis="law_default", days=20))
    assert casework.due_words(due(basis="none", date=None)) == "没有公布时限"


def test_what_is_still_to_come_shrinks_with_every_step() -> None:
    counts = [
        len(casework.to_come(case(status=status))) for status in ("returned", "submitted", "accepted", "reviewed")
    ]
    assert counts == [5, 4, 3, 2]
    assert [len(casework.to_come(case(status=status))) for status in ("decided", "delivered", "withdrawn")] == [1, 0, 0]


def test_pages_follow_the_answers() -> None:
    assert [page.id for page in forms.pages_of(form(), {})] == ["who", "stay"]
    pages = forms.pages_of(form(), {"kind": "company"})
    assert [page.id for page in pages] == ["who", "company", "stay"]
    assert pages[1].fields[0].required, "its condition is met"


@pytest.mark.parametrize(
    ("parts", "value"),
    [
        (("2026", "3", "2"), "2026-03-02"),
        (("2026", "13", "40"), "2026-13-40"),
        (("26", "三", ""), "26-三-"),
        (("²", "3", "2"), "²-3-2"),
        (("２０２６", "3", "2"), "２０２６-3-2"),
        (("", "", ""), None),
    ],
)
def test_a_date_is_taken_as_typed(parts: tuple[str, str, str], value: str | None) -> None:
    page = forms.pages_of(form(), {})[1]
    pairs = [(f"since.{name}", part) for name, part in zip(("year", "month", "day"), parts, strict=True)]
    answers = forms.posted(page, Form(pairs))
    assert answers.get("since") == value
    if value:
        shown = forms.shown(page.fields[0], value)
        assert (shown["year"], shown["month"].lstrip("0"), shown["day"].lstrip("0")) == tuple(
            part.lstrip("0") for part in parts
        ), "it comes back as it was"


def test_numbers_are_numbers_and_the_rest_stays_text() -> None:
    page = forms.pages_of(form(), {})[1]
    assert forms.posted(page, Form([("people", " 12 ")])) == {"people": 12}
    assert forms.posted(page, Form([("people", "一打")])) == {"people": "一打"}


@pytest.mark.parametrize(("typed", "value"), [("12", 12), ("-0.5", -0.5), ("1e9", "1e9"), ("1.", "1."), ("٣", "٣")])
def test_a_number_may_have_a_fraction(typed: str, value: object) -> None:
    page = forms.pages_of({"properties": {"area": {"type": "number", "title": "面积"}}}, {})[0]
    assert forms.posted(page, Form([("area", typed)])) == {"area": value}


@pytest.mark.parametrize(
    ("field", "reason", "value", "words"),
    [
        ("since", "format", "2026-13-40", "哪天住下：“2026-13-40”不是一个日子，请核对年、月、日"),
        ("people", "type", "一打", "几个人要填数字，您填的是“一打”"),
        ("people", "too_small", 0, "几个人“0”超出范围，请核对"),
        ("since", "required", None, "请填：哪天住下"),
    ],
)
def test_errors_name_the_value_and_the_way_out(field: str, reason: str, value: Any, words: str) -> None:
    page = forms.pages_of(form(), {})[1]
    for written in (f"answers.{field}", f"/answers/{field}"):
        found = forms.problems_on(page, [FieldProblem(written, reason)], {field: value})
        assert [(each.name, text) for each, text in found] == [(field, words)]


def test_facts_say_only_what_the_item_says() -> None:
    bare = item(limits={"statutory": None, "promised": None}, fee=None, visits=None, item_type="20", case_kind=None)
    labels = [label for label, *_ in guide.facts(bare)]
    assert labels == ["多久", "要您交的材料"]
    assert guide.facts(bare)[0][3] == "没有公布时限"
    licence = guide.facts(bare | {"item_type": "01"})
    assert licence[0][1:] == ("20", "个工作日", "没有公布时限，行政许可法第四十二条")
    assert guide.limit_ruler(bare) is None
