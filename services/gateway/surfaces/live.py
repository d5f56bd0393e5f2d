"""Live updates of a case (server-sent events, HTML Living Standard §9.2): for who may read it, while signed in."""

from collections.abc import AsyncIterator

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from services.gateway.domain.sessions import Session
from services.gateway.surfaces.base import Site, path_id

BEAT_SECONDS = 15
LIFE_BEATS = 120
"""A stream is closed after half an hour; the page opens a new one and reads the present state."""


async def case_stream(request: Request) -> Response:
    """Versions of one case as they come. The service says whether the caller may see it (404 else)."""
    site = Site.of(request)
    request.state.background = True
    session = await site.signed_in(request)
    case_id = path_id(request, "case_id")
    path = site.surface.extra.get("case_path", "/cases/{id}").format(id=case_id)
    case = await site.get(session, "cases", path, **site.surface.extra.get("case_parameters", {}))
    return StreamingResponse(
        versions(site, session, request.cookies.get(site.cookie, ""), case_id, int(case["version"])),
        media_type="text/event-stream",
        headers={"x-accel-buffering": "no", "cache-control": "no-store"},
    )


async def versions(site: Site, session: Session, secret: str, case_id: str, version: int) -> AsyncIterator[bytes]:
    """The stream: the version now, then each later one; a beat keeps proxies and notices an ended session."""
    with site.hub.watching(case_id) as queue:
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
