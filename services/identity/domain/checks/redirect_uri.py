"""RFC 9700 §2.1 and §4.1.3, OpenID Connect Core §3.1.2.1: the redirect URI is registered, character for character."""

from services.identity.domain.checks.facts import Facts
from services.identity.domain.redirects import matches
from services.identity.errors import InvalidRequest


def check(facts: Facts) -> None:
    client = facts.known_client
    asked = facts.parameters.get("redirect_uri")
    if asked is None or not matches(asked, client.redirect_uris, native=client.application_type == "native"):
        raise InvalidRequest("redirect_uri is missing or not registered for this client")
