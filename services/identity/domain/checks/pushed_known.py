"""RFC 9126 §2.2, §4 and §7.3: the reference is to a request of this very client, not expired and not used up.

The person is told so here: where else to send them stood in the request.
"""

from services.identity.domain.checks.facts import Facts
from services.identity.domain.requests import is_pushed
from services.identity.errors import InvalidRequestUri


def check(facts: Facts) -> None:
    if not is_pushed(facts.parameters):
        return
    # One answer for both: another client's reference tells nothing.
    if facts.pushed is None or facts.pushed.client_id != facts.known_client.client_id:
        raise InvalidRequestUri("the pushed request is unknown, expired or used")
