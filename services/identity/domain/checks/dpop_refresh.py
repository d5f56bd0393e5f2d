"""RFC 9449 §5: a public client's refresh token is bound to the key that it was issued to."""

from services.identity.domain.checks.facts import Facts
from services.identity.errors import InvalidGrant


def check(facts: Facts) -> None:
    bound = facts.presented.family.binding.get("jkt") if facts.presented is not None else None
    if bound is not None and (facts.proof is None or facts.proof.jkt != bound):
        raise InvalidGrant("the refresh token is bound to another DPoP key")
