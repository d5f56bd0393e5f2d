"""RFC 7523 §3 point 7: the assertion has a `jti`, or its replay could not be told."""

from services.identity.domain.checks.facts import Facts
from services.identity.errors import InvalidClient


def check(facts: Facts) -> None:
    if facts.assertion is None or facts.assertion.claims is None:
        return
    found = facts.assertion.claims.get("jti")
    # Printable: half a surrogate pair, which JSON can spell (RFC 8259 §8.2), could not be stored.
    if not isinstance(found, str) or not 1 <= len(found) <= 255 or not found.isprintable():
        raise InvalidClient("the assertion needs a jti of 1 to 255 printable characters")
