"""What is set right in a text, and what has no place in one."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.catalog.domain.texts import cleaned, cleaned_code, text_problem

CLEANED = [
    ("教师资格认定", "教师资格认定", ()),
    ("许可（首次）：Ａ类１２", "许可（首次）：A类12", ("width",)),
    ("  许可  证\u3000", "许可 证", ("space",)),
    ("\ufeff许\u200b可", "许可", ("invisible",)),
    ("许可\t证\r\n明", "许可 证 明", ("space",)),
    ("\u3000１\u2060 ", "1", ("width", "invisible", "space")),
]


@pytest.mark.parametrize(("text", "kept", "notes"), CLEANED)
def test_what_is_set_right(text: str, kept: str, notes: tuple[str, ...]) -> None:
    assert cleaned(text) == (kept, notes)


def test_lines_stay_where_they_may() -> None:
    assert cleaned("一\r\n 二 \u2028三\n\n", lines=True) == ("一\n二\n三", ("space",))
    assert text_problem("一\n二", 10, lines=True) is None
    assert text_problem("一\n二", 10) == "bad_character"
    assert text_problem("一\t二", 10, lines=True) == "bad_character"


@pytest.mark.parametrize(
    ("text", "kept", "notes"),
    [
        ("511602000000", "511602000000", ()),
        ("５１１６０２", "511602", ("width",)),
        (" ab-１\u3000", "AB-1", ("width", "space", "case")),
        ("\ufeff51", "51", ("invisible",)),
    ],
)
def test_how_codes_are_kept(text: str, kept: str, notes: tuple[str, ...]) -> None:
    assert cleaned_code(text) == (kept, notes)


PROBLEMS = [
    ("许可", None),
    ("许可" * 6, "too_long"),
    ("许\0可", "bad_character"),
    ("许\x1b[31m", "bad_character"),
    ("许\x1c可", "bad_character"),
    ("许\x85可", "bad_character"),
    ("许\u202e可", "bad_character"),
    ("许\u2066可", "bad_character"),
    ("许\u200f可", "bad_character"),
    ("许\ud800可", "bad_character"),
    ("许\ue000可", "bad_character"),
    ("许\U000e0041可", "bad_character"),
    ("<b>许可</b>", "markup"),
    ("<img src=x", "markup"),
    ("</p>", "markup"),
    ("<!--x-->", "markup"),
    ("<?x", "markup"),
    ("1<2 且 3>2", None),
    ("面积<50㎡", None),
    ("《法》<一>", None),
    ("𠮷野家\ufe00", None),
    ("🏠👨\u200d👩", None),
]


@pytest.mark.parametrize(("text", "problem"), PROBLEMS)
def test_what_has_no_place_in_a_text(text: str, problem: str | None) -> None:
    assert text_problem(text, 11) == problem


@settings(max_examples=200)
@given(st.text(), st.booleans())
def test_a_clean_text_stays_as_it_is(text: str, lines: bool) -> None:
    once, _ = cleaned(text, lines=lines)
    assert cleaned(once, lines=lines) == (once, ())
    code, _ = cleaned_code(text)
    assert cleaned_code(code)[0] == code
