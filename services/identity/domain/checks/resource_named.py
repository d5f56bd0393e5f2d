"""RFC 8707 §2: a client's own token needs its audience named; none is guessed."""

from services.identity.domain.checks.facts import Facts
from services.identity.errors import InvalidTarget


def check(facts: Facts) -> None:
    if not facts.parameters.many("resource"):
        raise InvalidTarget("resource is required")
