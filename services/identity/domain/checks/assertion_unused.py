"""RFC 7523 §3 point 7, security item 14: an assertion is taken once, on whichever replica."""

from services.identity.domain.checks.facts import Facts
from services.identity.errors import InvalidClient


def check(facts: Facts) -> None:
    if not facts.assertion_unused:
        raise InvalidClient("the assertion was used before")
