"""RFC 9449 §4.3 point 12: the proof was made for the access token that comes with it."""

from services.identity.domain.checks.facts import Facts
from services.kit import dpop


def check(facts: Facts) -> None:
    facts.prove(dpop.token)
