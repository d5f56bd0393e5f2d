"""OpenID Connect Core §6.1, RFC 9101 §5: a request comes as an object or by a reference, never as both."""

from services.identity.domain.checks.facts import Facts
from services.identity.errors import InvalidRequest


def check(facts: Facts) -> None:
    if "request" in facts.parameters and "request_uri" in facts.parameters:
        raise InvalidRequest("request and request_uri exclude each other")
