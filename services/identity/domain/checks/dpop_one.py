"""RFC 9449 §4.3 point 1: one DPoP header at most."""

from services.identity.domain.checks.facts import Facts
from services.kit import dpop


def check(facts: Facts) -> None:
    facts.prove(dpop.one)
