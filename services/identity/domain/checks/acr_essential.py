"""OpenID Connect Core §5.5.1.1: an `acr` that is essential is reached, or the sign-in fails (Unmet Authentication
Requirements 1.0 §3). `acr_values` and a default of the client are wishes: the answer tells which it became.
"""

from services.identity.domain.checks.facts import Facts
from services.identity.domain.sessions import ACR
from services.identity.errors import UnmetAuthenticationRequirements


def check(facts: Facts) -> None:
    levels = facts.claims.essential_acr if facts.claims is not None else None
    if levels is not None and ACR not in levels:
        raise UnmetAuthenticationRequirements("no sign-in here reaches the acr that is essential")
