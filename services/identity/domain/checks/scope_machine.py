"""RFC 6749 §3.3 and §4.4.2: a client's own token carries no scope of people; its rights are its grants."""

from services.identity.domain.checks.facts import Facts
from services.identity.errors import InvalidScope


def check(facts: Facts) -> None:
    if facts.parameters.words("scope"):
        raise InvalidScope("client_credentials takes no scope")
