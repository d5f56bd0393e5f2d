"""Who calls: access tokens verified locally by the issuer's keys (RFC 9068), and what the caller may do.

A token is for exactly one service (`aud`). Deny by default: a route asks for `Citizen`, `Officer` or `Caller`.
"""

import asyncio
import base64
import ssl
import time
from typing import Annotated, Any, Literal, Protocol
from urllib.parse import urlsplit

import httpx
import orjson
from fastapi import Depends, Request
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from services.kit import dpop
from services.kit.certificates import thumbprint
from services.kit.db import UnitOfWork
from services.kit.errors import Forbidden, InvalidProof, Kind, TongbanError, Unauthenticated
from services.kit.replays import first_use
from services.kit.settings import ServiceSettings
from services.kit.telemetry import log

EVERYWHERE = "*"
ALGORITHMS = ["ES256"]
LEEWAY_SECONDS = 5
KEY_SECONDS = 60.0
"""How old the keys may be: the max-age of the issuer's JWKS. A key that it took back is refused from then on."""
KEEP_SECONDS = 900.0
"""For how long old keys serve while the issuer is away; by then every good token has expired, for none is issued."""
REFETCH_SECONDS = 10.0
"""Keys are read early for an unknown `kid`, but not more often than this: anybody can send one."""
RETRY_SECONDS = 1.0
"""Pause after a read that failed."""
CACHED_TOKENS = 4096
PROOF_SECONDS = 60
"""How far from now a DPoP proof's `iat` may be."""


class KeysAway(TongbanError):
    kind, slug, title = Kind.UNAVAILABLE, "keys-away", "The issuer's keys cannot be read just now"


class InsufficientAuthentication(Unauthenticated):
    """RFC 9470 §3: the sign-in behind the token is too long ago, or too weak, for what is asked."""

    slug, title = "insufficient-user-authentication", "A more recent or stronger sign-in is needed"


class Grant(BaseModel):
    """A staff role at an organisation, "*" for every one."""

    model_config = ConfigDict(frozen=True)

    org: str
    role: str


class Confirmation(BaseModel):
    """What a token is bound to (RFC 7800 §3.1): a key (RFC 9449 §6.1), a certificate (RFC 8705 §3.1). Nothing else is
    known here, and a token bound to something else is refused.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    jkt: str | None = None
    certificate: str | None = Field(None, alias="x5t#S256")


class Principal(BaseModel):
    """The caller, as its access token says."""

    model_config = ConfigDict(frozen=True)

    sub: str
    client_id: str
    realm: Literal["citizen", "staff"] | None = None
    sid: str | None = None
    name: str | None = None
    grants: tuple[Grant, ...] = ()
    acr: str | None = None
    auth_time: int | None = None
    jti: str
    exp: int
    cnf: Confirmation | None = None

    def holds(self, role: str, organisation: str) -> bool:
        """Whether the caller has `role` at `organisation`."""
        return any(g.role == role and g.org in (EVERYWHERE, organisation) for g in self.grants)

    def require(self, role: str, organisation: str) -> None:
        """Raise Forbidden unless the caller has `role` at `organisation`."""
        if not self.holds(role, organisation):
            raise Forbidden(f"the role {role} at this organisation is needed")

    def organisations(self, role: str) -> frozenset[str]:
        """Organisations where the caller has `role`; {"*"} means every one."""
        found = frozenset(g.org for g in self.grants if g.role == role)
        return frozenset({EVERYWHERE}) if EVERYWHERE in found else found


def require_authentication(principal: Principal, *, max_age: int = 0, acr: str | None = None) -> None:
    """Raise InsufficientAuthentication unless the person signed in at most `max_age` seconds ago (0: whenever), and by
    `acr` (RFC 9470). A client that acts for nobody has no sign-in, and is let through.
    """
    if principal.realm is None:
        return
    # A person's token that does not tell when counts as old.
    old = max_age > 0 and time.time() - (principal.auth_time or 0) > max_age + LEEWAY_SECONDS
    if not old and acr in (None, principal.acr):
        return
    asked: dict[str, Any] = ({"max_age": max_age} if max_age else {}) | ({"acr_values": acr} if acr else {})
    error = InsufficientAuthentication("sign in again for this", **asked)
    scheme = "DPoP" if principal.cnf is not None and principal.cnf.jkt is not None else "Bearer"
    told = {"error": "insufficient_user_authentication", "error_description": error.title} | asked
    error.challenge = f"{scheme} " + ", ".join(f'{name}="{value}"' for name, value in told.items())
    raise error


class KeySource(Protocol):
    """Where the issuer's public keys come from."""

    async def __call__(self) -> dict[str, Any]: ...


