"""RFC 9700 §4.14.2: a refresh token is used once; a second use, a lost reply apart, is theft and ends the family."""

from services.identity.domain.checks.facts import Facts
from services.identity.domain.tokens import Reuse, judge_refresh
from services.identity.errors import InvalidGrant


class RefreshReused(InvalidGrant):
    """Whoever handles it revokes the family."""


def check(facts: Facts) -> None:
    if facts.presented is None:
        return
    verdict = judge_refresh(facts.presented.token, facts.now, facts.rules.refresh_grace)
    if verdict is Reuse.STOLEN:
        raise RefreshReused("the refresh token was used before")
    if verdict is Reuse.CONCURRENT:
        raise InvalidGrant("the refresh token is being used by another request")
