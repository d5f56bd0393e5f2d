"""OpenID Connect Core §3.1.2.1: known prompts; `none` stands alone."""

from services.identity.domain.checks.facts import Facts
from services.identity.errors import InvalidRequest

PROMPTS = ("none", "login", "consent", "select_account")


def check(facts: Facts) -> None:
    asked = facts.parameters.words("prompt")
    if any(word not in PROMPTS for word in asked):
        raise InvalidRequest("unknown prompt")
    if "none" in asked and len(asked) > 1:
        raise InvalidRequest("prompt none stands alone")
