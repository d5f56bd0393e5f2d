"""OpenID Connect Core §5.5: `claims` is a JSON object; its members `userinfo` and `id_token` name claims."""

from services.identity.domain.checks.facts import Facts
from services.identity.domain.claims_request import MAX_CLAIMS
from services.identity.errors import InvalidRequest


def check(facts: Facts) -> None:
    if facts.claims is None:
        raise InvalidRequest(f"claims is no JSON object as OpenID Connect Core 5.5 has it, of {MAX_CLAIMS} characters")
