"""OpenID Connect Core §3.1.2.1, RFC 6749 §3.3: `openid` is asked for, and nothing that is not offered."""

from services.identity.domain.checks.facts import Facts
from services.identity.domain.clients import SCOPES
from services.identity.errors import InvalidScope


def check(facts: Facts) -> None:
    asked = facts.parameters.words("scope")
    if "openid" not in asked:
        raise InvalidScope("scope must contain openid")
    if any(word not in SCOPES for word in asked):
        raise InvalidScope(f"scopes offered: {' '.join(SCOPES)}")
