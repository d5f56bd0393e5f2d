"""What surrounds the desk's pages, and which roles the one who is signed in holds."""

from starlette.requests import Request

from services.gateway.errors import SignInNeeded
from services.gateway.surfaces.base import Site, sign_in_address
from services.gateway.surfaces.desk import grants
from services.kit.errors import TongbanError
from services.kit.pages import Frame, Link, preferences_of_scope
from services.kit.pages import gettext as _


async def frame(site: Site, request: Request) -> Frame:
    """Header with the desk's parts and the account. Never fails a page."""
    try:
        session = await site.session(request)
        held = await grants.of(site, session) if session else ()
    except (SignInNeeded, TongbanError):
        # The page may be the one that says that something is away.
        session, held = None, ()
    path = request.scope["path"]
    menu = []
    if session is None:
        menu.append(Link(_("登录"), sign_in_address(preferences_of_scope(request.scope).address), "person"))
    else:
        subscriptions = path.startswith("/subscriptions")
        account = path == "/account"
        catalogue = path == "/catalogue" or path.startswith("/catalogue/")
        menu.append(Link(_("办件"), "/", "list", current=not subscriptions and not account and not catalogue))
        if any(grant.role in grants.CATALOGUE for grant in held):
            menu.append(Link(_("目录"), "/catalogue", "paper", current=catalogue))
        if any(grant.role == "integrator" for grant in held):
            menu.append(Link(_("对接"), "/subscriptions", "key", current=subscriptions))
        menu.append(Link(session.name or _("我的账号"), "/account", "person", current=account))
    return Frame(
        brand=_("工作台"),
        menu=menu,
        menu_label=_("工作台"),
        place=_("工作台"),
        root_class="desk",
        full_width=True,
        elder=False,
        extra={"session": session, "lives": site.lives},
    )
