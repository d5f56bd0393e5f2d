"""Authorization requests that do not stand in the query: pushed ones (RFC 9126) and request objects (RFC 9101)."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from services.identity.domain.clients import ASSERTION_ALGORITHMS, FAPI2_ALGORITHMS, Client
from services.identity.domain.jose import unverified_header, verified
from services.identity.domain.parameters import MANY, Parameters
from services.identity.domain.tokens import new_secret
from services.identity.errors import InvalidRequest, InvalidRequestObject

URN = "urn:ietf:params:oauth:request_uri:"
"""How the reference to a pushed request begins (RFC 9126 §2.2)."""
_KINDS = (None, "jwt", "oauth-authz-req+jwt")
_OF_THE_JWT = frozenset({"iss", "sub", "aud", "exp", "nbf", "iat", "jti"})
"""Claims of the object itself (RFC 7519 §4.1); all others are parameters of the request."""


@dataclass(frozen=True, slots=True)
class PushedRequest:
    """A request that waits here under a reference. `opened`: a browser has come with it."""

    request_uri: str
    client_id: str
    parameters: Parameters
    expires_at: datetime
    opened: bool = False

    def reference(self) -> Parameters:
        """What a browser sends in its place (RFC 9126 §4)."""
        return Parameters([("client_id", self.client_id), ("request_uri", self.request_uri)])


def new_request_uri() -> str:
    """A reference that nobody guesses (RFC 9126 §7.1)."""
    return URN + new_secret()


def is_pushed(parameters: Mapping[str, str]) -> bool:
    """Whether the request says that it was pushed."""
    return parameters.get("request_uri", "").startswith(URN)


@dataclass(frozen=True, slots=True)
class RequestObject:
    """A request as a JWT. `claims` is None unless one of the client's keys signed it by an algorithm it may use."""

    header: Mapping[str, Any]
    claims: Mapping[str, Any] | None

    @property
    def typ_fits(self) -> bool:
        """Whether it is not a token of some other kind (RFC 9101 §10.8, RFC 8725 §3.11)."""
        found = self.header.get("typ")
        kind = found.lower().removeprefix("application/") if isinstance(found, str) else found
        return kind in _KINDS

    def parameters(self) -> Parameters:
        """The request that it is (RFC 9101 §6.3). Raises InvalidRequestObject for what no query could say."""
        pairs = [
            pair for name, value in (self.claims or {}).items() if name not in _OF_THE_JWT for pair in _of(name, value)
        ]
        try:
            # By way of a query, so that the same limits hold.
            return Parameters.parse(urlencode(pairs).encode())
        except (InvalidRequest, UnicodeEncodeError):
            raise InvalidRequestObject("the request object holds a parameter that cannot be taken") from None


def read_request_object(text: str, client: Client) -> RequestObject:
    """Verify the signature with the client's own keys, by the algorithm that it registered or any of its profile."""
    algorithms: tuple[str, ...] = FAPI2_ALGORITHMS if client.fapi2 else ASSERTION_ALGORITHMS
    if client.request_object_signing_alg is not None:
        algorithms = (client.request_object_signing_alg,)
    return RequestObject(unverified_header(text) or {}, verified(text, client.keys, algorithms))


def _of(name: str, value: Any) -> Iterator[tuple[str, str]]:
    """The pairs of one claim: a number as its digits, an object (`claims`) as JSON (OpenID Connect Core §6.1)."""
    if isinstance(value, str):
        yield name, value
    elif isinstance(value, list) and name in MANY and all(isinstance(one, str) for one in value):
        yield from ((name, one) for one in value)
    elif isinstance(value, dict):
        yield name, json.dumps(value)
    elif isinstance(value, int) and not isinstance(value, bool):
        yield name, str(value)
    elif value is not None:
        raise InvalidRequestObject("a claim of the request object is no parameter")
