"""Lockout by account and by address; it works the same for names that do not exist."""

import hashlib
import ipaddress
from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Counter:
    """Failures counted under one key since `since`, the first of them."""

    failures: int
    since: datetime
    locked_until: datetime | None


@dataclass(frozen=True, slots=True)
class LockRule:
    """`allowed` failures within one `pause`, then locked for a `pause`; after it the count begins anew.

    So failures that come slowly never add up: an address behind which many people sit is not locked for ever.
    """

    allowed: int
    pause: timedelta


def seconds_locked(counter: Counter, now: datetime) -> int:
    """How long to wait before the next try is looked at; 0: none."""
    if counter.locked_until is None or counter.locked_until <= now:
        return 0
    return int((counter.locked_until - now).total_seconds()) + 1


def after_attempt(counter: Counter, rule: LockRule, now: datetime) -> Counter:
    """The counter with one more attempt, counted before the password is looked at, so that parallel tries count too."""
    unlocked = counter.locked_until is not None and counter.locked_until <= now
    fresh = unlocked or now - counter.since >= rule.pause
    failures, since = (1, now) if fresh else (counter.failures + 1, counter.since)
    return Counter(failures, since, now + rule.pause if failures >= rule.allowed else None)


def account_key(realm: str, username: str) -> str:
    """The key for a user name, known or not. Hashed: what people mistype there may be a password."""
    return "account:" + hashlib.sha256(f"{realm}\0{username}".encode()).hexdigest()


def address_key(realm: str, address: str) -> str:
    """The key for a client address; an IPv6 address counts by its /64, which one subscriber holds whole."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return "address:" + hashlib.sha256(f"{realm}\0{address}".encode()).hexdigest()
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped:
        parsed = parsed.ipv4_mapped
    bits = 64 if parsed.version == 6 else 32
    network = ipaddress.ip_network(f"{parsed}/{bits}", strict=False)
    return "address:" + hashlib.sha256(f"{realm}\0{network}".encode()).hexdigest()
