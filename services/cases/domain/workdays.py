"""Working days of China (行政许可法 art. 82: the periods of the law are working days, without statutory holidays).

The State Council announces each year's holidays and the weekends that are worked instead (调休) near the end of the
year before; `arrangements` holds the notices. A year without one is answered by `UnknownYear`, never by a guess. A
year's notice may move days of the December before: the last announced December is provisional.
"""

from datetime import date, timedelta
from functools import cache
from typing import Final

from services.cases.domain.arrangements import ARRANGEMENTS

_DAY: Final = timedelta(days=1)
_SATURDAY: Final = 5


class UnknownYear(ValueError):
    """The arrangement of working days of this year is not announced, or not loaded."""

    def __init__(self, year: int) -> None:
        super().__init__(f"the arrangement of working days of {year} is not known")
        self.year = year


@cache
def _arrangement(year: int) -> tuple[frozenset[date], frozenset[date]]:
    """Weekdays off and weekend days worked in a year."""
    off, worked = ARRANGEMENTS[year]
    return _days(year, off), _days(year, worked)


def _days(year: int, listed: str) -> frozenset[date]:
    return frozenset(date(year, int(day[:2]), int(day[2:])) for day in listed.split())


def is_working_day(day: date) -> bool:
    """Whether offices work on `day`. Raises UnknownYear."""
    if day.year not in ARRANGEMENTS:
        raise UnknownYear(day.year)
    off, worked = _arrangement(day.year)
    return day in worked or (day.weekday() < _SATURDAY and day not in off)


def next_working_day(day: date) -> date:
    """The first working day after `day`. Raises UnknownYear."""
    day += _DAY
    while not is_working_day(day):
        day += _DAY
    return day


def add_working_days(day: date, count: int) -> date:
    """The last day of a period of `count` working days that begins after `day`.

    The day on which the period is set off is not counted (民法典 art. 201). A count of 0 ends on the day itself.
    Raises UnknownYear when the period runs into a year whose arrangement is unknown, ValueError for a negative count.
    """
    if count < 0:
        raise ValueError("a period cannot be negative")
    for _ in range(count):
        day = next_working_day(day)
    return day


def working_days_between(after: date, until: date) -> int:
    """Working days after `after` and up to `until`; negative when `until` is the earlier. Raises UnknownYear."""
    if until < after:
        return -working_days_between(until, after)
    count, day = 0, after
    while day < until:
        day += _DAY
        count += is_working_day(day)
    return count


def is_provisional(day: date) -> bool:
    """Whether the next year's notice may still change `day`: the last announced December."""
    return day.month == 12 and day.year + 1 not in ARRANGEMENTS
