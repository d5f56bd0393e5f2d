"""OpenID Connect Core §3.1.2.1: known prompts; `none` stands alone. `consent` is not among them: nothing here asks for
it, and a server that cannot obtain consent has to say so.
"""

from services.identity.domain.checks.facts import Facts
from services.identity.errors import InvalidRequest

PROMPTS = ("none", "login", "select_account")


def check(facts: Facts) -> None:
    asked = facts.parameters.words("prompt")
    if any(word not in PROMPTS for word in asked):
        raise InvalidRequest("unknown prompt")
    if "none" in asked and len(asked) > 1:
        raise InvalidRequest("prompt none stands alone")
