"""RFC 7523 §3 point 3: the assertion is for us alone: the issuer or the token endpoint, one value."""

from services.identity.domain.checks.facts import Facts
from services.identity.errors import InvalidClient


def check(facts: Facts) -> None:
    if facts.assertion is None or facts.assertion.claims is None:
        return
    audience = facts.assertion.claims.get("aud")
    if isinstance(audience, list) and len(audience) == 1:
        audience = audience[0]
    # A list of several would let another server among them use the assertion here.
    if audience not in (facts.rules.issuer, facts.rules.token_endpoint):
        raise InvalidClient("aud of the assertion must be the issuer")
