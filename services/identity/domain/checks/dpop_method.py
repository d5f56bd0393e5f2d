"""RFC 9449 §4.3 point 8: the proof was made for this method."""

from services.identity.domain.checks.facts import Facts
from services.kit import dpop


def check(facts: Facts) -> None:
    facts.prove(dpop.method)
