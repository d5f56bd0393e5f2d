"""How a request says which client it comes from (RFC 6749 §2.3, RFC 7523 §2.2): nothing here is proved yet."""

import base64
import re
from dataclasses import dataclass, field
from urllib.parse import unquote_plus

from services.identity.domain.assertions import unverified_client_id
from services.identity.domain.parameters import Parameters


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a request carries. `methods`: each way to authenticate that it uses, by RFC 7591's name; `scheme`: that of
    its Authorization header; `client_ids`: every client that it names.
    """

    methods: tuple[str, ...] = ()
    scheme: str | None = None
    client_ids: tuple[str, ...] = ()
    secret: str | None = field(default=None, repr=False)
    assertion: str | None = field(default=None, repr=False)

    @property
    def client_id(self) -> str | None:
        return self.client_ids[0] if self.client_ids else None

    @property
    def method(self) -> str:
        return self.methods[0] if self.methods else "none"


NO_CREDENTIALS = Credentials()


def read_credentials(parameters: Parameters, authorization: str | None) -> Credentials:
    """The credentials of a request to an endpoint of the back channel."""
    methods: list[str] = []
    scheme = secret = None
    names = [parameters.get("client_id")]
    if authorization is not None:
        used, _, value = authorization.partition(" ")
        scheme = used if re.fullmatch(r"[A-Za-z0-9._~+-]{1,40}", used) else None
        # Any other scheme is a method that nobody has registered.
        methods.append("client_secret_basic" if used.lower() == "basic" else "other")
        if used.lower() == "basic":
            name, secret = _basic(value) or ("", None)
            names.insert(0, name)
    if "client_secret" in parameters:
        methods.append("client_secret_post")
        secret = parameters["client_secret"]
    assertion = parameters.get("client_assertion")
    if assertion is not None or "client_assertion_type" in parameters:
        methods.append("private_key_jwt")
        if names == [None] and assertion is not None:
            names = [unverified_client_id(assertion)]
    found = tuple(dict.fromkeys(name for name in names if name is not None))
    return Credentials(tuple(methods), scheme, found, secret, assertion)


def _basic(value: str) -> tuple[str, str] | None:
    """Client id and secret of a Basic header (RFC 7617 §2), each form-encoded (RFC 6749 §2.3.1)."""
    try:
        decoded = base64.b64decode(value.strip(" "), validate=True).decode()
        name, colon, secret = decoded.partition(":")
        return (unquote_plus(name, errors="strict"), unquote_plus(secret, errors="strict")) if colon else None
    except ValueError:  # no base64, no UTF-8
        return None
