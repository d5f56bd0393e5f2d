"""RFC 9449 §4.2: the proof has a `jti`, or its replay could not be told."""

from services.identity.domain.checks.facts import Facts
from services.kit import dpop


def check(facts: Facts) -> None:
    facts.prove(dpop.identifier)
