"""RFC 9449 §4.3 point 7, RFC 8725 §3.5: the proof shows a public key alone, of a fitting size."""

from services.identity.domain.checks.facts import Facts
from services.kit import dpop


def check(facts: Facts) -> None:
    facts.prove(dpop.key)
