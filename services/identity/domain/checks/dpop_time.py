"""RFC 9449 §4.3 point 11, §11.1: the proof is of now; one of the future could be kept for later."""

from services.identity.domain.checks.facts import Facts
from services.kit import dpop


def check(facts: Facts) -> None:
    facts.prove(dpop.time)
