"""RFC 6749 §3.1.1, RFC 9700 §2.1.2: `code` alone; the implicit and hybrid flows do not exist here."""

from services.identity.domain.checks.facts import Facts
from services.identity.errors import UnsupportedResponseType


def check(facts: Facts) -> None:
    if facts.parameters.required("response_type") != "code":
        raise UnsupportedResponseType("response_type must be code")
