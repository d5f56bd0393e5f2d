"""The world around the gateway: an OpenID provider with real keys and signatures, and services that answer as told."""

import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

ISSUER = "https://identity.test"
PORTAL = "https://portal.test"
LOGOUT_EVENT = "http://schemas.openid.net/event/backchannel-logout"
SUBJECT = "0" * 31 + "1"


_KEY = RSAKey.generate_key(2048, parameters={"kid": "one", "use": "sig"})


class Provider:
    """Discovery, keys and the token endpoint. What it hands out can be spoilt by a test."""

    def __init__(self) -> None:
        self.key = _KEY
        self.codes: dict[str, dict[str, Any]] = {}
        self.refresh_tokens: set[str] = set()
        self.token_calls: list[dict[str, str]] = []
        self.spoil: Callable[[dict[str, Any]], dict[str, Any]] = lambda claims: claims
        self.refuse = ""
        self.away = False
        self.sid = "sid-1"
        self.delay: Callable[[], Any] | None = None

    async def answer(self, request: httpx.Request) -> httpx.Response:
        if self.away:
            raise httpx.ConnectError("away")
        if request.url.path == "/.well-known/openid-configuration":
            return httpx.Response(
                200,
                json={
                    "issuer": ISSUER,
                    "authorization_endpoint": f"{ISSUER}/authorize",
                    "token_endpoint": f"{ISSUER}/token",
                    "end_session_endpoint": f"{ISSUER}/logout",
                    "jwks_uri": f"{ISSUER}/jwks",
                },
            )
        if request.url.path == "/jwks":
            return httpx.Response(200, json={"keys": [self.key.as_dict(private=False)]})
        assert request.url.path == "/token"
        form = {name: values[0] for name, values in parse_qs(request.content.decode()).items()}
        self.token_calls.append(form)
        if self.delay is not None:
            await self.delay()
        if self.refuse:
            return httpx.Response(400, json={"error": self.refuse})
        return self._token(form)

    def _token(self, form: dict[str, str]) -> httpx.Response:
        answer: dict[str, Any] = {"token_type": "Bearer", "expires_in": 300}
        if form["grant_type"] == "client_credentials":
            return httpx.Response(200, json=answer | {"access_token": f"own-{form['resource']}"})
        if form["grant_type"] == "authorization_code":
            asked = self.codes.pop(form["code"])
            answer["id_token"] = self.id_token(asked["nonce"], asked["client_id"])
        elif form["refresh_token"] not in self.refresh_tokens:
            return httpx.Response(400, json={"error": "invalid_grant"})
        else:
            self.refresh_tokens.remove(form["refresh_token"])
        number = len(self.token_calls)
        self.refresh_tokens.add(f"refresh-{number}")
        answer |= {"access_token": f"access-{number}-{form['resource']}", "refresh_token": f"refresh-{number}"}
        return httpx.Response(200, json=answer)

    def code_for(self, location: str) -> tuple[str, dict[str, str]]:
        """A code for the authorization request in `location`, and the request's parameters."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}
        code = f"code-{len(self.codes)}-{time.time_ns()}"
        self.codes[code] = asked
        return code, asked

    def id_token(self, nonce: str, client_id: str) -> str:
        now = int(time.time())
        claims = {
            "iss": ISSUER,
            "aud": client_id,
            "sub": SUBJECT,
            "iat": now,
            "exp": now + 300,
            "nonce": nonce,
            "sid": self.sid,
            "name": "林晓梅",
        }
        return self.signed(self.spoil(claims))

    def logout_token(self, **changed: Any) -> str:
        now = int(time.time())
        claims: dict[str, Any] = {
            "iss": ISSUER,
            "aud": "portal",
            "iat": now,
            "exp": now + 120,
            "jti": f"jti-{time.time_ns()}",
            "sid": self.sid,
            "sub": SUBJECT,
            "events": {LOGOUT_EVENT: {}},
        }
        kept = {name: value for name, value in (claims | changed).items() if value is not None and name != "typ"}
        return self.signed(kept, typ=changed.get("typ", "logout+jwt"))

    def signed(self, claims: dict[str, Any], typ: str = "JWT") -> str:
        return jwt.encode({"alg": "RS256", "kid": "one", "typ": typ}, claims, self.key, algorithms=["RS256"])


@dataclass
class Call:
    """One call that a service got."""

    service: str
    method: str
    path: str
    headers: httpx.Headers
    body: bytes
    query: str
    patience: float
    """Seconds that the gateway waits for the answer."""

    @property
    def json(self) -> Any:
        return json.loads(self.body)


Handler = Callable[[Call], httpx.Response | dict[str, Any] | list[Any]]


@dataclass
class Services:
    """catalog, cases and notify: routes by service, method and a pattern of the path; everything else is a 404."""

    routes: list[tuple[str, str, re.Pattern[str], Handler]] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    away: set[str] = field(default_factory=set)

    def on(self, service: str, method: str, path: str, answer: Handler | dict[str, Any] | httpx.Response) -> None:
        """Answer so from now on; the latest rule that fits is taken."""
        handler: Handler = answer if callable(answer) else lambda _: answer
        self.routes.insert(0, (service, method, re.compile(path), handler))

    async def answer(self, request: httpx.Request) -> httpx.Response:
        service = request.url.host.partition(".")[0]
        if service in self.away:
            raise httpx.ConnectError("away")
        body = b"".join([part async for part in request.stream])  # type: ignore[union-attr]
        query, patience = request.url.query.decode(), request.extensions["timeout"]["read"]
        call = Call(service, request.method, request.url.path, request.headers, body, query, patience)
        self.calls.append(call)
        for name, method, pattern, handler in self.routes:
            if name == service and method == request.method and pattern.fullmatch(request.url.path):
                found = handler(call)
                return found if isinstance(found, httpx.Response) else httpx.Response(200, json=found)
        return problem(404, "not-found")

    def made(self, service: str, method: str, path: str) -> list[Call]:
        """The calls of this kind so far."""
        pattern = re.compile(path)
        return [c for c in self.calls if (c.service, c.method) == (service, method) and pattern.fullmatch(c.path)]


def problem(status: int, slug: str, **members: Any) -> httpx.Response:
    """Problem details as the services send them."""
    body = {"type": f"urn:tongban:problem:{slug}", "title": slug, "status": status} | members
    return httpx.Response(status, json=body, headers={"content-type": "application/problem+json"})


class World(httpx.AsyncBaseTransport):
    """Provider and services as one transport: the gateway's network."""

    def __init__(self) -> None:
        self.provider = Provider()
        self.services = Services()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.host == "identity.test":
            await request.aread()
            return await self.provider.answer(request)
        return await self.services.answer(request)


def client_key() -> str:
    """A private client key as the settings hold it."""
    return json.dumps(ECKey.generate_key("P-256", auto_kid=True).as_dict(private=True))
