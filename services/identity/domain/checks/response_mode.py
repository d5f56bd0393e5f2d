"""OAuth 2.0 Multiple Response Type Encoding Practices §2.1, Form Post Response Mode §2: by query or by a posted form.

Not in the fragment: a code is for the client's server, and scripts of the page could read it there.
"""

from services.identity.domain.checks.facts import Facts
from services.identity.errors import InvalidRequest

RESPONSE_MODES = ("query", "form_post")


def check(facts: Facts) -> None:
    if facts.parameters.get("response_mode", "query") not in RESPONSE_MODES:
        raise InvalidRequest(f"response_mode must be one of {' '.join(RESPONSE_MODES)}")
