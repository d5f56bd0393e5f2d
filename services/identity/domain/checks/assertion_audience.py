"""RFC 7523 §3 point 3, RFC 9126 §2: the assertion is for us alone: issuer, token endpoint or the endpoint called.

FAPI 2.0 Security Profile §5.3.2.1 takes the issuer alone, as one string.
"""

from services.identity.domain.checks.facts import Facts
from services.identity.errors import InvalidClient


def check(facts: Facts) -> None:
    if facts.assertion is None or facts.assertion.claims is None:
        return
    audience, taken = facts.assertion.claims.get("aud"), [facts.rules.issuer]
    if not facts.known_client.fapi2:
        taken += [facts.rules.token_endpoint, facts.address]
        if isinstance(audience, list) and len(audience) == 1:
            audience = audience[0]
    # A list of several would let another server among them use the assertion here.
    if audience not in taken:
        raise InvalidClient("aud of the assertion must be the issuer")
