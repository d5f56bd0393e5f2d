"""OpenID Connect RP-Initiated Logout §2 and §3: sent on only to an address registered for a client that is named."""

from services.identity.domain.checks.facts import Facts
from services.identity.errors import InvalidRequest


def check(facts: Facts) -> None:
    asked = facts.parameters.get("post_logout_redirect_uri")
    if asked is None:
        return
    if facts.client is None:
        raise InvalidRequest("post_logout_redirect_uri needs id_token_hint or client_id")
    if asked not in facts.client.post_logout_redirect_uris:
        raise InvalidRequest("post_logout_redirect_uri is not registered for this client")
