"""RFC 7523 §3 points 4 to 6: not expired, not of the future, and of a short life."""

import math
from datetime import timedelta
from typing import TypeGuard

from services.identity.domain.checks.facts import Facts
from services.identity.errors import InvalidClient


def check(facts: Facts) -> None:
    if facts.assertion is None or facts.assertion.claims is None:
        return
    claims, now = facts.assertion.claims, facts.now.timestamp()
    skew = facts.rules.skew.total_seconds()
    expires = claims.get("exp")
    if not _number(expires) or expires <= now - skew:
        raise InvalidClient("the assertion has expired or has no exp")
    if expires > now + (facts.rules.assertion_life + timedelta(seconds=skew)).total_seconds():
        raise InvalidClient("the assertion lives too long")
    for name in ("iat", "nbf"):
        if name in claims and (not _number(claims[name]) or claims[name] > now + skew):
            raise InvalidClient(f"{name} of the assertion is in the future")


def _number(value: object) -> TypeGuard[float]:
    # RFC 8259 §6 knows no NaN and no Infinity; Python's reader takes both.
    return (isinstance(value, int) and not isinstance(value, bool)) or (
        isinstance(value, float) and math.isfinite(value)
    )
