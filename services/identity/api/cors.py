"""Cross-origin requests of scripts (Fetch standard, CORS protocol; RFC 9700 §2.6): for origins that a client has
registered, at the endpoints that scripts call, and never with cookies. The pages are for nobody's scripts.

Not Starlette's CORSMiddleware: its list of origins is fixed at the start, and it sends CORS headers to others too.
"""

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.identity.handlers.provider import Provider
from services.kit.telemetry import cause_of, log

PATHS = frozenset(
    {
        "/.well-known/openid-configuration",
        "/.well-known/oauth-authorization-server",
        "/jwks",
        "/token",
        "/par",
        "/revoke",
        "/userinfo",
    }
)
_PREFLIGHT = {
    "Access-Control-Allow-Methods": "GET, POST",
    "Access-Control-Allow-Headers": "authorization, content-type, dpop",
    "Access-Control-Max-Age": "600",
}


class Cors:
    """ASGI middleware, the outermost, so that errors can be read as well."""

    def __init__(self, app: ASGIApp, provider: Provider) -> None:
        self.app = app
        self._provider = provider

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] not in PATHS:
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        origin = headers.get("origin")
        allowed = origin if origin is not None and await self._allows(origin) else None

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                told = MutableHeaders(scope=message)
                # Also where no origin is told: a cache must not give that answer to a script.
                told.add_vary_header("Origin")
                if allowed is not None:
                    told["Access-Control-Allow-Origin"] = allowed
                    told["Access-Control-Expose-Headers"] = "WWW-Authenticate, DPoP-Nonce"
            await send(message)

        if scope["method"] == "OPTIONS" and "access-control-request-method" in headers:
            preflight = Response(status_code=204, headers=_PREFLIGHT if allowed is not None else None)
            await preflight(scope, receive, answer)
            return
        await self.app(scope, receive, answer)

    async def _allows(self, origin: str) -> bool:
        try:
            return origin in await self._provider.origins()
        except Exception as error:
            # The database is away: what lies within answers that in its own way.
            log.warning("cors.origins_unknown", cause=cause_of(error))
            return False
