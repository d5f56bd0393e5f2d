"""OpenID Connect Core §3.1.2.1: `max_age` is a number of seconds."""

from services.identity.domain.checks.facts import Facts
from services.identity.errors import InvalidRequest


def check(facts: Facts) -> None:
    value = facts.parameters.get("max_age")
    if value is not None and not (value.isascii() and value.isdigit() and len(value) <= 9):
        raise InvalidRequest("max_age is no number of seconds")
