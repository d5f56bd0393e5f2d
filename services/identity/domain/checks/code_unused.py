"""RFC 6749 §4.1.2: a code is used once; a second use ends what the first one gave (RFC 9700 §4.2.4)."""

from services.identity.domain.checks.facts import Facts
from services.identity.errors import InvalidGrant


class CodeReused(InvalidGrant):
    """Whoever handles it revokes the code's tokens."""


def check(facts: Facts) -> None:
    if facts.code is not None and facts.code.used_at is not None:
        raise CodeReused("the code was used before")
