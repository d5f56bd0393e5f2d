"""Administrative divisions: codes with the years in which they were in force, what followed them, what is in them."""

from itertools import pairwise

import pytest

from services.catalog.domain import divisions


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


def test_what_followed_a_division() -> None:
    """Real changes: 崇文区 went into 东城区 in 2010, 通县 became 通州区 in 1997, 潮州市 became two in 1991."""
    followed = {
        row.code[:6]: [(each.code[:6], each.year) for each in row.successors]
        for code in ("110103", "110223", "440581", "120106")
        for row in divisions.history(f"{code}000000")
        if row.successors
    }
    assert followed == {
        "110103": [("110101", None)],
        "110223": [("110112", None)],
        "440581": [("445102", None), ("445121", None)],
        "120106": [("120113", 2020)],  # a part of it, while it went on
    }
    # Whatever followed was in the table, too.
    for rows in divisions._table().values():
        for row in rows:
            assert all(divisions.ever_in_force(each.code) for each in row.successors), row


@pytest.mark.parametrize(
    ("parent", "year", "level", "number"),
    [
        (None, 2026, "province", 34),
        (None, 1981, "province", 30),  # before 海南 (1988), 重庆 (1997), 香港 and 澳门
        ("510000000000", 2026, "prefecture", 21),
        ("511600000000", 2026, "county", 6),
        ("110000000000", 2026, "county", 16),
        ("110000000000", 2009, "county", 18),  # 崇文 and 宣武 still there, 密云 and 延庆 counties
        ("511602000000", 2026, None, 0),
        ("999999000000", 2026, None, 0),
        ("500000000000", 1990, None, 0),  # 重庆 was no province yet
    ],
)
def test_what_is_in_a_division(parent: str | None, year: int, level: str | None, number: int) -> None:
    found = divisions.children(parent, year)
    assert (len(found), {row.level for row in found}) == (number, {level} if level else set())
    assert [row.code for row in found] == sorted(row.code for row in found)


def test_counties_that_a_province_governs_itself() -> None:
    hubei = {row.name: row.level for row in divisions.children("420000000000", 2026)}
    assert hubei["仙桃市"] == "county"
    assert hubei["武汉市"] == "prefecture"


def test_a_township_lies_in_its_county() -> None:
    county = divisions.holder("511602001000", 2026)
    assert county is not None
    assert county.name == "广安区"
    assert divisions.holder("511699001000", 2026) is None
