"""The citizen's inbox: every notice kept, read or not."""

from starlette.requests import Request
from starlette.responses import Response

from services.gateway.surfaces.base import Site, path_id


async def listing(request: Request) -> Response:
    """Messages, newest first."""
    site = Site.of(request)
    session = await site.signed_in(request)
    cursor = request.query_params.get("cursor", "")[:500]
    listed = await site.get(session, "notify", "/messages", limit=20, cursor=cursor)
    values = {"messages": listed["items"], "next": listed["next"], "continued": bool(cursor)}
    return await site.pages.render(request, "portal/inbox.html", values)


async def message(request: Request) -> Response:
    """One message; opening it marks it read."""
    site = Site.of(request)
    session = await site.signed_in(request)
    message_id = path_id(request, "message_id")
    found = await site.get(session, "notify", f"/messages/{message_id}")
    if not found.get("read_at"):
        await site.call(session, "notify", "POST", f"/messages/{message_id}/read")
    return await site.pages.render(request, "portal/message.html", {"message": found})
