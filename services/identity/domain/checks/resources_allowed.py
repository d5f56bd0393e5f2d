"""RFC 8707 §2 and §2.1: every resource asked for is one that the client may use."""

from services.identity.domain.checks.facts import Facts
from services.identity.errors import InvalidTarget


def check(facts: Facts) -> None:
    if any(resource not in facts.known_client.resources for resource in facts.parameters.many("resource")):
        raise InvalidTarget("a resource is unknown or not for this client")
