"""RFC 9101 §4: the request object is for us; others may be named too: it is no secret, and gives no right there."""

from services.identity.domain.checks.facts import Facts
from services.identity.errors import InvalidRequestObject


def check(facts: Facts) -> None:
    if facts.request_object is None or facts.request_object.claims is None:
        return
    audience = facts.request_object.claims.get("aud")
    if facts.rules.issuer not in (audience if isinstance(audience, list) else [audience]):
        raise InvalidRequestObject("aud of the request object must be the issuer")
