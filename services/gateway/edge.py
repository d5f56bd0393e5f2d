"""The outermost layer: which surface answers, how much one address may ask, what the API edge takes.

A surface is chosen by its configured public origin (the Host header); any other name is refused (RFC 9110 §15.5.20).
"""

from collections.abc import Mapping
from urllib.parse import urlsplit

from limits import RateLimitItem, parse
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import MovingWindowRateLimiter
from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from services.gateway.settings import GatewaySettings
from services.kit.errors import Malformed, TooMany
from services.kit.http import WELL_KNOWN, problem_response

Address = tuple[str, int]
UNCOUNTED = "/signin/backchannel-logout"
"""All its requests come from the provider's own address, and each is signed: a limit would leave sessions open."""


def host_of(origin: str) -> Address:
    """Host and port of an origin."""
    parts = urlsplit(origin)
    return (parts.hostname or "").lower(), parts.port or (443 if parts.scheme == "https" else 80)


def asked_host(header: str, secure: bool) -> Address:
    """Host and port of a Host header (RFC 9110 §7.2). Raises Malformed."""
    try:
        parts = urlsplit(f"//{header}")
        return (parts.hostname or "").lower(), parts.port or (443 if secure else 80)
    except ValueError:
        raise Malformed("the Host header is malformed") from None


class Rates:
    """Requests that one address may send, by kind. Counted in each process: a first line, not an account of traffic."""

    def __init__(self, settings: GatewaySettings) -> None:
        self._limiter = MovingWindowRateLimiter(MemoryStorage())
        self._rates: Mapping[str, RateLimitItem] = {
            "page": parse(settings.page_rate),
            "post": parse(settings.post_rate),
            "api": parse(settings.api_rate),
            "session": parse(settings.session_rate),
        }

    async def take(self, kind: str, address: str) -> None:
        """Count one request. Raises TooMany."""
        rate = self._rates[kind]
        if not await self._limiter.hit(rate, kind, address):
            raise TooMany("too many requests from this address", retry_after=int(rate.get_expiry()))


class Dispatch:
    """Hands a request to the application of its surface. `secure`: the origins that people reach by TLS."""

    def __init__(self, surfaces: Mapping[str, ASGIApp], api: Mapping[str, ASGIApp], rates: Rates) -> None:
        """`surfaces` by origin; `api` by the origin under which /api is served."""
        self._surfaces = {host_of(origin): app for origin, app in surfaces.items()}
        self._secure = any(origin.startswith("https:") for origin in surfaces)
        self._api = {host_of(origin): app for origin, app in api.items()}
        self._rates = rates

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        try:
            host = asked_host(Headers(scope=scope).get("host", ""), self._secure)
        except Malformed as error:
            await problem_response(error)(scope, receive, send)
            return
        app = self._surfaces.get(host)
        if app is None:
            await PlainTextResponse("no such site here\n", 421)(scope, receive, send)
            return
        path = scope["path"]
        kind = "page"
        if host in self._api and path.startswith(("/api/", f"{WELL_KNOWN}/api/")) and path != "/api/":
            app, kind = self._api[host], "api"
        elif path == "/session":
            # Open pages ask by themselves, and what people type must not run out of its allowance by it.
            kind = "session"
        elif scope["method"] not in ("GET", "HEAD"):
            kind = "post"
        # Limits are shown as pages too: the surface's own application raises what this finds.
        client = scope.get("client")
        try:
            if not path.startswith("/assets/") and path != UNCOUNTED:
                await self._rates.take(kind, client[0] if client else "")
        except TooMany as error:
            scope.setdefault("state", {})["refused"] = error
        await app(scope, receive, send)


class Refusals:
    """Raises what the edge found, inside a surface's application, so that it is answered in that surface's style."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if refused := scope.get("state", {}).get("refused"):
            raise refused
        await self.app(scope, receive, send)
