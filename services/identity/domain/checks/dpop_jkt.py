"""RFC 9449 §10 and §10.1: `dpop_jkt` is a thumbprint, and that of the proof where the pushed request has one."""

import re

from services.identity.domain.checks.facts import Facts
from services.identity.errors import InvalidRequest


def check(facts: Facts) -> None:
    named = facts.parameters.get("dpop_jkt")
    if named is None:
        return
    if not re.fullmatch(r"[A-Za-z0-9_-]{43}", named):
        raise InvalidRequest("dpop_jkt is a SHA-256 thumbprint")
    if facts.proof is not None and facts.proof.jkt != named:
        raise InvalidRequest("dpop_jkt is not the proof's key")
