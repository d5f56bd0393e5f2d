"""The relying party's side of OpenID Connect: what the gateway asks of the identity service and how it checks answers.

Every surface is a client of its own (private_key_jwt, RFC 7523); the gateway itself is one more, for what it reads
when nobody is signed in.
"""

import asyncio
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import httpx
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeySet

from services.gateway.domain.sessions import AccessToken
from services.gateway.domain.transactions import Transaction
from services.gateway.errors import LogoutTokenRefused, ProviderAway, SessionEnded, SignInFailed
from services.kit.clock import utc_now
from services.kit.ids import new_id
from services.kit.telemetry import log, traceparent

LEEWAY_SECONDS = 10
ALGORITHMS = ["RS256", "ES256"]
LOGOUT_EVENT = "http://schemas.openid.net/event/backchannel-logout"
KEYS_SECONDS = 60
"""Keys are read anew when they are this old: one that the provider retired (a stolen one) must not live on here."""
_REFETCH_SECONDS = 10


@dataclass(frozen=True, slots=True)
class Granted:
    """A token endpoint's answer (RFC 6749 §5.1)."""

    access: AccessToken
    refresh_token: str | None
    id_token: str | None


@dataclass(frozen=True, slots=True)
class Identity:
    """Who signed in, as a verified ID token says."""

    subject: str
    name: str
    sid: str


@dataclass(frozen=True, slots=True)
class LogoutOrder:
    """A verified logout token: whose sessions end."""

    token_id: str
    sid: str | None
    subject: str | None
    expires_at: datetime


class Provider:
    """The provider, for every client of this process: its addresses and its keys, read when first needed."""

    def __init__(self, issuer: str, http: httpx.AsyncClient, clock: Callable[[], datetime] = utc_now) -> None:
        self.issuer = issuer
        self.clock = clock
        self.http = http
        self._metadata: Mapping[str, Any] | None = None
        self._keys: KeySet | None = None
        self._fetched = 0.0
        self._lock = asyncio.Lock()

    async def endpoint(self, name: str) -> str:
        """An address from the discovery document (OpenID Connect Discovery §4). Raises ProviderAway."""
        if self._metadata is None:
            async with self._lock:
                if self._metadata is None:
                    found = await self._read(f"{self.issuer}/.well-known/openid-configuration")
                    if found.get("issuer") != self.issuer:
                        raise ProviderAway("the discovery document names another issuer")
                    self._metadata = found
        return str(self._metadata[name])

    async def verified(self, token: str, kind: str | None = None) -> Mapping[str, Any]:
        """The claims of a token that the provider signed. Raises ValueError, JoseError, ProviderAway."""
        keys = await self._signing_keys()
        try:
            decoded = jwt.decode(token, keys, algorithms=ALGORITHMS)
        except (JoseError, ValueError):
            # A key that was published since: read the keys again, at most every few seconds, and try once more.
            if time.monotonic() - self._fetched < _REFETCH_SECONDS:
                raise
            decoded = jwt.decode(token, await self._signing_keys(again=True), algorithms=ALGORITHMS)
        typ = str(decoded.header.get("typ", "")).lower().removeprefix("application/")
        if kind is not None and typ != kind:
            raise ValueError(f"not a {kind}")
        if kind is None and typ in ("at+jwt", "logout+jwt"):
            raise ValueError("not an ID token")
        return decoded.claims

    async def _signing_keys(self, *, again: bool = False) -> KeySet:
        if self._keys is None or again or time.monotonic() - self._fetched >= KEYS_SECONDS:
            self._fetched = time.monotonic()
            try:
                found = await self._read(await self.endpoint("jwks_uri"))
                self._keys = KeySet.import_key_set(found)  # type: ignore[arg-type]
            except (ProviderAway, JoseError, ValueError):
                if self._keys is None or again:
                    raise
        return self._keys

    async def _read(self, address: str) -> dict[str, Any]:
        try:
            answer = await self.http.get(address)
            answer.raise_for_status()
            found: dict[str, Any] = answer.json()
        except (httpx.HTTPError, ValueError) as error:
            log.warning("provider.away", cause=type(error).__name__)
            raise ProviderAway("its metadata cannot be read") from None
        return found


