"""RFC 9449 §4.3 point 9: the proof was made for this endpoint, as the configured issuer has it (item 7)."""

from services.identity.domain.checks.facts import Facts
from services.kit import dpop


def check(facts: Facts) -> None:
    facts.prove(dpop.target)
