"""RFC 9449 §5.2: a client registered with dpop_bound_access_tokens sends a proof with every token request."""

from services.identity.domain.checks.facts import Facts
from services.identity.errors import InvalidDpopProof


def check(facts: Facts) -> None:
    if facts.known_client.dpop_bound_access_tokens and facts.proof is None:
        raise InvalidDpopProof("this client sends a DPoP proof")
