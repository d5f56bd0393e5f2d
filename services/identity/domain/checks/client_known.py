"""RFC 6749 §4.1.2.1: with an unknown client the person is told so here and never sent on."""

from services.identity.domain.checks.facts import Facts
from services.identity.errors import InvalidRequest


def check(facts: Facts) -> None:
    if facts.client is None:
        raise InvalidRequest("client_id is missing or unknown")
