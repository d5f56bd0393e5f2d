"""RFC 9449 §4.3 points 2, 5 and 6: the proof is signed by its own key, by an asymmetric algorithm of ours (item 13)."""

from services.identity.domain.checks.facts import Facts
from services.kit import dpop


def check(facts: Facts) -> None:
    facts.prove(dpop.signature)
