"""OAuth 2.0 Multiple Response Type Encoding Practices §2.1: the answer comes in the query."""

from services.identity.domain.checks.facts import Facts
from services.identity.errors import InvalidRequest


def check(facts: Facts) -> None:
    if facts.parameters.get("response_mode", "query") != "query":
        raise InvalidRequest("response_mode must be query")
