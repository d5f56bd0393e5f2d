"""Live updates of a case (server-sent events, HTML Living Standard §9.2): for who may read it, while signed in."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import ExitStack

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from services.gateway.surfaces.base import Site, path_id

BEAT_SECONDS = 15
LIFE_BEATS = 120
"""A stream is closed after half an hour; the page opens a new one and reads the present state."""


class _Watched(StreamingResponse):
    """A stream that gives up its watch however it ends, also before its first byte."""

    def __init__(self, content: AsyncIterator[bytes], watch: ExitStack) -> None:
        headers = {"x-accel-buffering": "no", "cache-control": "no-store"}
        super().__init__(content, media_type="text/event-stream", headers=headers)
        self._watch = watch

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._watch:
            await super().__call__(scope, receive, send)


async def case_stream(request: Request) -> Response:
    """Versions of one case as they come. The service says whether the caller may see it (404 else).

    It is watched before it is read: what happens in between is told as well. Raises TooManyStreams.
    """
    site = Site.of(request)
    request.state.background = True
    session = await site.signed_in(request)
    case_id = path_id(request, "case_id")
    path = site.surface.extra.get("case_path", "/cases/{id}").format(id=case_id)
    with ExitStack() as watch:
        queue = watch.enter_context(site.hub.watching(case_id))
        case = await site.get(session, "cases", path, **site.surface.extra.get("case_parameters", {}))
        content = versions(site, queue, request.cookies.get(site.cookie, ""), int(case["version"]))
        return _Watched(content, watch.pop_all())


async def versions(site: Site, queue: asyncio.Queue[int], secret: str, version: int) -> AsyncIterator[bytes]:
    """The stream: the version now, then each later one; a beat keeps proxies and notices an ended session."""
    yield f"retry: 2000\nevent: version\ndata: {version}\n\n".encode()
    beats = 0
    async for news in site.hub.versions(queue, BEAT_SECONDS):
        if news is not None:
            yield f"event: version\ndata: {news}\n\n".encode()
            continue
        beats += 1
        if beats > LIFE_BEATS or await site.sessions.find(secret, used=False) is None:
            return
        yield b": beat\n\n"
