"""RFC 7523 §3 point 9, RFC 8725 §3.1: signed by a key of the client with an asymmetric algorithm of ours (item 13)."""

from services.identity.domain.checks.facts import Facts
from services.identity.errors import InvalidClient


def check(facts: Facts) -> None:
    if facts.known_client.token_endpoint_auth_method != "private_key_jwt":
        return
    if facts.assertion is None or facts.assertion.claims is None:
        raise InvalidClient("the assertion's signature is not one of this client's keys")
    if not facts.assertion.typ_fits:
        raise InvalidClient("the assertion is a token of another kind")
