"""Who calls: access tokens verified locally by the issuer's keys (RFC 9068), and what the caller may do.

A token is for exactly one service (`aud`). Deny by default: a route asks for `Citizen`, `Officer` or `Caller`.
"""

import asyncio
import base64
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
REFETCH_SECONDS = 10
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
    """Verifies access tokens for one audience. Keys are fetched when first needed and again for an unknown `kid`."""

    def __init__(self, settings: ServiceSettings, keys: KeySource | None = None) -> None:
        self._issuer = settings.issuer
        self._audience = settings.audience
        self._url = settings.jwks_url or f"{settings.issuer}/jwks"
        self._ca = settings.outbound_ca_file
        self._fetch = keys or self._fetch_keys
        self._keys: KeySet | None = None
        self._kids: frozenset[str] = frozenset()
        self._fetched = 0.0
        self._lock = asyncio.Lock()
        self._seen: dict[str, Principal] = {}

    async def _fetch_keys(self) -> dict[str, Any]:
        async with httpx.AsyncClient(timeout=5, verify=self._ca or True) as client:
            answer = await client.get(self._url)
            answer.raise_for_status()
            found: dict[str, Any] = answer.json()
            return found

    async def verify(self, token: str) -> Principal:
        """The caller that `token` names. Raises Unauthenticated, KeysAway."""
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
        if self._keys is None or (kid not in self._kids and time.monotonic() - self._fetched > REFETCH_SECONDS):
            async with self._lock:
                if self._keys is None or kid not in self._kids:
                    await self._refresh()
        if self._keys is None or kid not in self._kids:
            raise Unauthenticated("the access token is signed by an unknown key")
        return self._keys

    async def _refresh(self) -> None:
        self._fetched = time.monotonic()
        try:
            found = KeySet.import_key_set(await self._fetch())  # type: ignore[arg-type]
        except (httpx.HTTPError, OSError, ValueError, JoseError) as error:
            log.warning("auth.keys_away", cause=type(error).__name__)
            if self._keys is None:
                raise KeysAway from None
            return
        self._keys = found
        self._kids = frozenset(key.kid for key in found.keys if key.kid)


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
