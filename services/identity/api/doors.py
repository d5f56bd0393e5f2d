"""The doors that a country's load goes through, without FastAPI's layers and the pages' around them.

The endpoints are the routers' own, which document them. Around each stand CORS, security headers and the kit's edge, as
around every other. What is left out (routing, FastAPI's dependencies and telemetry, languages of pages) does nothing
for them and costs more than they do: discovery took 0.23 ms of CPU with it (docs/measurements.md).
"""

from collections.abc import Awaitable, Callable
from types import SimpleNamespace

from fastapi import FastAPI, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from services.identity.api import back_channel, metadata
from services.identity.api.cors import Cors
from services.identity.handlers.provider import Provider
from services.kit.http import Edge
from services.kit.pages import Pages

Endpoint = Callable[[Request], Awaitable[Response]]
HOT: dict[tuple[str, str], Endpoint] = {
    ("POST", "/token"): back_channel.token,
    ("POST", "/introspect"): back_channel.introspect,
    ("GET", "/userinfo"): back_channel.userinfo,
    ("GET", "/jwks"): metadata.jwks,
    ("GET", "/.well-known/openid-configuration"): metadata.openid_configuration,
}


class Doors:
    """ASGI: a hot door answers at once, all else goes to the whole application."""

    def __init__(self, whole: ASGIApp, around: Callable[[ASGIApp], ASGIApp]) -> None:
        self._whole = whole
        self._hot = {(method, path): around(_door(path, endpoint)) for (method, path), endpoint in HOT.items()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        hot = self._hot.get((scope.get("method", ""), scope.get("path", "")))
        await (hot or self._whole)(scope, receive, send)


def _door(path: str, endpoint: Endpoint) -> ASGIApp:
    route = SimpleNamespace(path=path)  # what metrics and logs call it

    async def door(scope: Scope, receive: Receive, send: Send) -> None:
        scope["route"] = route
        response = await endpoint(Request(scope, receive))
        await response(scope, receive, send)

    return door


def install_doors(app: FastAPI, provider: Provider, pages: Pages) -> None:
    """Put the doors before the application as it is now: middleware must have been added before."""
    headers = pages.middleware()[0]
    service = provider.context.service

    def around(door: ASGIApp) -> ASGIApp:
        return Cors(headers.cls(Edge(door, service), *headers.args, **headers.kwargs), provider)

    app.middleware_stack = Doors(app.build_middleware_stack(), around)
