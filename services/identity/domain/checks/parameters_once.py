"""RFC 6749 §3.1 and §3.2: request parameters must not be included more than once (`resource` apart, RFC 8707 §2)."""

from services.identity.domain.checks.facts import Facts
from services.identity.errors import InvalidRequest


def check(facts: Facts) -> None:
    if facts.parameters.repeated:
        raise InvalidRequest("a parameter is given more than once")
