"""RFC 9700 §4.14.2: tokens of one sign-in die together, and in the end all of them expire."""

from services.identity.domain.checks.facts import Facts
from services.identity.errors import InvalidGrant


def check(facts: Facts) -> None:
    if facts.presented is None:
        return
    family = facts.presented.family
    if family.revoked_at is not None or family.expires_at <= facts.now:
        raise InvalidGrant("the refresh token is revoked or expired")
