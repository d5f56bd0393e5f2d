"""RFC 7636 §4.3, RFC 9700 §2.1.1: S256 only; whoever must send a challenge sends one."""

import re

from services.identity.domain.checks.facts import Facts
from services.identity.errors import InvalidRequest


def check(facts: Facts) -> None:
    challenge = facts.parameters.get("code_challenge")
    method = facts.parameters.get("code_challenge_method")
    if challenge is None:
        if facts.known_client.pkce_required:
            raise InvalidRequest("code_challenge is required")
        if method is not None:
            raise InvalidRequest("code_challenge_method without code_challenge")
        return
    # A missing method would mean "plain" (§4.3), which shows the verifier to whoever sees the request.
    if method != "S256":
        raise InvalidRequest("code_challenge_method must be S256")
    if not re.fullmatch(r"[A-Za-z0-9_-]{43}", challenge):
        raise InvalidRequest("code_challenge is no base64url SHA-256")