class TokenVerifier:
    """Verifies access tokens for one audience. Keys are read at first need, then every minute or for an unknown `kid`.

    One read at a time, however many requests need it; what was verified by keys that have changed is verified anew.
    """

    def __init__(self, settings: ServiceSettings, keys: KeySource | None = None) -> None:
        self._issuer = settings.issuer
        self._audiences = tuple(filter(None, (settings.audience, settings.public_url)))
        self.resource = settings.public_url
        self.metadata = _metadata(settings)
        """RFC 9728 §2; empty where the service has no public address."""
        self._url = settings.jwks_url or f"{settings.issuer}/jwks"
        self._ca = settings.outbound_ca_file
        self._tls: ssl.SSLContext | None = None
        self._fetch = keys or self._fetch_keys
        self._keys: KeySet | None = None
        self._kids: frozenset[str] = frozenset()
        self._document: dict[str, Any] | None = None
        self._due_at = self._read_at = self._tried_at = float("-inf")
        self._away = False
        self._reading: asyncio.Task[None] | None = None
        self._seen: dict[str, Principal] = {}

    async def _fetch_keys(self) -> dict[str, Any]:
        if self._tls is None:
            # Once: to read the CA certificates takes longer than the call.
            self._tls = httpx.create_ssl_context(verify=self._ca or True)
        async with httpx.AsyncClient(timeout=5, verify=self._tls) as client:
            answer = await client.get(self._url)
            answer.raise_for_status()
            found: dict[str, Any] = answer.json()
            return found

    async def verify(self, token: str) -> Principal:
        """The caller that `token` names. Raises Unauthenticated, KeysAway."""
        if time.monotonic() >= self._due_at:
            await self._renew()
        known = self._seen.get(token)
        if known is None:
            known = await self._verify(token)
            if len(self._seen) >= CACHED_TOKENS:
                self._seen.clear()
            self._seen[token] = known
        if known.exp + LEEWAY_SECONDS < time.time():
            self._seen.pop(token, None)
            raise Unauthenticated("the access token has expired")
        return known

    async def _verify(self, token: str) -> Principal:
        try:
            kid = jwt_header(token).get("kid")
            keys = await self._keys_for(kid)
            decoded = jwt.decode(token, keys, algorithms=ALGORITHMS)
            claims = decoded.claims
            if decoded.header.get("typ", "").lower().removeprefix("application/") != "at+jwt":
                raise Unauthenticated("not an access token")
            now = int(time.time())
            if claims.get("iss") != self._issuer or claims.get("aud") not in self._audiences:
                raise Unauthenticated("the access token is for another service")
            if not isinstance(claims.get("iat"), int) or claims["iat"] > now + LEEWAY_SECONDS:
                raise Unauthenticated("the access token is from the future")
            return Principal.model_validate(claims)
        except (JoseError, ValidationError, ValueError, TypeError):
            raise Unauthenticated("the access token is not valid") from None

    async def _keys_for(self, kid: Any) -> KeySet:
        if kid not in self._kids and time.monotonic() - self._tried_at > REFETCH_SECONDS:
            await self._read()
        known = kid in self._kids
        if self._keys is None or (self._away and not known):
            raise KeysAway
        if not known:
            raise Unauthenticated("the access token is signed by an unknown key")
        return self._keys

    async def _renew(self) -> None:
        """Have the keys read again, and wait unless the issuer is known to be away: then old ones serve for a time."""
        kept = self._keys is not None and time.monotonic() - self._read_at < KEEP_SECONDS
        await self._read(wait=not (self._away and kept))

    async def _read(self, *, wait: bool = True) -> None:
        if self._reading is None or self._reading.done():
            self._reading = asyncio.create_task(self._refresh())
        if wait:
            # Others wait for the same read: one request that is given up must not end it.
            await asyncio.shield(self._reading)

    async def _refresh(self) -> None:
        try:
            document = await self._fetch()
            keys = self._keys if document == self._document else KeySet.import_key_set(document)  # type: ignore[arg-type]
        except Exception as error:  # whatever the issuer answered, it was no set of keys
            log.warning("auth.keys_away", cause=type(error).__name__)
            now = self._tried_at = time.monotonic()
            self._away, self._due_at = True, now + RETRY_SECONDS
            if now - self._read_at >= KEEP_SECONDS:
                self._take(None, None)
            return
        now = self._read_at = self._tried_at = time.monotonic()
        self._away, self._due_at = False, now + KEY_SECONDS
        if keys is not self._keys:
            self._take(document, keys)

    def _take(self, document: dict[str, Any] | None, keys: KeySet | None) -> None:
        self._document, self._keys = document, keys
        self._kids = frozenset(key.kid for key in keys.keys if key.kid) if keys is not None else frozenset()
        self._seen.clear()

    async def prove(self, request: Request, scheme: str, token: str, principal: Principal) -> None:
        """Hold a bound token to its key (RFC 9449 §7) and certificate (RFC 8705 §3). Raises Unauthenticated.

        No nonces here: they keep proofs from being made beforehand, which the identity service sees to for whoever
        gets tokens, and would cost each caller a request more. Replays are told by the database of the service.
        """
        bound = principal.cnf or Confirmation()
        if bound.certificate is not None and bound.certificate != thumbprint(request.scope):
            raise Unauthenticated("the access token is bound to another client certificate")
        if (bound.jkt is not None) != (scheme == "dpop"):
            raise Unauthenticated("a token that is bound to a key is sent as DPoP, and no other is")
        if bound.jkt is None:
            return
        proof = dpop.read(request.headers.getlist("dpop"))
        if proof is None or not self.resource:
            raise InvalidProof("a DPoP proof is missing" if proof is None else "this service takes no DPoP proofs")
        # The path as it came, still quoted; the address before it is ours to say, not the request's.
        path = request.scope["raw_path"].decode("ascii").partition("?")[0]
        wanted = dpop.Wanted(request.method, self.resource + path, time.time(), PROOF_SECONDS, token)
        for rule in dpop.RULES:
            if problem := rule(proof, wanted):
                raise InvalidProof(problem)
        if proof.jkt != bound.jkt:
            raise Unauthenticated("the access token is bound to another DPoP key")
        async with UnitOfWork(request.app.state.context) as work:
            if not await first_use(work, proof, wanted):
                raise InvalidProof("the DPoP proof was used before")


