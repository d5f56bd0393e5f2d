"""RFC 9101 §10.2 (replay), RFC 7519 §4.1: a request object has an end within the hour and is not of the future.

FAPI 2.0 Message Signing §5.3.1: `nbf` is there and at most an hour ago, `exp` at most an hour after it.
"""

from services.identity.domain.checks.facts import Facts
from services.identity.domain.jose import is_moment
from services.identity.errors import InvalidRequestObject

LIFE = 3600


def check(facts: Facts) -> None:
    if facts.request_object is None or facts.request_object.claims is None:
        return
    claims, now, skew = facts.request_object.claims, facts.now.timestamp(), facts.rules.skew.total_seconds()
    expires = claims.get("exp")
    if not is_moment(expires) or expires <= now - skew:
        raise InvalidRequestObject("the request object has expired or has no exp")
    if expires > now + LIFE + skew:
        raise InvalidRequestObject("the request object lives for longer than an hour")
    for name in ("iat", "nbf"):
        if name in claims and (not is_moment(claims[name]) or claims[name] > now + skew):
            raise InvalidRequestObject(f"{name} of the request object is in the future")
    if facts.known_client.fapi2:
        begins = claims.get("nbf")
        if not is_moment(begins) or begins < now - LIFE - skew or expires > begins + LIFE:
            raise InvalidRequestObject("nbf of the request object must be at most an hour before now and exp")
