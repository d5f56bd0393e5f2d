"""RFC 9101 §4 and §5: the request object is the client's own, and names it as the request around it does."""

from services.identity.domain.checks.facts import Facts
from services.identity.errors import InvalidRequestObject


def check(facts: Facts) -> None:
    if facts.request_object is None or facts.request_object.claims is None:
        return
    claims, client_id = facts.request_object.claims, facts.known_client.client_id
    if claims.get("iss") != client_id or claims.get("client_id") != client_id:
        raise InvalidRequestObject("iss and client_id of the request object must be the client")
    # A client assertion has the same key, iss and aud: its `sub` tells it (RFC 9101 §10.8, RFC 7523 §3).
    if "sub" in claims:
        raise InvalidRequestObject("a request object has no sub")
