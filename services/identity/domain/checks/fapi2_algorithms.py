"""FAPI 2.0 Security Profile §5.4: what a client of this profile signs is signed by PS256, ES256 or EdDSA."""

from services.identity.domain.checks.facts import Facts
from services.identity.domain.clients import FAPI2_ALGORITHMS
from services.identity.errors import InvalidClient, InvalidDpopProof


def check(facts: Facts) -> None:
    if not facts.known_client.fapi2:
        return
    if facts.assertion is not None and facts.assertion.header.get("alg") not in FAPI2_ALGORITHMS:
        raise InvalidClient("the assertion is signed by PS256, ES256 or EdDSA")
    if facts.proof is not None and facts.proof.header.get("alg") not in FAPI2_ALGORITHMS:
        raise InvalidDpopProof("the proof is signed by PS256, ES256 or EdDSA")
