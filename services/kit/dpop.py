"""DPoP (RFC 9449) without I/O: proofs read, the rules of §4.3 one by one, server nonces. For the provider and our APIs.

A rule gets the proof and what it must be about, and says what is wrong, or None.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

from joserfc import jwk, jwt
from joserfc.errors import JoseError
from joserfc.jwk import GuestProtocol, RSAKey

from services.kit.jose import JWSRegistry

ALGORITHMS = ("ES256", "PS256", "RS256", "EdDSA")
"""None is symmetric: the key stands in the header for everybody to read."""
TYPE = "dpop+jwt"
MAX_PROOF = 8192
MIN_RSA_BITS, MAX_RSA_BITS, MAX_RSA_EXPONENT = 2048, 4096, 2**32
"""FAPI 2.0 Security Profile §5.4 asks for 2048. A longer key or a large exponent costs us time instead of its owner: a
proof is read before anybody is known, so such a one is not even tried.
"""


class _Registry(JWSRegistry):
    """An RSA key in a header takes more than joserfc's 512 bytes."""

    max_header_length = MAX_PROOF


_READER = _Registry(algorithms=ALGORITHMS, strict_check_header=False)
"""Header parameters that we do not know are passed over (RFC 7515 §4)."""
_PRIVATE_MEMBERS = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})


@dataclass(frozen=True, slots=True)
class Proof:
    """One proof. Header and claims are empty unless the key in its header signed it; `jkt`: the key's thumbprint."""

    header: Mapping[str, Any]
    claims: Mapping[str, Any]
    jkt: str
    count: int = 1
    """How many DPoP headers came."""
    unfit: bool = False
    """Whether it is an RSA key that is too short."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a proof must be about. `token`: the access token that comes with it, at resources."""

    method: str
    target: str
    now: float
    seconds: float
    token: str | None = None


Rule = Callable[[Proof, Wanted], str | None]


def read(values: Sequence[str]) -> Proof | None:
    """The proof of the DPoP headers `values`; None where there are none."""
    if not values:
        return None
    keys: list[jwk.Key] = []

    def key_of(signature: GuestProtocol) -> jwk.Key:
        key = jwk.import_key(signature.headers()["jwk"])
        if isinstance(key, RSAKey):
            numbers = key.public_key.public_numbers()
            if numbers.n.bit_length() > MAX_RSA_BITS or numbers.e > MAX_RSA_EXPONENT:
                raise ValueError("too costly")
        keys.append(key)
        return key

    try:
        if len(values[0]) > MAX_PROOF:
            raise ValueError("too long")
        decoded = jwt.decode(values[0], key_of, registry=_READER)
        if {"crit", "b64"} & decoded.header.keys():
            raise ValueError("an extension that we do not know (RFC 7515 §4.1.11)")
        key = keys[0]
        unfit = isinstance(key, RSAKey) and key.public_key.key_size < MIN_RSA_BITS
        return Proof(decoded.header, decoded.claims, key.thumbprint(), len(values), unfit)
    # Whatever a stranger's header makes the reader trip over, it is no proof.
    except (JoseError, ValueError, TypeError, KeyError, AttributeError, RecursionError, OverflowError):
        return Proof({}, {}, "", len(values))


def one(proof: Proof, wanted: Wanted) -> str | None:
    """§4.3 point 1: there is not more than one DPoP header."""
    return None if proof.count == 1 else "send one DPoP header"


def signature(proof: Proof, wanted: Wanted) -> str | None:
    """§4.3 points 2, 5 and 6: a JWT that the key in its header signed by an asymmetric algorithm of ours."""
    return None if proof.jkt else "the proof is no JWT that the key in its header signed"


def kind(proof: Proof, wanted: Wanted) -> str | None:
    """§4.3 point 4: `typ`, so that no other token that the key signed serves as a proof."""
    return None if proof.header.get("typ") == TYPE else f"typ of the proof must be {TYPE}"


def key(proof: Proof, wanted: Wanted) -> str | None:
    """§4.3 point 7: the header holds no private key. RFC 8725 §3.5: and none that is too weak."""
    found = proof.header.get("jwk", {})
    if _PRIVATE_MEMBERS & found.keys():
        return "jwk of the proof holds a private key"
    return f"an RSA key has {MIN_RSA_BITS} bits or more" if proof.unfit else None


