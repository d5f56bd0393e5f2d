"""Client assertions (RFC 7523): `unverified_*` until a key of the client has proved them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from services.identity.domain.clients import ASSERTION_ALGORITHMS, FAPI2_ALGORITHMS, Client
from services.identity.domain.jose import ACCESS_TOKEN, LOGOUT_TOKEN, unverified_claims, unverified_header, verified

JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
"""`client_assertion_type` of private_key_jwt (RFC 7523 §2.2)."""
_FOREIGN_TYPES = frozenset({ACCESS_TOKEN, LOGOUT_TOKEN, "dpop+jwt", "secevent+jwt"})


@dataclass(frozen=True, slots=True)
class Assertion:
    """What a client assertion says. `claims` is None unless one of the client's keys signed it."""

    header: Mapping[str, Any]
    claims: Mapping[str, Any] | None

    @property
    def typ_fits(self) -> bool:
        """Whether the `typ` is not that of some other kind of token (RFC 8725 §3.11)."""
        return str(self.header.get("typ", "JWT")).lower().removeprefix("application/") not in _FOREIGN_TYPES


def unverified_client_id(text: str) -> str | None:
    """Whose assertion it claims to be; nothing is proved by it."""
    found = (unverified_claims(text) or {}).get("sub")
    return found if isinstance(found, str) else None


def read_assertion(text: str, client: Client) -> Assertion:
    """Verify the signature with the client's own keys, by an algorithm of its profile (FAPI 2.0 §5.4)."""
    header = unverified_header(text) or {}
    algorithms = FAPI2_ALGORITHMS if client.fapi2 else ASSERTION_ALGORITHMS
    return Assertion(header, verified(text, client.keys, algorithms))
