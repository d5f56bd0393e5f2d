"""RFC 9449 §11.1, security item 7: a proof is taken once, on whichever replica."""

from services.identity.domain.checks.facts import Facts
from services.identity.errors import InvalidDpopProof


def check(facts: Facts) -> None:
    if not facts.proof_unused:
        raise InvalidDpopProof("the proof was used before")
