"""Who calls: access tokens verified locally by the issuer's keys (RFC 9068), and what the caller may do.

A token is for exactly one service (`aud`). Deny by default: a route asks for `Citizen`, `Officer` or `Caller`.
"""

import asyncio
import base64
import ssl
import time
from typing import Annotated, Any, Literal, Protocol

import httpx
import orjson
from fastapi import Depends, Request
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from pydantic import BaseModel, ConfigDict, ValidationError

from services.kit.errors import Forbidden, Kind, TongbanError, Unauthenticated
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


class KeysAway(TongbanError):
    kind, slug, title = Kind.UNAVAILABLE, "keys-away", "The issuer's keys cannot be read just now"


class Grant(BaseModel):
    """A staff role at an organisation, "*" for every one."""

    model_config = ConfigDict(frozen=True)

    org: str
    role: str


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
    jti: str
    exp: int

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


class KeySource(Protocol):
    """Where the issuer's public keys come from."""

    async def __call__(self) -> dict[str, Any]: ...


class TokenVerifier:
    """Verifies access tokens for one audience. Keys are read at first need, then every minute or for an unknown `kid`.

    One read at a time, however many requests need it; what was verified by keys that have changed is verified anew.
    """

    def __init__(self, settings: ServiceSettings, keys: KeySource | None = None) -> None:
        self._issuer = settings.issuer
        self._audience = settings.audience
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
            if claims.get("iss") != self._issuer or claims.get("aud") != self._audience:
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


def jwt_header(token: str) -> dict[str, Any]:
    """The unverified header of a JWT. Raises ValueError."""

    part = token.split(".", 1)[0]
    header = orjson.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    if not isinstance(header, dict):
        raise ValueError("no JWT")
    return header


async def caller(request: Request) -> Principal:
    """Dependency: any verified caller. Raises Unauthenticated."""
    values = request.headers.getlist("authorization")
    if not values:
        raise Unauthenticated
    scheme, _, token = values[0].partition(" ")
    if len(values) > 1 or scheme.lower() != "bearer" or not token or len(token) > 8192:
        raise Unauthenticated("send one Authorization: Bearer header")
    verifier: TokenVerifier = request.app.state.verifier
    return await verifier.verify(token.strip())


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
