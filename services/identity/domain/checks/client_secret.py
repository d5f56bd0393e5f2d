"""RFC 6749 §2.3.1: the secret is the client's."""

from services.identity.domain.checks.facts import Facts
from services.identity.domain.clients import SECRET_METHODS


def check(facts: Facts) -> None:
    if facts.known_client.token_endpoint_auth_method in SECRET_METHODS and not facts.secret_fits:
        raise facts.not_authenticated()