def challenge(resource: str, error: Unauthenticated, scheme: str = "") -> str | None:
    """WWW-Authenticate of the API at `resource` for `error` (RFC 9449 §7.1, RFC 9728 §5.1), by `scheme` or any.

    None where it has no public address: then the plain one says enough.
    """
    if not resource:
        return None
    code = "invalid_dpop_proof" if isinstance(error, InvalidProof) else "invalid_token"
    told = [f'error="{code}"'] if error.detail else []
    place = f'resource_metadata="{metadata_address(resource)}"'
    both = {
        "bearer": "Bearer " + ", ".join([*told, place]),
        "dpop": "DPoP " + ", ".join([*told, f'algs="{" ".join(dpop.ALGORITHMS)}"', place]),
    }
    return both.get(scheme) or ", ".join(both.values())


def metadata_address(resource: str) -> str:
    """Where the metadata of `resource` are (RFC 9728 §3.1): the well-known path goes before the resource's own."""
    parts = urlsplit(resource)
    return f"{parts.scheme}://{parts.netloc}/.well-known/oauth-protected-resource{parts.path}"


def _metadata(settings: ServiceSettings) -> dict[str, Any]:
    if not settings.public_url:
        return {}
    found: dict[str, Any] = {
        "resource": settings.public_url,
        "authorization_servers": [settings.issuer],
        "bearer_methods_supported": ["header"],
        "dpop_signing_alg_values_supported": list(dpop.ALGORITHMS),
    }
    if settings.client_certificate_header:
        found["tls_client_certificate_bound_access_tokens"] = True
    return found


def jwt_header(token: str) -> dict[str, Any]:
    """The unverified header of a JWT. Raises ValueError."""

    part = token.split(".", 1)[0]
    header = orjson.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    if not isinstance(header, dict):
        raise ValueError("no JWT")
    return header


async def caller(request: Request) -> Principal:
    """Dependency: any verified caller. Raises Unauthenticated."""
    verifier: TokenVerifier = request.app.state.verifier
    values, scheme = request.headers.getlist("authorization"), ""
    try:
        if not values:
            raise Unauthenticated
        scheme, _, token = values[0].partition(" ")
        scheme, token = scheme.lower(), token.strip()
        if len(values) > 1 or scheme not in ("bearer", "dpop") or not token or len(token) > 8192:
            raise Unauthenticated("send one Authorization header: Bearer or, for a bound token, DPoP")
        principal = await verifier.verify(token)
        if principal.cnf is not None or scheme == "dpop":
            await verifier.prove(request, scheme, token, principal)
    except Unauthenticated as error:
        error.challenge = challenge(verifier.resource, error, scheme)
        raise
    return principal


Caller = Annotated[Principal, Depends(caller)]


def citizen(principal: Caller) -> Principal:
    """Dependency: a signed-in citizen. Raises Forbidden."""
    if principal.realm != "citizen":
        raise Forbidden("this is for citizens")
    return principal


def officer(principal: Caller) -> Principal:
    """Dependency: a signed-in member of staff. Raises Forbidden."""
    if principal.realm != "staff":
        raise Forbidden("this is for staff")
    return principal


Citizen = Annotated[Principal, Depends(citizen)]
Officer = Annotated[Principal, Depends(officer)]
