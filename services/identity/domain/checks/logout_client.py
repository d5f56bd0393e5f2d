"""OpenID Connect RP-Initiated Logout §2: a `client_id` beside an `id_token_hint` is the hint's audience."""

from services.identity.domain.checks.facts import Facts
from services.identity.errors import InvalidRequest


def check(facts: Facts) -> None:
    client_id = facts.parameters.get("client_id")
    if client_id is None:
        return
    if facts.client is None or facts.client.client_id != client_id:
        raise InvalidRequest("client_id is unknown or not the one of id_token_hint")
