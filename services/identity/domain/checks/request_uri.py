"""RFC 9126 §2.1, OpenID Connect Core §3.1.2.6: nothing is pushed by reference, no address is ever fetched (item 14)."""

from services.identity.domain.checks.facts import Facts
from services.identity.errors import RequestUriNotSupported


def check(facts: Facts) -> None:
    # A pushed request has been put in the place of its own reference by now.
    if "request_uri" in facts.parameters:
        raise RequestUriNotSupported("request_uri is taken for pushed requests alone")
