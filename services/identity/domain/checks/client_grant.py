"""RFC 6749 §4.1.2.1 and §5.2 `unauthorized_client`: the client is registered for this kind of grant."""

from services.identity.domain.checks.facts import Facts
from services.identity.errors import UnauthorizedClient


def check(facts: Facts) -> None:
    # At the authorization endpoint there is no grant_type: its only grant is the code.
    if not facts.known_client.may(facts.parameters.get("grant_type", "authorization_code")):
        raise UnauthorizedClient("the client is not registered for this grant type")
