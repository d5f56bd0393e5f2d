"""Files passed on from a service to a browser, as they stream."""

from collections.abc import AsyncIterator, Mapping
from typing import Any

import httpx
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from services.gateway.domain.sessions import Session
from services.gateway.surfaces.base import Site

KEPT = ("content-type", "content-length", "content-disposition", "content-security-policy", "repr-digest", "etag")


async def pass_on(
    site: Site, session: Session, path: str, params: Mapping[str, Any] | None = None, *, request: Request | None = None
) -> Response:
    """A file of the case service. Its own policy stands: nothing in an uploaded file may run."""
    client = site.services["cases"]
    token = await site.sessions.access_token(session, client.audience)
    answer = await client.stream(path, token, params)
    headers = {name: answer.headers[name] for name in KEPT if name in answer.headers}
    headers.setdefault("content-security-policy", "default-src 'none'; sandbox")
    if request is not None and request.query_params.get("download") == "1":
        headers["content-disposition"] = headers.get("content-disposition", "").replace("inline", "attachment", 1)
    return StreamingResponse(_bytes(answer), headers=headers, background=BackgroundTask(answer.aclose))


async def _bytes(answer: httpx.Response) -> AsyncIterator[bytes]:
    async for part in answer.aiter_bytes():
        yield part