class Client:
    """One OAuth client of ours."""

    def __init__(self, provider: Provider, client_id: str, private_jwk: str, origin: str = "") -> None:
        self.provider = provider
        self.client_id = client_id
        self.origin = origin
        self._key = ECKey.import_key(json.loads(private_jwk))

    @property
    def redirect_uri(self) -> str:
        return f"{self.origin}/signin/callback"

    async def sign_in_address(
        self, transaction: Transaction, resources: Sequence[str], *, language: str, prompt: str = "", max_age: str = ""
    ) -> str:
        """Where to send the browser to sign in (OpenID Connect Core §3.1.2.1, RFC 8707 §2.1)."""
        parameters = [
            ("response_type", "code"),
            ("client_id", self.client_id),
            ("redirect_uri", self.redirect_uri),
            ("scope", "openid profile"),
            ("state", transaction.state),
            ("nonce", transaction.nonce),
            ("code_challenge", transaction.challenge),
            ("code_challenge_method", "S256"),
            ("ui_locales", language),
            *(("resource", resource) for resource in resources),
        ]
        parameters += [(name, value) for name, value in (("prompt", prompt), ("max_age", max_age)) if value]
        return f"{await self.provider.endpoint('authorization_endpoint')}?{urlencode(parameters)}"

    async def redeem(self, code: str, transaction: Transaction, resource: str) -> tuple[Granted, Identity]:
        """Exchange the code and verify the ID token (OpenID Connect Core §3.1.3). Raises SignInFailed."""
        granted = await self._grant(
            {
                "grant_type": "authorization_code",
                "code": code,
                "redirect_uri": self.redirect_uri,
                "code_verifier": transaction.verifier,
                "resource": resource,
            },
            SignInFailed,
        )
        if not granted.id_token or not granted.refresh_token:
            raise SignInFailed("the provider gave no ID token or no refresh token")
        try:
            claims = await self.provider.verified(granted.id_token)
        except (JoseError, ValueError, TypeError):
            raise SignInFailed("the ID token is not valid") from None
        self._check_id_token(claims, transaction.nonce)
        return granted, Identity(str(claims["sub"]), str(claims.get("name") or ""), str(claims.get("sid") or ""))

    async def refresh(self, refresh_token: str, resource: str) -> Granted:
        """An access token for `resource` (RFC 6749 §6, RFC 8707 §2.2). Raises SessionEnded, ProviderAway."""
        parameters = {"grant_type": "refresh_token", "refresh_token": refresh_token, "resource": resource}
        return await self._grant(parameters, SessionEnded)

    async def own_token(self, resource: str) -> AccessToken:
        """A token for this client itself (RFC 6749 §4.4). Raises ProviderAway."""
        granted = await self._grant({"grant_type": "client_credentials", "resource": resource}, ProviderAway)
        return granted.access

    async def sign_out_address(self, id_token: str, state: str) -> str:
        """Where to send the browser to end the provider's session (OpenID Connect RP-Initiated Logout §2)."""
        parameters = {
            "id_token_hint": id_token,
            "client_id": self.client_id,
            "post_logout_redirect_uri": f"{self.origin}/signout/done",
            "state": state,
        }
        return f"{await self.provider.endpoint('end_session_endpoint')}?{urlencode(parameters)}"

    async def logout_order(self, token: str) -> LogoutOrder:
        """A logout token, verified (OpenID Connect Back-Channel Logout §2.6). Raises LogoutTokenRefused."""
        try:
            claims = await self.provider.verified(token, "logout+jwt")
            now = time.time()
            audience = claims.get("aud")
            audiences = audience if isinstance(audience, list) else [audience]
            if claims.get("iss") != self.provider.issuer or self.client_id not in audiences:
                raise LogoutTokenRefused("for another issuer or audience")
            expires = int(claims["exp"])
            if expires < now - LEEWAY_SECONDS or int(claims["iat"]) > now + LEEWAY_SECONDS:
                raise LogoutTokenRefused("expired or from the future")
            if not isinstance(claims.get("events", {}).get(LOGOUT_EVENT), dict) or "nonce" in claims:
                raise LogoutTokenRefused("no logout event")
            sid, subject = claims.get("sid"), claims.get("sub")
            if not sid and not subject:
                raise LogoutTokenRefused("neither sid nor sub")
            token_id = str(claims["jti"])[:255]
        except (JoseError, ValueError, TypeError, KeyError, AttributeError):
            raise LogoutTokenRefused("malformed") from None
        ends = self.provider.clock() + timedelta(seconds=max(0, expires - now) + LEEWAY_SECONDS)
        return LogoutOrder(token_id, str(sid) if sid else None, str(subject) if subject else None, ends)

    def _check_id_token(self, claims: Mapping[str, Any], nonce: str) -> None:
        now = time.time()
        audience = claims.get("aud")
        audiences = audience if isinstance(audience, list) else [audience]
        expires, issued = claims.get("exp"), claims.get("iat")
        if (
            claims.get("iss") != self.provider.issuer
            or self.client_id not in audiences
            or (len(audiences) > 1 and claims.get("azp") != self.client_id)
            or claims.get("nonce") != nonce
            or not isinstance(expires, int)
            or not isinstance(issued, int)
            or expires < now - LEEWAY_SECONDS
            or issued > now + LEEWAY_SECONDS
            or not claims.get("sub")
        ):
            raise SignInFailed("the ID token is not for this sign-in")

    async def _grant(
        self, parameters: Mapping[str, str], refused: type[SignInFailed | SessionEnded | ProviderAway]
    ) -> Granted:
        form = {
            **parameters,
            "client_id": self.client_id,
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            "client_assertion": self._assertion(),
        }
        address = await self.provider.endpoint("token_endpoint")
        try:
            answer = await self.provider.http.post(address, data=form, headers={"traceparent": traceparent()})
            body = answer.json()
        except (httpx.HTTPError, ValueError) as error:
            log.warning("provider.away", cause=type(error).__name__)
            raise ProviderAway("the token endpoint did not answer") from None
        if answer.status_code != 200:
            code = str(body.get("error", ""))[:60]
            log.warning("provider.refused", client=self.client_id, error=code, status=answer.status_code)
            if answer.status_code >= 500 or code in ("invalid_client", "temporarily_unavailable"):
                raise ProviderAway(f"the token endpoint answered {answer.status_code}")
            raise refused(f"the provider answered {code}")
        expires = self.provider.clock() + timedelta(seconds=int(body.get("expires_in", 60)))
        access = AccessToken(str(body["access_token"]), expires)
        return Granted(access, body.get("refresh_token"), body.get("id_token"))

    def _assertion(self) -> str:
        now = int(time.time())
        claims = {
            "iss": self.client_id,
            "sub": self.client_id,
            "aud": self.provider.issuer,
            "iat": now,
            "exp": now + 60,
            "jti": new_id(),
        }
        header = {"alg": "ES256", "typ": "JWT", "kid": self._key.kid or self._key.thumbprint()}
        return jwt.encode(header, claims, self._key, algorithms=["ES256"])
