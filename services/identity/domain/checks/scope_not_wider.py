"""RFC 6749 §6: a refresh may repeat or narrow the scope, never widen it."""

from services.identity.domain.checks.facts import Facts
from services.identity.errors import InvalidScope


def check(facts: Facts) -> None:
    if facts.presented is None:
        return
    granted = facts.presented.family.scope.split(" ")
    if any(word not in granted for word in facts.parameters.words("scope")):
        raise InvalidScope("the scope exceeds what was granted")
