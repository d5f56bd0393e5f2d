"""OpenID Connect Core §3.1.2.1 (`prompt=none`), RFC 9700 §4.16: inside a frame only what shows no page is answered, and
only for clients that registered for it. A browser tells by Sec-Fetch-Dest (Fetch Metadata §2.1).
"""

from services.identity.domain.checks.facts import Facts
from services.identity.errors import InvalidRequest


def check(facts: Facts) -> None:
    if not facts.framed:
        return
    if facts.parameters.words("prompt") != ("none",) or not facts.known_client.silent_frame:
        raise InvalidRequest("nobody signs in inside a frame; silent_frame clients may send prompt=none")
