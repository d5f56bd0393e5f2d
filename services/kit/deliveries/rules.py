"""What an answer means and when to try again. Pure: plain values in, plain values out."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import StrEnum

_HOUR = 3600.0
SCHEDULE = (0.0, 5.0, 300.0, 0.5 * _HOUR, 2 * _HOUR, 5 * _HOUR, 10 * _HOUR, 14 * _HOUR, 20 * _HOUR, 24 * _HOUR)
"""Seconds before the first, second … try (Standard Webhooks, "Deliverability"); the last one repeats."""

LATER_MAY_DO = frozenset({408, 410, 425, 429})
"""Client errors (RFC 9110 §15.5) that another try may cure, and 410, which ends the endpoint instead."""


class Verdict(StrEnum):
    """What one attempt says."""

    DELIVERED = "delivered"
    REJECTED = "rejected"
    """The endpoint lives but does not take this content (4xx): its other deliveries go on."""
    FAILED = "failed"
    """The endpoint could not do it: away, slow, broken or redirecting."""
    GONE = "gone"
    """410: the endpoint wants nothing any more."""


def judge(status: int) -> Verdict:
    """The meaning of an HTTP status."""
    if 200 <= status < 300:
        return Verdict.DELIVERED
    if status == 410:
        return Verdict.GONE
    if 400 <= status < 500 and status not in LATER_MAY_DO:
        return Verdict.REJECTED
    return Verdict.FAILED


@dataclass(frozen=True, slots=True)
class Policy:
    """How an engine tries. Seconds; the defaults are those for production."""

    schedule: tuple[float, ...] = SCHEDULE
    give_up: float = 120 * _HOUR
    """How long a content is tried, and how long an endpoint may fail before it is disabled."""
    failures_to_open: int = 2
    """Failures in a row that open an endpoint's circuit."""
    probe: float = 60.0
    """An open circuit lets one attempt through this often."""
    timeout: float = 20.0
    """For one attempt, connecting and answer together."""
    lease: float = 35.0
    """How long an attempt belongs to one process; after that another takes it up."""
    poll: float = 2.0
    """How often the worker looks for what has become due, when no commit wakes it."""
    jitter: float = 0.1
    keep_days: int = 90
    """Delivered contents can be re-sent for so long."""


def next_try(
    policy: Policy,
    *,
    now: datetime,
    first: datetime,
    attempts: int,
    retry_after: float | None = None,
    chance: Callable[[], float] = random.random,
) -> datetime | None:
    """When to try again after `attempts` failures, the first of them at `first`; None when it is time to give up.

    Retry-After counts where it asks for more than the schedule. The last try is made when the time is up.
    """
    end = first + timedelta(seconds=policy.give_up)
    if now >= end:
        return None
    seconds = policy.schedule[min(attempts, len(policy.schedule) - 1)]
    seconds *= 1 + policy.jitter * (2 * chance() - 1)
    return min(now + timedelta(seconds=max(seconds, retry_after or 0.0)), end)


def retry_after(value: str | None, now: datetime) -> float | None:
    """Seconds that a Retry-After header asks for (RFC 9110 §10.2.3), at most a day; None for nonsense."""
    if not value:
        return None
    value = value.strip()
    if value.isascii() and value.isdigit():
        return float(min(int(value[:9]), 86_400))
    try:
        until = parsedate_to_datetime(value)
        if until.tzinfo is None:
            return None
        return min(max(0.0, (until - now).total_seconds()), 86_400.0)
    except (ValueError, OverflowError):  # no date, or a year or an offset that no calendar has
        return None
