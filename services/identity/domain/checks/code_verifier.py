"""RFC 7636 §4.6, RFC 9700 §4.8: the verifier fits the challenge, and one without a challenge is refused (downgrade)."""

import hmac
import re

from authlib.oauth2.rfc7636 import create_s256_code_challenge

from services.identity.domain.checks.facts import Facts
from services.identity.errors import InvalidGrant


def check(facts: Facts) -> None:
    if facts.code is None:
        return
    verifier, challenge = facts.parameters.get("code_verifier"), facts.code.code_challenge
    if challenge is None:
        if verifier is not None:
            raise InvalidGrant("code_verifier without a challenge")
        return
    if verifier is None or not re.fullmatch(r"[A-Za-z0-9\-._~]{43,128}", verifier):
        raise InvalidGrant("code_verifier is missing or malformed")
    if not hmac.compare_digest(create_s256_code_challenge(verifier), challenge):
        raise InvalidGrant("code_verifier does not fit")
