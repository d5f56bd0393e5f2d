"""RFC 8707 §2.2: the audience is one of the resources that were granted with the code."""

from services.identity.domain.checks.facts import Facts
from services.identity.errors import InvalidTarget


def check(facts: Facts) -> None:
    granted: tuple[str, ...] = ()
    if facts.code is not None:
        granted = facts.code.resources
    elif facts.presented is not None:
        granted = facts.presented.family.resources
    for resource in facts.parameters.many("resource"):
        if resource not in (*granted, facts.rules.audience):
            raise InvalidTarget("the resource was not granted")
