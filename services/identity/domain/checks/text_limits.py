"""OpenID Connect Core §3.1.2.1: state and nonce are echoed as they came, so their size is bounded."""

from services.identity.domain.checks.facts import Facts
from services.identity.errors import InvalidRequest

LIMITS = {"state": 2000, "nonce": 1000, "scope": 1000, "login_hint": 200, "ui_locales": 200, "acr_values": 500}


def check(facts: Facts) -> None:
    for name, limit in LIMITS.items():
        if len(facts.parameters.get(name, "")) > limit:
            raise InvalidRequest(f"{name} is longer than {limit} characters")
