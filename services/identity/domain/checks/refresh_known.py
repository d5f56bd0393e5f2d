"""RFC 6749 §6: the refresh token is one of ours, for this client."""

from services.identity.domain.checks.facts import Facts
from services.identity.errors import InvalidGrant


def check(facts: Facts) -> None:
    facts.parameters.required("refresh_token")
    if facts.presented is None or facts.presented.family.client_id != facts.known_client.client_id:
        raise InvalidGrant("the refresh token is unknown")
