"""OpenID Connect Core §3.1.2.1: an `id_token_hint` was issued by us to this client; it may have expired."""

from services.identity.domain.checks.facts import Facts
from services.identity.errors import InvalidRequest


def check(facts: Facts) -> None:
    if "id_token_hint" not in facts.parameters:
        return
    if facts.hint is None or facts.hint.get("aud") != facts.known_client.client_id:
        raise InvalidRequest("id_token_hint is not an ID token for this client")
