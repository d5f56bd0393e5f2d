"""RFC 9449 §7.1: the proof is made by the key that the token is bound to."""

from services.identity.domain.checks.facts import Facts
from services.identity.errors import InvalidDpopProof, InvalidToken


def check(facts: Facts) -> None:
    bound = facts.confirmation.get("jkt")
    if bound is None:
        return
    if facts.proof is None:
        raise InvalidDpopProof("a DPoP proof is missing")
    if facts.proof.jkt != bound:
        raise InvalidToken("the token is bound to another DPoP key")
