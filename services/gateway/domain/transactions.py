"""A sign-in under way: what the browser must bring back, kept encrypted in a cookie of its own for each attempt.

The cookie's name carries part of the state, so that several tabs may sign in at once.
"""

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from joserfc import jwe
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

from services.gateway.domain.sessions import new_secret
from services.gateway.errors import SignInFailed

LIFE_SECONDS = 600


@dataclass(frozen=True, slots=True)
class Transaction:
    """One attempt to sign in (RFC 6749 §10.12, RFC 7636, OpenID Connect Core §15.5.2)."""

    state: str
    nonce: str
    verifier: str
    next: str
    silent: bool
    began_at: str

    @classmethod
    def begin(cls, next_: str, *, silent: bool, now: datetime) -> "Transaction":
        return cls(new_secret(), new_secret(), new_secret(), next_, silent, now.isoformat())

    @property
    def challenge(self) -> str:
        """S256 code challenge (RFC 7636 §4.2)."""
        digest = hashlib.sha256(self.verifier.encode()).digest()
        return base64.urlsafe_b64encode(digest).decode().rstrip("=")

    def sealed(self, key: bytes) -> str:
        """For the cookie: JWE, A256GCM."""
        protected = {"alg": "dir", "enc": "A256GCM"}
        return jwe.encrypt_compact(protected, json.dumps(asdict(self)).encode(), OctKey.import_key(key))


def cookie_prefix(surface: str) -> str:
    return f"__Host-tb-signin-{surface}-"


def cookie_name(surface: str, state: str) -> str:
    return cookie_prefix(surface) + state[:8]


def opened(cookies: Mapping[str, str], surface: str, state: str, key: bytes, now: datetime) -> Transaction:
    """The transaction that `state` belongs to. Raises SignInFailed where this browser began none or too long ago."""
    sealed = cookies.get(cookie_name(surface, state)) if state else None
    if not sealed:
        raise SignInFailed("no sign-in is under way in this browser")
    try:
        found = jwe.decrypt_compact(sealed, OctKey.import_key(key), algorithms=["dir", "A256GCM"])
        transaction = Transaction(**json.loads(found.plaintext or b"{}"))
        began = datetime.fromisoformat(transaction.began_at)
    except (JoseError, ValueError, TypeError):
        raise SignInFailed("the sign-in cannot be read") from None
    if transaction.state != state or began + timedelta(seconds=LIFE_SECONDS) < now:
        raise SignInFailed("the sign-in took too long")
    return transaction
