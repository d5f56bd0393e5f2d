"""RFC 6749 §2.3: a client uses no more than one way to authenticate in each request."""

from services.identity.domain.checks.facts import Facts
from services.identity.errors import InvalidRequest


def check(facts: Facts) -> None:
    if len(facts.credentials.methods) > 1:
        raise InvalidRequest("the client authenticates in more than one way")
