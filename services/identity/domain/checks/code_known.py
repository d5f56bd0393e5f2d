"""RFC 6749 §4.1.3 and §5.2 `invalid_grant`: the code is one of ours, for this client."""

from services.identity.domain.checks.facts import Facts
from services.identity.errors import InvalidGrant


def check(facts: Facts) -> None:
    facts.parameters.required("code")
    # One answer for both: another client's code tells nothing.
    if facts.code is None or facts.code.client_id != facts.known_client.client_id:
        raise InvalidGrant("the code is unknown")
