"""OpenID Connect Core §5.3: userinfo is for tokens with the scope `openid`."""

from services.identity.domain.checks.facts import Facts
from services.identity.errors import InsufficientScope


def check(facts: Facts) -> None:
    if facts.token is None or "openid" not in str(facts.token.get("scope", "")).split(" "):
        raise InsufficientScope("the scope openid is needed")
