"""OpenID Connect Core §3.1.2.6, RFC 9101: request objects are refused by name, nothing is fetched."""

from services.identity.domain.checks.facts import Facts
from services.identity.errors import RegistrationNotSupported, RequestNotSupported, RequestUriNotSupported


def check(facts: Facts) -> None:
    if "request" in facts.parameters:
        raise RequestNotSupported("request objects are not taken")
    if "request_uri" in facts.parameters:
        # Security item 14: an address out of a request is never fetched.
        raise RequestUriNotSupported("request_uri is not taken")
    if "registration" in facts.parameters:
        raise RegistrationNotSupported("registration is not taken")
