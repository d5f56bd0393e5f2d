"""RFC 8707 §2.2, RFC 9700 §2.3: an access token is for one audience, named once."""

from services.identity.domain.checks.facts import Facts
from services.identity.errors import InvalidTarget


def check(facts: Facts) -> None:
    if len(facts.parameters.many("resource")) > 1:
        raise InvalidTarget("name one resource: an access token is for one audience")
