"""By when a case must be decided: the promised limit (承诺时限) and the law's (法定时限).

A promise may be shorter than the law, never longer: where it is longer, the law's limit binds.
"""

import datetime as dt
from calendar import monthrange
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Final, Literal
from zoneinfo import ZoneInfo

from services.cases.domain import workdays
from services.cases.domain.workdays import UnknownYear

Basis = Literal["promised", "statutory", "law_default", "none", "unknown_year"]
Unit = Literal["working_day", "day", "month"]

LICENCE: Final = "01"
"""Item type licence 许可 (GB/T 39046-2020)."""
SHANGHAI: Final = ZoneInfo("Asia/Shanghai")


@dataclass(frozen=True, slots=True)
class Limit:
    """A period: `amount` of `unit`."""

    amount: int
    unit: Unit = "working_day"


LAW_DEFAULT: Final = Limit(20)
"""行政许可法 art. 42: a licence is decided within 20 working days of acceptance, unless another law says otherwise."""
NOTICE_LIMIT: Final = Limit(5)
"""行政许可法 art. 32 (4): all that is missing is told within 5 working days; silence is acceptance as of receipt."""
DELIVERY_LIMIT: Final = Limit(10)
"""行政许可法 art. 44: a grant is delivered within 10 working days of the decision."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What limits a case: the one that is shown and kept, and the law's own behind a shorter promise."""

    basis: Basis
    limit: Limit | None
    statutory: Limit | None


@dataclass(frozen=True, slots=True)
class Due:
    """When a case is due. Days are working days of Asia/Shanghai; see `api.views.DueView` for each field."""

    date: dt.date | None
    limit: Limit | None
    basis: Basis
    counting_from: dt.date | None
    days_left: int | None
    days_used: int | None
    estimate: bool
    provisional: bool
    statutory_date: dt.date | None
    statutory: Limit | None


def local_day(at: datetime) -> date:
    """The day in China on which `at` falls; periods are counted in those. Refuses a naive time."""
    if at.tzinfo is None:
        raise ValueError("a naive time has no day")
    return at.astimezone(SHANGHAI).date()


def terms_of(promised: Limit | None, statutory: Limit | None, item_type: str) -> Terms:
    """The limit of an item: promised, else statutory, else a licence's 20 working days (art. 42), else none."""
    default = statutory is None and item_type == LICENCE
    law = LAW_DEFAULT if default else statutory
    if promised is not None and (law is None or not _longer(promised, law)):
        return Terms("promised", promised, law)
    if law is None:
        return Terms("none", None, None)
    return Terms("law_default" if default else "statutory", law, law)


def _longer(one: Limit, other: Limit) -> bool:
    # Units are compared by their usual length in calendar days: five working days are a week, a month has 30 days.
    usual = {"working_day": 7 / 5, "day": 1.0, "month": 30.0}
    return one.amount * usual[one.unit] > other.amount * usual[other.unit]


@lru_cache(maxsize=4096)
def end_of(limit: Limit, start: date) -> date:
    """The last day of `limit` set off on `start`, which is not counted (民法典 art. 201).

    Working days by the State Council's arrangement. Calendar days and months (民法典 art. 202: the day of the last
    month that corresponds, else its last day) move on to the next working day when they end on a day off (art. 203).
    Raises UnknownYear.
    """
    if limit.unit == "working_day":
        return workdays.add_working_days(start, limit.amount)
    if limit.unit == "day":
        last = start + timedelta(days=limit.amount)
    else:
        years, month = divmod(start.month - 1 + limit.amount, 12)
        year, month = start.year + years, month + 1
        last = date(year, month, min(start.day, monthrange(year, month)[1]))
    return last if limit.amount == 0 or workdays.is_working_day(last) else workdays.next_working_day(last)


def acceptance_day(received: date, accepted: date, after_notice: bool) -> date:
    """The day as of which a case counts as accepted (行政许可法 art. 32).

    The day of the officer's acceptance; but the day of receipt when the five working days to say what is missing had
    run out by then (silence is acceptance as of receipt), or when all that a notice asked for came in that day.
    When the year's arrangement is unknown, so is the silence: then the day of receipt, in the applicant's favour.
    """
    if after_notice:
        return received
    try:
        return received if accepted > end_of(NOTICE_LIMIT, received) else accepted
    except UnknownYear:
        return received


def notice_is_late(received: date, today: date) -> bool:
    """Whether the five working days to say what is missing are over (行政许可法 art. 32 (4)), as far as is known."""
    try:
        return today > end_of(NOTICE_LIMIT, received)
    except UnknownYear:
        return False


def due(terms: Terms, start: date, today: date | None, *, estimate: bool = False) -> Due:
    """When a case whose period is set off on `start` is due, and what is left on `today` (None: nothing runs any more).

    With `estimate` the case is not accepted yet: the date is counted from receipt, as art. 32 does when nobody answers,
    and nothing is said to be used or left, because nothing is promised before acceptance.
    """
    blank = Due(
        None,
        terms.limit,
        terms.basis,
        None,
        None,
        None,
        estimate,
        False,
        None,
        terms.statutory,
    )
    if terms.limit is None:
        return blank
    try:
        # 民法典 art. 201: the day after; where working days are counted, the first of them.
        working = terms.limit.unit == "working_day"
        counting_from = workdays.next_working_day(start) if working else start + timedelta(days=1)
        last = end_of(terms.limit, start)
    except UnknownYear:
        return replace(blank, basis="unknown_year")
    found = replace(
        blank,
        date=last,
        counting_from=counting_from,
        provisional=workdays.is_provisional(last),
        statutory_date=_or_none(terms.statutory, start),
    )
    if estimate or today is None:
        return found
    try:
        left = workdays.working_days_between(today, last)
        used = max(0, workdays.working_days_between(start, today))
    except UnknownYear:
        return found
    return replace(found, days_left=left, days_used=used)


def _or_none(limit: Limit | None, start: date) -> date | None:
    try:
        return end_of(limit, start) if limit else None
    except UnknownYear:
        return None


def is_due_soon(found: Due) -> bool:
    """Whether 80 % of the limit is used and it is not over (限时办结: yellow)."""
    left, used = found.days_left, found.days_used
    return left is not None and used is not None and left >= 0 and used >= 0.8 * (used + left)


def is_overdue(found: Due) -> bool:
    """Whether the limit is over (限时办结: red)."""
    return found.days_left is not None and found.days_left < 0
