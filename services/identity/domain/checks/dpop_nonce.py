"""RFC 9449 §8 and §9: the proof holds a nonce of ours, so that it was made now and not beforehand.

None is asked for at userinfo; the conformance suite warns of a resource that asks for one and looks at `iat` besides.
"""

from services.identity.domain.checks.facts import Facts
from services.identity.errors import UseDpopNonce


def check(facts: Facts) -> None:
    # A nonce that is no longer ours is refused even where none is asked for (§8: it is provided to be used).
    if facts.proof is not None and not facts.nonce_fits:
        raise UseDpopNonce("make the proof anew with the nonce of the DPoP-Nonce header")
