"""RFC 7523 §3 points 1 and 2: issuer and subject are the client."""

from services.identity.domain.checks.facts import Facts
from services.identity.errors import InvalidClient


def check(facts: Facts) -> None:
    if facts.assertion is None or facts.assertion.claims is None:
        return
    claims, client_id = facts.assertion.claims, facts.known_client.client_id
    if claims.get("iss") != client_id or claims.get("sub") != client_id:
        raise InvalidClient("iss and sub of the assertion must be the client")
