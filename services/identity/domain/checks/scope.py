"""OpenID Connect Core §3.1.2.1, RFC 6749 §3.3: `openid` is asked for and granted; what nobody knows is ignored."""

from services.identity.domain.checks.facts import Facts
from services.identity.errors import InvalidScope


def check(facts: Facts) -> None:
    if "openid" not in facts.scope:
        raise InvalidScope("scope must contain openid")
