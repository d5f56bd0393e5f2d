"""Leaving the kiosk: by the key, or because nobody is there. The session ends here and at the provider.

A session that only runs out is kept by the provider, which would sign the next person in as the last. So a page goes
to /idle in time, and /idle to /wiped `REST` seconds before the end. A cookie whose session ran out all the same (a
crash, a cable) still signs it out at the provider, and until then a sign-in asks for the password (`signing.py`).
"""

from starlette.requests import Request
from starlette.responses import Response

from services.gateway.domain.sessions import Session, safe_next
from services.gateway.surfaces import signing
from services.gateway.surfaces.base import Site, see_other

REST = 4
"""Seconds kept to sign out in, after the warning."""


def stay_seconds(site: Site, session: Session) -> int:
    """How long a page stays without a touch before it asks whether somebody is there."""
    return max(1, int((session.ends_at - site.clock()).total_seconds()) - site.lives.warning)


def warned_seconds(site: Site) -> int:
    """How long it then asks."""
    return max(1, site.lives.warning - REST)


async def idle(request: Request) -> Response:
    """Ask whether somebody is there. Asking does not count as use; without an answer all is wiped."""
    request.state.background = True
    site = Site.of(request)
    session = await site.session(request)
    if session is None:
        return await signing.depart(request, site)
    left = int((session.ends_at - site.clock()).total_seconds()) - REST
    values = {
        "next": safe_next(request.query_params.get("next", "/")),
        "seconds": max(1, min(left, warned_seconds(site))),
    }
    return await site.pages.render(
        request, "kiosk/idle.html", values, headers={"refresh": f"{values['seconds']}; url=/wiped"}
    )


async def wiped(request: Request) -> Response:
    """The time is up. Ends only what is about to end: a link from elsewhere cannot throw anybody out."""
    request.state.background = True
    site = Site.of(request)
    session = await site.session(request)
    if session is not None and (session.ends_at - site.clock()).total_seconds() > 2 * REST:
        return see_other("/")
    return await signing.depart(request, site)


async def ask_end(request: Request) -> Response:
    """Ask before all is ended: what is typed and not saved goes with it."""
    site = Site.of(request)
    if await site.session(request) is None:
        return see_other("/")
    return await site.pages.render(request, "kiosk/end.html", {})
