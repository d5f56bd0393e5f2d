"""RFC 9449 §10: a code that names a key is redeemed with that key alone."""

from services.identity.domain.checks.facts import Facts
from services.identity.errors import InvalidGrant


def check(facts: Facts) -> None:
    if facts.code is None or facts.code.dpop_jkt is None:
        return
    if facts.proof is None or facts.proof.jkt != facts.code.dpop_jkt:
        raise InvalidGrant("the code is bound to another DPoP key")
