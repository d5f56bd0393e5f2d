"""RFC 9101 §4: a request object holds neither another one nor a reference to one."""

from services.identity.domain.checks.facts import Facts
from services.identity.errors import InvalidRequestObject


def check(facts: Facts) -> None:
    if facts.request_object is None or facts.request_object.claims is None:
        return
    if {"request", "request_uri"} & facts.request_object.claims.keys():
        raise InvalidRequestObject("request and request_uri are not taken inside a request object")
