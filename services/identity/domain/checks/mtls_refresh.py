"""RFC 8705 §4: a public client's refresh token is bound to the certificate that it was issued to."""

from services.identity.domain.checks.facts import Facts
from services.identity.errors import InvalidGrant


def check(facts: Facts) -> None:
    bound = facts.presented.family.binding.get("x5t#S256") if facts.presented is not None else None
    if bound not in (None, facts.certificate):
        raise InvalidGrant("the refresh token is bound to another client certificate")
