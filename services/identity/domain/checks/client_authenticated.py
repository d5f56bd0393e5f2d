"""RFC 6749 §2.3 and §3.2.1: the request comes by the one method that its client registered."""

from services.identity.domain.assertions import JWT_BEARER
from services.identity.domain.checks.facts import Facts


def check(facts: Facts) -> None:
    client, credentials = facts.client, facts.credentials
    # An unknown client, another method than the registered one and a wrong secret are told in the same words.
    if client is None or credentials.method != client.token_endpoint_auth_method:
        raise facts.not_authenticated()
    if credentials.client_ids != (client.client_id,):
        raise facts.not_authenticated()
    if credentials.method != "private_key_jwt":
        return
    if facts.parameters.get("client_assertion_type") != JWT_BEARER or credentials.assertion is None:
        raise facts.not_authenticated()
