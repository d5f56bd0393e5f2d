"""OpenID Connect Core §3.1.2.6 and §7.2.1: `registration` is for self-issued providers, and refused by name."""

from services.identity.domain.checks.facts import Facts
from services.identity.errors import RegistrationNotSupported


def check(facts: Facts) -> None:
    if "registration" in facts.parameters:
        raise RegistrationNotSupported("registration is not taken")
