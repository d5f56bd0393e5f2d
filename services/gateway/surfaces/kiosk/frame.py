"""What surrounds the kiosk's pages: a bar at the foot, and where a page without scripts goes when nobody is there."""

from urllib.parse import urlencode

from starlette.requests import Request

from services.gateway.surfaces.base import Site
from services.gateway.surfaces.kiosk.leaving import stay_seconds
from services.kit.errors import TongbanError
from services.kit.pages import Frame, Link, preferences_of_scope
from services.kit.pages import gettext as _

OWN_REFRESH = ("/", "/idle", "/signout/done")
"""Pages that stay, or that say themselves where they go."""


async def frame(site: Site, request: Request) -> Frame:
    """The bar with the way to the start and the end. Never fails a page."""
    try:
        session = await site.session(request)
    except TongbanError:
        # The page may be the one that says that something is away.
        session = None
    path = request.scope["path"]
    menu = [Link(_("首页"), "/", "", current=path == "/")]
    if session is not None:
        menu.append(Link(_("结束并清除"), "/end", "", current=path == "/end"))
    idle_refresh = ""
    if session is not None and path not in OWN_REFRESH[1:]:
        back = preferences_of_scope(request.scope).address if request.method == "GET" else "/"
        idle_refresh = f"{stay_seconds(site, session)}; url=/idle?{urlencode({'next': back})}"
    elif path not in OWN_REFRESH:
        # Words that somebody searched for are theirs as well.
        idle_refresh = f"{site.lives.idle}; url=/"
    return Frame(
        brand=_("自助机"),
        place=_("自助机"),
        menu=menu,
        menu_label=_("自助机"),
        root_class="kiosk",
        elder=False,
        extra={"session": session, "lives": site.lives, "idle_refresh": idle_refresh, "idle": site.lives.idle},
    )
