"""RFC 6750 §3.1, RFC 9068 §4: an access token of ours, for us, not expired, its session alive."""

from services.identity.domain.checks.facts import Facts
from services.identity.errors import InvalidToken


def check(facts: Facts) -> None:
    if facts.token is None:
        raise InvalidToken("the access token is expired, revoked or malformed")
    if facts.token.get("aud") != facts.rules.audience:
        raise InvalidToken("the access token is for another service")
