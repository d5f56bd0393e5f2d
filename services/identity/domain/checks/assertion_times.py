"""RFC 7523 §3 points 4 to 6: not expired, not of the future, and of a short life."""

from datetime import timedelta

from services.identity.domain.checks.facts import Facts
from services.identity.domain.jose import is_moment
from services.identity.errors import InvalidClient


def check(facts: Facts) -> None:
    if facts.assertion is None or facts.assertion.claims is None:
        return
    claims, now = facts.assertion.claims, facts.now.timestamp()
    skew = facts.rules.skew.total_seconds()
    expires = claims.get("exp")
    if not is_moment(expires) or expires <= now - skew:
        raise InvalidClient("the assertion has expired or has no exp")
    if expires > now + (facts.rules.assertion_life + timedelta(seconds=skew)).total_seconds():
        raise InvalidClient("the assertion lives too long")
    for name in ("iat", "nbf"):
        if name in claims and (not is_moment(claims[name]) or claims[name] > now + skew):
            raise InvalidClient(f"{name} of the assertion is in the future")
