"""Codes: check digits worked out by hand and really published codes, item codes of every form, divisions, types."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.catalog.domain import codes, divisions

ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
PUBLISHED = ["91350100M000100Y43", "11511301008778255F", "11511301MB1549994W", "12511301452260997J"]


@pytest.mark.parametrize("code", PUBLISHED)
def test_published_usccs_check(code: str) -> None:
    assert codes.uscc_problem(code) is None


@pytest.mark.parametrize(
    ("code", "problem"),
    [
        (None, "absent"),
        ("", "absent"),
        ("1151130000877869M", "malformed"),  # 17 characters, as one bureau publishes it
        ("91350100m000100y43", "malformed"),  # lower case is for the caller to normalise
        ("9135010OM000100Y43", "malformed"),  # the letter O is not in the alphabet
        ("91350203M0001QKT19", "check"),  # really issued, and wrong all the same
        ("TE5116020105116050", "unknown_class"),
        ("1851130100877825 F", "malformed"),
        ("95350100M000100Y43", "unknown_class"),
        ("91350100M000100Y53", "organisation_check"),
        ("91350100M000100Y44", "check"),
    ],
)
def test_what_is_wrong_with_a_uscc(code: str | None, problem: str) -> None:
    assert codes.uscc_problem(code) == problem


def test_check_digits_by_hand() -> None:
    # M=22·3 + 1·5 + Y=34·2 = 139; 139 mod 11 = 7; 11 - 7 = 4.
    assert codes.organisation_check_digit("M000100Y") == "4"
    # S mod 11 = 1 gives X, S mod 11 = 0 gives 0 (GB 11714): 4·3 = 12, and eight zeros.
    assert codes.organisation_check_digit("40000000") == "X"
    assert codes.organisation_check_digit("00000000") == "0"
    assert codes.uscc_check_digit("91350100M000100Y4") == "3"


@given(st.sampled_from(PUBLISHED), st.integers(0, 17), st.sampled_from(ALPHABET))
def test_one_wrong_character_never_checks(code: str, place: int, letter: str) -> None:
    mistyped = code[:place] + letter + code[place + 1 :]
    assert (codes.uscc_problem(mistyped) is None) == (mistyped == code)


@given(st.text(alphabet=ALPHABET, min_size=8, max_size=8))
def test_minted_usccs_check(organisation: str) -> None:
    assert codes.uscc_problem(codes.mint_uscc("11", "511602", organisation)) is None


BASE = "510123002000"
USCC = "91350100M000100Y43"


@pytest.mark.parametrize(
    ("text", "system", "organisation"),
    [
        (BASE, "gb-12", None),
        (f"{USCC}4{BASE}", "gb-31", USCC),
        (f"{USCC}4{BASE}01", "gb-33", USCC),
        ("519923002000", "legacy", None),  # 99 is no item type
        (f"{USCC}8{BASE}", "legacy", None),  # 8 is no level
        (f"91350100M000100Y444{BASE}", "legacy", "91350100M000100Y44"),
        (
            "511A0138000000-511602000000-000-115113010833722043-1-00",
            "legacy",
            "115113010833722043",
        ),
        ("512C0110000001-511602000000-000-00877868-5-1-00", "legacy", "00877868-5"),
        ("E-000010-001-511602000000-000-11511301008778220W-1-00", "legacy", "11511301008778220W"),
        ("A-005818-5818-511602000000-000-115113010087783353-1-00", "legacy", "115113010087783353"),
        ("E-000021-001-1111111111111111", "legacy", None),
        ("GA-1234.5", "legacy", None),
    ],
)
def test_item_codes(text: str, system: str, organisation: str | None) -> None:
    found = codes.parse_item_code(text)
    assert found is not None
    assert (found.system, found.organisation) == (system, organisation)


def test_item_codes_are_normalised_where_that_is_beyond_doubt() -> None:
    found = codes.parse_item_code("  ５１０１23002000 ")
    assert found == codes.ItemCode(BASE, "gb-12", None)
    lower = codes.parse_item_code(f"{USCC}4{BASE}".lower())
    assert lower is not None
    assert lower.system == "gb-31"


@pytest.mark.parametrize("text", ["", "   ", "-", "a/b", "a b", "A" * 65, "事项", "A\x00B", "<b>"])
def test_what_is_no_item_code(text: str) -> None:
    assert codes.parse_item_code(text) is None


def test_minting_refuses_what_does_not_check() -> None:
    assert codes.implementation_code(USCC, 4, codes.base_code("51", "01", "23", 2)) == f"{USCC}4{BASE}"
    for uscc, level, base in [(USCC[:-1] + "4", 4, BASE), (USCC, 0, BASE), (USCC, 4, "519923002000")]:
        with pytest.raises(ValueError, match="USCC"):
            codes.implementation_code(uscc, level, base)
    with pytest.raises(ValueError, match="base code"):
        codes.base_code("51", "01", "23", 1000)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("1", "01"),
        ("01", "01"),
        (" ２０", "20"),
        ("10", "10"),
        ("0", None),
        ("11", None),
        ("001", None),
        ("一", None),
        ("", None),
        ("1.0", None),
    ],
)
def test_item_types(text: str, found: str | None) -> None:
    assert codes.item_type(text) == found


def test_divisions_have_years() -> None:
    here = divisions.division("511602000000", 2026)
    assert here is not None
    assert (here.name, here.level, here.since, here.until) == ("广安区", "county", 1998, None)
    # 崇文区 was merged into 东城区 in 2010.
    assert divisions.division("110103000000", 2009) is not None
    assert divisions.division("110103000000", 2010) is None
    assert divisions.ever_in_force("110103000000")
    assert not divisions.ever_in_force("511699000000")
    # One code, two names one after the other.
    assert [d.name for d in divisions.ancestry("511602000000", 2026)] == ["四川省", "广安市", "广安区"]
    assert divisions.ancestry("511602000000", 1990)[0].level == "province"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("511602", "511602000000"),
        ("511602000000", "511602000000"),
        ("５１１６０２", "511602000000"),
        ("51", None),
        ("51160200000A", None),
        ("", None),
    ],
)
def test_division_codes(text: str, found: str | None) -> None:
    assert divisions.division_code(text) == found


def test_the_table_holds_what_the_ministry_publishes() -> None:
    # 34 provinces and 2,846 counties or so: a truncated or doubled table would show.
    in_force = [rows for rows in divisions._table().values() if any(row.in_force(2026) for row in rows)]
    assert sum(rows[0].level == "province" for rows in in_force) == 34
    assert 2800 < sum(rows[0].level == "county" for rows in in_force) < 3000
    overlaps = [
        code
        for code, rows in divisions._table().items()
        for one, other in pairwise(rows)
        if one.until is None or one.until > other.since
    ]
    assert overlaps == []
