"""RFC 9449 §4.3 point 4: `typ` dpop+jwt, so that no assertion of the same key serves as a proof."""

from services.identity.domain.checks.facts import Facts
from services.kit import dpop


def check(facts: Facts) -> None:
    facts.prove(dpop.kind)
