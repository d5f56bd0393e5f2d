"""By when a case must be decided: which limit binds, and how it is counted."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.cases.domain import limits
from services.cases.domain.limits import LAW_DEFAULT, Limit, Terms, due, terms_of

DAYS = st.dates(date(2004, 1, 5), date(2026, 6, 30))
AMOUNTS = st.integers(0, 60)


@pytest.mark.parametrize(
    ("promised", "statutory", "item_type", "expected"),
    [
        (None, None, "01", Terms("law_default", LAW_DEFAULT, LAW_DEFAULT)),
        (None, None, "20", Terms("none", None, None)),
        (None, None, "07", Terms("none", None, None)),
        (Limit(8), None, "01", Terms("promised", Limit(8), LAW_DEFAULT)),
        (Limit(8), Limit(15), "01", Terms("promised", Limit(8), Limit(15))),
        (Limit(3), None, "20", Terms("promised", Limit(3), None)),
        (None, Limit(45), "01", Terms("statutory", Limit(45), Limit(45))),
        # A promise may be shorter than the law, never longer.
        (Limit(30), Limit(20), "10", Terms("statutory", Limit(20), Limit(20))),
        (Limit(30), None, "01", Terms("law_default", LAW_DEFAULT, LAW_DEFAULT)),
        (Limit(2, "month"), Limit(20), "10", Terms("statutory", Limit(20), Limit(20))),
    ],
)
def test_which_limit_binds(promised: Limit | None, statutory: Limit | None, item_type: str, expected: Terms) -> None:
    assert terms_of(promised, statutory, item_type) == expected


def test_the_count_starts_the_working_day_after() -> None:
    found = due(terms_of(None, None, "01"), date(2026, 11, 20), date(2026, 11, 24))
    assert found.counting_from == date(2026, 11, 23)  # accepted on a Friday: Monday is the first day
    assert found.date == date(2026, 12, 18)
    assert (found.days_used, found.days_left) == (2, 18)
    assert found.provisional and not found.estimate
    assert found.basis == "law_default"


def test_a_promise_shows_the_law_behind_it() -> None:
    found = due(terms_of(Limit(5), Limit(20), "01"), date(2026, 11, 2), date(2026, 11, 2))
    assert (found.date, found.statutory_date) == (date(2026, 11, 9), date(2026, 11, 30))
    assert (found.days_used, found.days_left) == (0, 5)


def test_overdue_is_negative_and_red() -> None:
    found = due(terms_of(Limit(5), None, "20"), date(2026, 11, 2), date(2026, 11, 12))
    assert found.days_left == -3
    assert limits.is_overdue(found)
    assert not limits.is_due_soon(found)


def test_yellow_from_four_fifths() -> None:
    terms = terms_of(Limit(5), None, "20")
    assert not limits.is_due_soon(due(terms, date(2026, 11, 2), date(2026, 11, 5)))
    assert limits.is_due_soon(due(terms, date(2026, 11, 2), date(2026, 11, 6)))
    assert limits.is_due_soon(due(terms, date(2026, 11, 2), date(2026, 11, 9)))


def test_an_unknown_year_gives_no_date() -> None:
    found = due(terms_of(None, None, "01"), date(2026, 12, 15), date(2026, 12, 16))
    assert (found.basis, found.date, found.days_left) == ("unknown_year", None, None)
    assert found.limit == LAW_DEFAULT


def test_today_in_an_unknown_year_leaves_the_date_standing() -> None:
    found = due(terms_of(Limit(5), None, "20"), date(2026, 12, 20), date(2027, 1, 4))
    assert (found.date, found.days_left, found.basis) == (
        date(2026, 12, 25),
        None,
        "promised",
    )


def test_nothing_runs_before_acceptance() -> None:
    found = due(
        terms_of(Limit(5), None, "20"),
        date(2026, 11, 2),
        date(2026, 11, 4),
        estimate=True,
    )
    assert found.estimate
    assert (found.date, found.days_left, found.days_used) == (
        date(2026, 11, 9),
        None,
        None,
    )


def test_no_limit_is_said() -> None:
    found = due(terms_of(None, None, "20"), date(2026, 11, 2), date(2026, 11, 4))
    assert (found.basis, found.date, found.limit) == ("none", None, None)


@pytest.mark.parametrize(
    ("limit", "start", "last"),
    [
        (Limit(0), date(2026, 11, 21), date(2026, 11, 21)),
        (Limit(7, "day"), date(2026, 11, 2), date(2026, 11, 9)),
        (
            Limit(5, "day"),
            date(2026, 11, 2),
            date(2026, 11, 9),
        ),  # ends on Saturday the 7th: Monday (民法典 203)
        (
            Limit(1, "month"),
            date(2026, 1, 31),
            date(2026, 2, 28),
        ),  # no 31 February (民法典 202); a worked Saturday
        (Limit(1, "month"), date(2025, 12, 26), date(2026, 1, 26)),
        (Limit(14, "month"), date(2024, 12, 31), date(2026, 2, 28)),
    ],
)
def test_units(limit: Limit, start: date, last: date) -> None:
    assert limits.end_of(limit, start) == last


@pytest.mark.parametrize(
    ("limit", "first"),
    [
        (Limit(5), date(2026, 11, 9)),  # set off on a Friday: the first working day is Monday
        (Limit(5, "day"), date(2026, 11, 7)),  # 民法典 201: the day after, Saturday or not
        (Limit(1, "month"), date(2026, 11, 7)),
    ],
)
def test_the_first_day_that_counts(limit: Limit, first: date) -> None:
    assert due(terms_of(None, limit, "20"), date(2026, 11, 6), None).counting_from == first


@pytest.mark.parametrize(
    ("accepted", "after_notice", "counts_from"),
    [
        (date(2026, 11, 9), False, date(2026, 11, 9)),
        (
            date(2026, 11, 16),
            False,
            date(2026, 11, 16),
        ),  # the fifth working day: still in time
        (
            date(2026, 11, 17),
            False,
            date(2026, 11, 9),
        ),  # silence for five working days: accepted as of receipt
        (
            date(2026, 11, 12),
            True,
            date(2026, 11, 9),
        ),  # what the notice asked for came in: as of that day
    ],
)
def test_acceptance_day(accepted: date, after_notice: bool, counts_from: date) -> None:
    assert limits.acceptance_day(date(2026, 11, 9), accepted, after_notice) == counts_from


def test_the_day_is_chinas() -> None:
    assert limits.local_day(datetime(2026, 11, 22, 16, 0, tzinfo=UTC)) == date(2026, 11, 23)
    with pytest.raises(ValueError, match="naive"):
        limits.local_day(datetime(2026, 11, 22, 16, 0, tzinfo=UTC).replace(tzinfo=None))


@given(DAYS, AMOUNTS, AMOUNTS)
def test_a_longer_limit_never_ends_earlier(start: date, amount: int, more: int) -> None:
    assert limits.end_of(Limit(amount), start) <= limits.end_of(Limit(amount + more), start)


@given(DAYS, st.integers(1, 60), st.integers(0, 90))
def test_used_and_left_make_the_limit(start: date, amount: int, later: int) -> None:
    terms = terms_of(Limit(amount), None, "20")
    today = date.fromordinal(start.toordinal() + later)
    found = due(terms, start, today)
    assert found.days_used is not None
    assert found.days_left is not None
    assert found.days_used + found.days_left == amount


@given(DAYS, st.integers(0, 40))
def test_acceptance_never_counts_from_after_the_act(received: date, later: int) -> None:
    accepted = date.fromordinal(received.toordinal() + later)
    assert received <= limits.acceptance_day(received, accepted, False) <= accepted


@given(st.integers(0, 60), st.integers(0, 60), st.sampled_from(["01", "07", "20"]))
def test_the_promise_never_exceeds_the_law(promised: int, statutory: int, item_type: str) -> None:
    found = terms_of(Limit(promised), Limit(statutory), item_type)
    assert found.limit is not None
    assert found.limit.amount == min(promised, statutory)


@given(DAYS)
def test_an_estimate_differs_from_the_date_only_in_what_runs(start: date) -> None:
    terms = terms_of(None, None, "01")
    running = due(terms, start, start)
    estimate = due(terms, start, None, estimate=True)
    assert replace(running, days_left=None, days_used=None, estimate=True) == estimate
