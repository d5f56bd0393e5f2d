"""RFC 9449 §7.1 and §7.2: a bound token comes as DPoP, never as Bearer, and an unbound one never as DPoP."""

from services.identity.domain.checks.facts import Facts
from services.identity.errors import InvalidToken


def check(facts: Facts) -> None:
    bound = "jkt" in facts.confirmation
    if bound != (facts.scheme == "dpop"):
        raise InvalidToken("the token is bound to a DPoP key" if bound else "the token is not bound to a DPoP key")
