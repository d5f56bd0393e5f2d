"""What surrounds the portal's pages."""

from starlette.requests import Request

from services.gateway.surfaces.base import Site, sign_in_address
from services.kit.errors import TongbanError
from services.kit.pages import Frame, Link, ngettext, preferences_of_scope
from services.kit.pages import gettext as _


async def frame(site: Site, request: Request) -> Frame:
    """Header with inbox and account for who is signed in, a sign-in link for others. Never fails a page."""
    try:
        session = await site.session(request)
    except Exception:
        # The page may be the one that says that something is away.
        session = None
    path = request.scope["path"]
    menu = []
    if session is None:
        menu.append(Link(_("登录"), sign_in_address(preferences_of_scope(request.scope).address), "person"))
    else:
        try:
            unread = int((await site.get_or({"count": 0}, session, "notify", "/messages/unread"))["count"])
        except TongbanError:
            unread = 0
        words = ngettext("条未读", "条未读", unread)
        menu += [
            Link(_("办件"), "/cases", "list", current=path == "/cases"),
            Link(_("消息"), "/inbox", "bell", unread, words, current=path.startswith("/inbox")),
            Link(session.name or _("我的账户"), "/account", "person", current=path == "/account"),
        ]
    return Frame(
        brand=_("通办"),
        menu=menu,
        foot=[
            Link(_("找事项"), "/items", ""),
            Link(_("接口文档"), "/api/", ""),
        ],
        phone="12345",
        phone_note=_("咨询、投诉、建议，24 小时有人接"),
        extra={"session": session, "lives": site.lives},
    )
