"""RFC 6749 §4.1.3: the redirect URI is the one of the authorization request."""

from services.identity.domain.checks.facts import Facts
from services.identity.errors import InvalidGrant


def check(facts: Facts) -> None:
    if facts.code is not None and facts.parameters.required("redirect_uri") != facts.code.redirect_uri:
        raise InvalidGrant("redirect_uri is not the one of the authorization request")
