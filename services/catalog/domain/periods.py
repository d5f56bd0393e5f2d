"""Bitemporal history: what is in force when (valid time), and when the catalogue knew it so (known time).

What is known at one time of one code is a row of periods, each beginning where the one before ends, the last open. An
act sets a mark: from some instant on another version or status holds. Only ends of knowledge are ever written over.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import pairwise

from services.catalog.domain.life import ItemStatus
from services.kit.clock import SHANGHAI


@dataclass(frozen=True, slots=True)
class Period:
    """From when to when a version holds, and as what; `valid_to` None: until something else does."""

    version: int
    status: ItemStatus
    valid_from: datetime
    valid_to: datetime | None = None


def marked(periods: Sequence[Period], version: int, status: ItemStatus, at: datetime) -> tuple[Period, ...]:
    """What is known once `version` holds from `at` on: what was to come after `at` does not any more.

    What holds so already, from its day on, goes on: who publishes at midnight is a moment late.
    """
    kept = [(p.version, p.status, p.valid_from) for p in periods if p.valid_from < at]
    same = bool(kept) and kept[-1][:2] == (version, status)
    return _joined(kept if same else [*kept, (version, status, at)])


def up_to(periods: Sequence[Period], version: int) -> tuple[Period, ...]:
    """What is known once no version after `version` is to come: what held before it goes on."""
    return _joined([(p.version, p.status, p.valid_from) for p in periods if p.version <= version])


def at(periods: Iterable[Period], instant: datetime) -> Period | None:
    """The period that holds at `instant`."""
    return next((p for p in periods if p.valid_from <= instant and (p.valid_to is None or instant < p.valid_to)), None)


def midnight(day: date) -> datetime:
    """The instant at which `day` begins: by Beijing time, as all days of the law."""
    return datetime.combine(day, time(), SHANGHAI)


def end_of(day: date, now: datetime) -> datetime:
    """The last instant of `day`, or now while it has not ended: what a question about that day is answered for."""
    last = midnight(min(day, date.max - timedelta(days=1)) + timedelta(days=1)) - timedelta(microseconds=1)
    return min(last, now) if day <= day_of(now) else last


def day_of(instant: datetime) -> date:
    """The calendar day of an instant."""
    return instant.astimezone(SHANGHAI).date()


def _joined(marks: Sequence[tuple[int, ItemStatus, datetime]]) -> tuple[Period, ...]:
    closed = [Period(*mark, following[2]) for mark, following in pairwise(marks)]
    return (*closed, *(Period(*mark) for mark in marks[-1:]))
