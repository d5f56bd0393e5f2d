"""Time limits in different units, compared only where there is no doubt.

A working day may be followed by a holiday, a month has 28 to 31 days: what one limit is in the unit of another depends
on the day on which it begins. So each limit is a span of calendar days, from the fewest to the most that it can take
in any year, and one is longer than another only when its fewest are more than the other's most.
"""

from typing import Final

from services.contracts.catalog_items import Limit

_UNITS: Final = {"working_day": ("个工作日", "working days"), "day": ("天", "days"), "month": ("个月", "months")}


def calendar_days(limit: Limit) -> tuple[int, int]:
    """The fewest and the most calendar days that `limit` can take.

    Working days: at the fewest one a day, for a stretch of make-up work (调休) can have no free day in it; at the most
    two for each, for weekends, and ten besides for the longest holiday (ten days, Spring Festival 2020). A month: 28 to
    31 days.
    """
    match limit.unit:
        case "day":
            return limit.amount, limit.amount
        case "working_day":
            return limit.amount, 2 * limit.amount + 10 if limit.amount else 0
        case "month":
            return 28 * limit.amount, 31 * limit.amount


def longer(one: Limit, other: Limit) -> bool:
    """Whether `one` is longer than `other` without doubt: more in the same unit, or in any year whatever."""
    if one.unit == other.unit:
        return one.amount > other.amount
    return calendar_days(one)[0] > calendar_days(other)[1]


def told(limit: Limit) -> tuple[str, str]:
    """The limit in Chinese and English words."""
    zh, en = _UNITS[limit.unit]
    return f"{limit.amount} {zh}", f"{limit.amount} {en}"
