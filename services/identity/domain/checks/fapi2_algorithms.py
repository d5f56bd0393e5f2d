"""FAPI 2.0 Security Profile §5.4: a client of this profile signs its proofs, too, by PS256, ES256 or EdDSA."""

from services.identity.domain.checks.facts import Facts
from services.identity.domain.clients import FAPI2_ALGORITHMS
from services.identity.errors import InvalidDpopProof


def check(facts: Facts) -> None:
    if facts.known_client.fapi2 and facts.proof is not None and facts.proof.header.get("alg") not in FAPI2_ALGORITHMS:
        raise InvalidDpopProof("the proof is signed by PS256, ES256 or EdDSA")
