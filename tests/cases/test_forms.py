"""Answers against a form: stable reasons, page by page, and nothing of what was typed in the words."""

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.cases.domain import forms
from services.cases.domain.forms import Form
from services.cases.domain.items import Item, Name

SCHEMA: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "properties": {
        "kind": {"type": "string", "enum": ["person", "company"]},
        "name": {"type": "string", "minLength": 1, "maxLength": 10},
        "born": {"type": "string", "format": "date"},
        "rooms": {"type": "integer", "minimum": 1, "maximum": 9},
        "company": {"type": "string", "pattern": "^[A-Z]+$"},
        "people": {
            "type": "array",
            "items": {"type": "object", "required": ["name"]},
            "maxItems": 2,
        },
    },
    "required": ["kind", "name"],
    "allOf": [
        {
            "if": {"properties": {"kind": {"const": "company"}}, "required": ["kind"]},
            "then": {"required": ["company"]},
        }
    ],
    "additionalProperties": False,
    "x-pages": [
        {"id": "who", "fields": ["kind", "name"]},
        {
            "id": "company",
            "fields": ["company"],
            "when": {"field": "kind", "const": "company"},
        },
        {"id": "rest", "fields": ["born", "rooms", "people"]},
    ],
}
FORM = Form(SCHEMA)


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ({"kind": "person", "name": "林"}, []),
        ({}, [("answers.kind", "required"), ("answers.name", "required")]),
        ({"kind": "cat", "name": "林"}, [("answers.kind", "choice")]),
        ({"kind": "person", "name": ""}, [("answers.name", "required")]),
        ({"kind": "person", "name": "x" * 11}, [("answers.name", "too_long")]),
        ({"kind": "person", "name": 3}, [("answers.name", "type")]),
        (
            {"kind": "person", "name": "林", "born": "2062-13-40"},
            [("answers.born", "format")],
        ),
        (
            {"kind": "person", "name": "林", "rooms": 0},
            [("answers.rooms", "too_small")],
        ),
        ({"kind": "person", "name": "林", "rooms": "2"}, [("answers.rooms", "type")]),
        ({"kind": "company", "name": "林"}, [("answers.company", "required")]),
        (
            {"kind": "company", "name": "林", "company": "x"},
            [("answers.company", "pattern")],
        ),
        ({"kind": "person", "name": "林", "shoe": 43}, [("answers.shoe", "unknown")]),
        (
            {"kind": "person", "name": "林", "people": [{}, {"name": "a"}]},
            [("answers.people.0.name", "required")],
        ),
        (
            {"kind": "person", "name": "林", "people": [{"name": "a"}] * 3},
            [("answers.people", "too_many")],
        ),
    ],
)
def test_reasons(answers: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    assert [(p.field, p.reason) for p in FORM.problems(answers)] == expected


def test_the_words_never_repeat_the_answer() -> None:
    problems = FORM.problems({"kind": "secret-kind", "name": "secret-name-too-long", "shoe": "secret"})
    assert problems
    assert all("secret" not in problem.detail for problem in problems)


def test_a_page_shows_only_its_own_problems() -> None:
    page = FORM.page("rest")
    assert page is not None
    problems = FORM.page_problems(page, {"rooms": 99})
    assert [p.field for p in problems] == ["answers.rooms"]


def test_pages_that_are_not_called_for_are_left_out() -> None:
    answers = {"kind": "person", "name": "林", "company": "ABC", "shoe": 43}
    assert FORM.called_for(answers) == {"kind": "person", "name": "林"}
    assert FORM.called_for(answers | {"kind": "company"}) == {
        "kind": "company",
        "name": "林",
        "company": "ABC",
    }


def test_a_form_without_pages_is_one_page() -> None:
    form = Form({"type": "object", "properties": {"a": {}, "b": {}}})
    assert [(page.id, page.fields) for page in form.pages] == [("form", ("a", "b"))]


def test_a_broken_schema_is_refused() -> None:
    with pytest.raises(ValueError, match="2020-12"):
        Form({"type": "no-such-type"})


def test_empty_answers_count_as_not_given() -> None:
    assert forms.answered({"a": "", "b": None, "c": [], "d": 0, "e": False}) == {
        "d": 0,
        "e": False,
    }


@pytest.mark.parametrize("bad", ["\ud800", float("nan"), 2**70, "x" * forms.MAX_BYTES])
def test_what_cannot_be_stored(bad: Any) -> None:
    stored = forms.is_storable({"a": bad})
    assert stored is (isinstance(bad, float))  # NaN is written as null; the schema then refuses or takes it


def test_a_form_is_compiled_once_for_all_items_that_share_it() -> None:
    names = Name("事项"), Name("部门")
    one, other = (
        Item(
            code, version, names[0], "o", names[1], "511602000000", "01", None, None, (), orjson.dumps(SCHEMA).decode()
        )
        for code, version in (("first", 1), ("second", 7))
    )
    assert one.form is other.form


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text("ab林 \x00\u202e", max_size=12),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["name", "a", "a.b"]), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(
    st.dictionaries(
        st.sampled_from(["kind", "name", "born", "rooms", "company", "people", "x"]),
        JSON,
    )
)
def test_any_answers_give_problems_never_an_error(answers: dict[str, Any]) -> None:
    problems = FORM.problems(answers)
    assert all(p.field.startswith("answers.") and p.reason for p in problems)
    assert len({p.field for p in problems}) == len(problems)
    if not problems:
        assert answers["kind"] in ("person", "company")
