"""RFC 8705 §3: a token bound to a certificate comes over a connection with that certificate."""

from services.identity.domain.checks.facts import Facts
from services.identity.errors import InvalidToken


def check(facts: Facts) -> None:
    if facts.confirmation.get("x5t#S256") not in (None, facts.certificate):
        raise InvalidToken("the token is bound to another client certificate")
