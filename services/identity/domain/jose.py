"""Signing and verifying JWTs: algorithms are pinned by us, never taken from a header (items 8, 12 and 13)."""

import base64
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, TypeGuard

import orjson
from joserfc import jwk, jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeySet, OKPKey, RSAKey

from services.kit.jose import JWSRegistry

ACCESS_TOKEN = "at+jwt"
"""`typ` of an access token (RFC 9068 §2.1)."""
LOGOUT_TOKEN = "logout+jwt"
"""`typ` of a logout token (OpenID Connect Back-Channel Logout §2.4)."""
ID_TOKEN = "JWT"
INTROSPECTION = "token-introspection+jwt"
"""`typ` of a signed introspection answer (RFC 9701 §5)."""
USERINFO = "JWT"
"""`typ` of a signed answer of userinfo: common libraries take no other. It has no `exp`, so it is no ID token."""
ACCESS_ALGORITHM = "ES256"
"""Algorithm of access tokens: four times the signatures a second of RS256, read by every common library."""
MAX_JWT = 16 * 1024
KEPT_SIGNATURES = 1024
"""Tokens of ours whose signature is not verified again while the keys are the same; some 3 MB."""

Key = jwk.Key


def new_key(algorithm: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """A fresh key pair as (public, private) JWK; `kid` is its thumbprint (RFC 7638). Takes time for RSA."""
    key: Key
    if algorithm in ("RS256", "PS256"):
        key = RSAKey.generate_key(2048, auto_kid=True)
    elif algorithm == "EdDSA":
        key = OKPKey.generate_key("Ed25519", auto_kid=True)
    else:
        key = ECKey.generate_key("P-256", auto_kid=True)
    public = key.as_dict(private=False, alg=algorithm, use="sig")
    return dict(public), dict(key.as_dict(private=True, alg=algorithm, use="sig"))


@dataclass(frozen=True, slots=True)
class KeyRing:
    """The keys at one moment, parsed: what signs for each algorithm, what verifies, and the JWKS as bytes.

    `kids` are those of the JWKS; `verifying` has older ones besides, for ID tokens as hints and nothing else.
    """

    signing: Mapping[str, Key]
    verifying: KeySet
    kids: frozenset[str]
    jwks: bytes
    _verified: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict, compare=False, repr=False)
    """What a token says never changes; whether it still counts is asked of the database each time, by the caller."""

    @classmethod
    def of(
        cls,
        public: list[dict[str, Any]],
        private: Mapping[str, dict[str, Any]],
        older: Sequence[dict[str, Any]] = (),
    ) -> "KeyRing":
        """`public`: every JWK to publish; `private`: the signing JWK for each algorithm; `older`: kept for hints."""
        signing = {algorithm: jwk.import_key(key) for algorithm, key in private.items()}
        return cls(
            signing,
            KeySet.import_key_set({"keys": [*public, *older]}),
            frozenset(key["kid"] for key in public),
            json.dumps({"keys": public}, separators=(",", ":")).encode(),
        )

    def sign(self, claims: Mapping[str, Any], algorithm: str, typ: str) -> str:
        """A JWT signed by the key that signs for `algorithm` now."""
        key = self.signing[algorithm]
        # Put together here: the library's way checks again, for each token, what is ours and fixed.
        signed = b".".join((_header(algorithm, str(key.kid), typ), _base64(orjson.dumps(claims))))
        return b".".join((signed, _base64(JWSRegistry.algorithms[algorithm].sign(signed, key)))).decode()

    def read(self, token: str, typ: str) -> dict[str, Any] | None:
        """The claims of a token of ours of this `typ`, None for anything else. Times are for the caller to judge."""
        if (known := self._verified.get((token, typ))) is not None:
            return dict(known)
        header = unverified_header(token)
        # `kid` may be of any JSON type (RFC 7515 §4.1.4 wants a string), and a list is no member of a set.
        if header is None or not isinstance(kid := header.get("kid"), str):
            return None
        found = str(header.get("typ", "JWT")).lower().removeprefix("application/")
        if found != typ.lower() or (typ != ID_TOKEN and kid not in self.kids):
            return None
        claims = verified(token, self.verifying, tuple({key.alg for key in self.verifying.keys if key.alg}))
        # Whatever we sign for a while has an end; what has none (userinfo) is a token of no kind.
        if claims is None or "exp" not in claims:
            return None
        if len(self._verified) >= KEPT_SIGNATURES:
            del self._verified[next(iter(self._verified))]
        self._verified[token, typ] = claims
        return dict(claims)


@lru_cache(64)
def _header(algorithm: str, kid: str, typ: str) -> bytes:
    return _base64(orjson.dumps({"alg": algorithm, "kid": kid, "typ": typ}))


def _base64(value: bytes) -> bytes:
    return base64.urlsafe_b64encode(value).rstrip(b"=")


def is_moment(value: object) -> TypeGuard[float]:
    """Whether a claim is a NumericDate (RFC 7519 §2). RFC 8259 §6 has no NaN and no Infinity; Python's reader does."""
    return (isinstance(value, int) and not isinstance(value, bool)) or (
        isinstance(value, float) and math.isfinite(value)
    )


def unverified_header(token: str) -> dict[str, Any] | None:
    """The header of a JWT before anything is verified; None where there is none."""
    return _json_part(token, 0)


def unverified_claims(token: str) -> dict[str, Any] | None:
    """The claims of a JWT before anything is verified; None where there are none."""
    return _json_part(token, 1)


def verified(token: str, keys: KeySet, algorithms: tuple[str, ...]) -> dict[str, Any] | None:
    """The claims if one of `keys` signed them by one of `algorithms`, else None."""
    header = unverified_header(token)
    if header is None or header.get("alg") not in algorithms or "crit" in header or "b64" in header:
        return None
    try:
        candidates = [key for key in keys.keys if header.get("kid") in (None, key.kid) or len(keys.keys) == 1]
        for key in candidates:
            # A key that names its algorithm serves no other (RFC 7517 §4.4).
            if key.alg not in (None, header["alg"]):
                continue
            try:
                return dict(jwt.decode(token, key, algorithms=list(algorithms)).claims)
            except (JoseError, ValueError, TypeError, RecursionError):
                continue
    except (JoseError, ValueError, TypeError, RecursionError):
        return None
    return None


def _json_part(token: str, index: int) -> dict[str, Any] | None:
    if len(token) > MAX_JWT or token.count(".") != 2:
        return None
    part = token.split(".")[index]
    try:
        found = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None
