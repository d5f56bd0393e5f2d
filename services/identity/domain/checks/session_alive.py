"""OpenID Connect Back-Channel Logout §2.7: what a session gave ends with the session, idle time-out included."""

from services.identity.domain.checks.facts import Facts
from services.identity.errors import InvalidGrant


def check(facts: Facts) -> None:
    session = facts.presented.session if facts.presented is not None else facts.session
    if session is None or not session.alive(facts.now, facts.rules.sessions):
        raise InvalidGrant("the session has ended")
