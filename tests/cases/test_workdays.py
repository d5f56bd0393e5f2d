"""Working days agree with the library that cites the State Council's notices, and unknown years are not guessed."""

from datetime import date, timedelta

import holidays
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.cases.domain import workdays
from services.cases.domain.arrangements import ARRANGEMENTS
from services.cases.domain.workdays import UnknownYear

ANNOUNCED = range(2004, 2027)
INSIDE = st.dates(date(2004, 1, 2), date(2025, 6, 30))


def test_announced_years_are_the_ones_compared() -> None:
    assert sorted(ARRANGEMENTS) == list(ANNOUNCED)


@pytest.mark.parametrize("year", ANNOUNCED)
def test_every_day_agrees_with_the_notices(year: int) -> None:
    library = holidays.country_holidays("CN", years=range(2001, 2027))
    worked = set(library.weekend_workdays)
    day = date(year, 1, 1)
    while day.year == year:
        expected = day in worked or (day.weekday() < 5 and day not in library)
        assert workdays.is_working_day(day) == expected, day
        day += timedelta(days=1)


@pytest.mark.parametrize(
    ("day", "working"),
    [
        (date(2026, 2, 14), True),  # a Saturday worked for the Spring Festival
        (date(2026, 2, 23), False),  # the Monday that it gave
        (date(2026, 10, 10), True),  # a Saturday worked for National Day
        (date(2026, 10, 7), False),
        (
            date(2005, 12, 31),
            True,
        ),  # worked for 2006: the next year's notice reached into December
        (date(2026, 11, 21), False),
        (date(2026, 11, 23), True),
    ],
)
def test_days_of_the_notices(day: date, working: bool) -> None:
    assert workdays.is_working_day(day) is working


@pytest.mark.parametrize("day", [date(2003, 12, 31), date(2027, 1, 1), date(2027, 6, 15)])
def test_an_unknown_year_is_said_not_guessed(day: date) -> None:
    with pytest.raises(UnknownYear) as caught:
        workdays.is_working_day(day)
    assert caught.value.year == day.year


def test_a_period_that_runs_into_an_unknown_year_is_unknown() -> None:
    with pytest.raises(UnknownYear):
        workdays.add_working_days(date(2026, 12, 20), 20)


def test_the_last_announced_december_is_provisional() -> None:
    assert workdays.is_provisional(date(2026, 12, 1))
    assert not workdays.is_provisional(date(2026, 11, 30))
    assert not workdays.is_provisional(date(2025, 12, 31))


def test_the_first_day_is_not_counted() -> None:
    # Accepted on Monday 23 November 2026: five working days end on Monday the 30th, not on Friday the 27th.
    assert workdays.add_working_days(date(2026, 11, 23), 5) == date(2026, 11, 30)
    assert workdays.add_working_days(date(2026, 11, 23), 20) == date(2026, 12, 21)


def test_a_negative_period_is_refused() -> None:
    with pytest.raises(ValueError, match="negative"):
        workdays.add_working_days(date(2026, 1, 1), -1)


@given(INSIDE, st.integers(1, 60))
def test_a_period_ends_on_a_working_day_and_holds_that_many(day: date, count: int) -> None:
    last = workdays.add_working_days(day, count)
    assert workdays.is_working_day(last)
    assert workdays.working_days_between(day, last) == count


@given(INSIDE, st.integers(0, 30), st.integers(0, 30))
def test_periods_add_up(day: date, one: int, other: int) -> None:
    first = workdays.add_working_days(day, one)
    assert workdays.add_working_days(first, other) == workdays.add_working_days(day, one + other)


@given(INSIDE, INSIDE)
def test_counting_is_antisymmetric(one: date, other: date) -> None:
    if abs((one - other).days) > 400:
        other = one + timedelta(days=abs((one - other).days) % 400)
    assert workdays.working_days_between(one, other) == -workdays.working_days_between(other, one)
