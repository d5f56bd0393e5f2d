"""RFC 9101 §6.2 and §10.2: signed by a key of the client, by an algorithm that it may use; `none` is none (item 13).

Objects that are encrypted are not taken, and no token of another kind is (RFC 9101 §10.8).
"""

from services.identity.domain.checks.facts import Facts
from services.identity.errors import InvalidRequestObject


def check(facts: Facts) -> None:
    if facts.request_object is None:
        return
    if facts.request_object.claims is None:
        raise InvalidRequestObject("the request object is not signed by a key and algorithm of this client")
    if not facts.request_object.typ_fits:
        raise InvalidRequestObject("the request object is a token of another kind")
