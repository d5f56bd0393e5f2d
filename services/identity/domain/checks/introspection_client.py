"""RFC 7662 §2.1: whoever asks about tokens is authorized to, which a client that proves nothing is not."""

from services.identity.domain.checks.facts import Facts
from services.identity.errors import InvalidClient


def check(facts: Facts) -> None:
    if facts.known_client.public:
        raise InvalidClient("introspection is for clients that authenticate")
