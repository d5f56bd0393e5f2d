"""RFC 8705 §3.4: a client registered with tls_client_certificate_bound_access_tokens comes with its certificate."""

from services.identity.domain.checks.facts import Facts
from services.identity.errors import InvalidRequest


def check(facts: Facts) -> None:
    if facts.known_client.tls_client_certificate_bound_access_tokens and facts.certificate is None:
        raise InvalidRequest("this client comes with a client certificate")
