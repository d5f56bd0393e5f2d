"""RFC 9101 §10.5: who registered require_signed_request_object sends no request without one."""

from services.identity.domain.checks.facts import Facts
from services.identity.errors import InvalidRequest


def check(facts: Facts) -> None:
    # What was pushed has been through this check before.
    if facts.known_client.require_signed_request_object and facts.request_object is None and facts.pushed is None:
        raise InvalidRequest("this client signs its requests")
