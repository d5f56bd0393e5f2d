"""RFC 6749 §4.1.2, security item 4: a code lives for 60 seconds at most."""

from services.identity.domain.checks.facts import Facts
from services.identity.errors import InvalidGrant


def check(facts: Facts) -> None:
    if facts.code is not None and facts.code.expires_at <= facts.now:
        raise InvalidGrant("the code has expired")
