"""RFC 6749 §3.2.1, RFC 7523 §2.2: the client proves who it is by one method, the one it registered."""

from services.identity.domain.assertions import JWT_BEARER
from services.identity.domain.checks.facts import Facts
from services.identity.errors import InvalidClient


def check(facts: Facts) -> None:
    client, parameters = facts.client, facts.parameters
    if client is None:
        raise InvalidClient("unknown client or no client authentication")
    if "client_secret" in parameters:
        raise InvalidClient("this client has no secret")
    if parameters.get("client_id", client.client_id) != client.client_id:
        raise InvalidClient("client_id is not the assertion's")
    if client.public:
        if "client_assertion" in parameters or "client_assertion_type" in parameters:
            raise InvalidClient("a public client does not authenticate")
        return
    if parameters.get("client_assertion_type") != JWT_BEARER or "client_assertion" not in parameters:
        raise InvalidClient("private_key_jwt is required")
