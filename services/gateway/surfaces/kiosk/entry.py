"""Every door of the kiosk: tries a silent sign-in first, and sees that what it shows does not stay."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from services.gateway.errors import SignInNeeded
from services.gateway.surfaces import signing
from services.gateway.surfaces.base import Site, see_other
from services.kit.pages.headers import content_policy

View = Callable[[Request], Awaitable[Response]]
TOUCH = timedelta(seconds=3)
"""How often use is written: finer than elsewhere, for a session of a minute."""


def guarded(view: View) -> View:
    """`view` for the kiosk.

    Who is signed in at the portal in the same browser goes on without a password (prompt=none, OpenID Connect Core
    §3.1.2.1); else the sign-in page comes. Where a session is gone and its cookie is not, `signing.begin` has the
    password asked whatever is tried here.
    """

    async def answer(request: Request) -> Response:
        site = Site.of(request)
        session = await site.session(request)
        if session is not None and site.clock() - session.seen_at > TOUCH:
            request.state.session = await site.sessions.extend(session)
        try:
            return await view(request)
        except SignInNeeded:
            if request.method != "GET" or "hx-request" in request.headers:
                raise
            if signing.silent_cookie(site) in request.cookies:
                raise
            return see_other(f"/signin?{urlencode({'next': _address(request), 'silent': '1'})}")

    return answer


def framed(view: View) -> View:
    """The same for a file: shown inside a page of ours, which has the way back, watches the time and wipes."""

    async def answer(request: Request) -> Response:
        site = Site.of(request)
        if request.query_params.get("frame") != "1":
            await site.signed_in(request)
            path = request.scope["path"]
            values = {"source": f"{path}?frame=1", "back": path.rpartition("/")[0].removesuffix("/materials")}
            policy = f"{content_policy((site.issuer,))}; frame-src 'self'"
            return await site.pages.render(
                request, "kiosk/paper.html", values, headers={"content-security-policy": policy}
            )
        response = await view(request)
        policy = response.headers.get("content-security-policy", "")
        response.headers["content-security-policy"] = policy.replace("frame-ancestors 'none'", "frame-ancestors 'self'")
        response.headers["x-frame-options"] = "SAMEORIGIN"
        return response

    return guarded(answer)


def _address(request: Request) -> str:
    query = request.scope["query_string"].decode("latin-1")
    return str(request.scope["path"]) + (f"?{query}" if query else "")
