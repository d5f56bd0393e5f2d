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
