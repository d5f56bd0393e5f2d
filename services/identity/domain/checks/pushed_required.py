"""RFC 9126 §5 and §6, FAPI 2.0 Security Profile §5.3.2.2: who must push its requests sends none by the browser."""

from services.identity.domain.checks.facts import Facts
from services.identity.errors import InvalidRequest


def check(facts: Facts) -> None:
    if facts.known_client.pushed_required and facts.pushed is None:
        raise InvalidRequest("this client pushes its requests")