def identifier(proof: Proof, wanted: Wanted) -> str | None:
    """§4.3 point 3 and §4.2: `jti`, or a replay could not be told."""
    found = proof.claims.get("jti")
    # Printable: half a surrogate pair, which JSON can spell (RFC 8259 §8.2), could not be stored.
    fits = isinstance(found, str) and 1 <= len(found) <= 255 and found.isprintable()
    return None if fits else "the proof needs a jti of 1 to 255 printable characters"


def method(proof: Proof, wanted: Wanted) -> str | None:
    """§4.3 point 8: `htm` is the method of this request."""
    return None if proof.claims.get("htm") == wanted.method else "htm of the proof is another method"


def target(proof: Proof, wanted: Wanted) -> str | None:
    """§4.3 point 9: `htu` is the address of this request, query and fragment aside, compared as normalized."""
    found = proof.claims.get("htu")
    fits = isinstance(found, str) and normalized(found) == normalized(wanted.target) is not None
    return None if fits else "htu of the proof is another address"


def time(proof: Proof, wanted: Wanted) -> str | None:
    """§4.3 point 11, §11.1: `iat` is of now, neither long ago nor of the future."""
    found = proof.claims.get("iat")
    fits = (
        isinstance(found, int | float)
        and not isinstance(found, bool)
        and wanted.now - wanted.seconds <= found <= wanted.now + wanted.seconds
    )
    return None if fits else "iat of the proof is not of now"


def token(proof: Proof, wanted: Wanted) -> str | None:
    """§4.3 point 12: `ath` is the hash of the access token that comes with the proof."""
    if wanted.token is None:
        return None
    digest = hashlib.sha256(wanted.token.encode()).digest()
    return None if proof.claims.get("ath") == _base64(digest) else "ath of the proof is not of this access token"


RULES: tuple[Rule, ...] = (one, signature, kind, key, identifier, method, target, time, token)


def normalized(address: str) -> str | None:
    """`address` without query and fragment, by RFC 3986 §6.2.2 and §6.2.3; None for what is no http address."""
    if len(address) > 2000 or not address.isascii() or not address.isprintable() or " " in address:
        return None
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
        return None
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    default = 443 if parts.scheme == "https" else 80
    place = host if port in (None, default) else f"{host}:{port}"
    # An escape of an unreserved character is that character (§6.2.2.2); any other stays one, in upper case.
    path = re.sub(r"%[0-9A-Fa-f]{2}", lambda escape: _plain(escape[0]), parts.path)
    return f"{parts.scheme}://{place}{_without_dots(path) or '/'}"


def _plain(escape: str) -> str:
    character = unquote(escape, "latin-1")
    return character if re.fullmatch(r"[A-Za-z0-9\-._~]", character) else escape.upper()


def _without_dots(path: str) -> str:
    """RFC 3986 §5.2.4."""
    first, *segments = path.split("/")
    kept: list[str] = []
    for segment in segments:
        if segment == "..":
            del kept[-1:]
        elif segment != ".":
            kept.append(segment)
    if segments and segments[-1] in (".", ".."):
        kept.append("")
    return "/".join([first, *kept])


@dataclass(frozen=True, slots=True)
class Nonces:
    """Server nonces (§8) without a state: keyed digests of a span of time, so that replicas take each other's.

    `keys`: the one that makes them first, older ones that are still taken.
    """

    keys: Sequence[bytes]
    seconds: int

    def at(self, now: float) -> str:
        """The nonce to hand out."""
        return self._of(self.keys[0], now)

    def fits(self, nonce: object, now: float) -> bool:
        """Whether `nonce` is of the present span or the one before."""
        taken = [self._of(key, moment) for key in self.keys for moment in (now, now - self.seconds)]
        return isinstance(nonce, str) and nonce.isascii() and any(hmac.compare_digest(nonce, each) for each in taken)

    def _of(self, key: bytes, now: float) -> str:
        span = int(now // self.seconds).to_bytes(8, "big")
        return _base64(hmac.new(key, span, hashlib.sha256).digest()[:18])


def _base64(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).decode().rstrip("=")
