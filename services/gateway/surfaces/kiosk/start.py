"""The kiosk's own pages: the start with its keys, and the drafts to go on with."""

from starlette.requests import Request
from starlette.responses import Response

from services.gateway.surfaces.base import Site


async def home(request: Request) -> Response:
    """The keys. Nothing on it is anybody's but the name of who is signed in."""
    site = Site.of(request)
    session = await site.session(request)
    return await site.pages.render(request, "kiosk/home.html", {"person": session.name if session else ""})


async def drafts(request: Request) -> Response:
    """What was begun elsewhere or here and not handed in yet."""
    site = Site.of(request)
    session = await site.signed_in(request)
    found = await site.get(session, "cases", "/drafts", limit=50)
    return await site.pages.render(request, "kiosk/drafts.html", {"drafts": found["items"]})
