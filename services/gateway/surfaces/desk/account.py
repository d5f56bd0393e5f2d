"""The account page: who is signed in with which roles, another account, signing out."""

from starlette.requests import Request
from starlette.responses import Response

from services.gateway.surfaces.base import Site
from services.gateway.surfaces.desk import grants
from services.kit.pages import gettext as _

ORDER = (
    "intake", "review", "decide", "deliver", "editor", "reviewer", "registrar",
    "integrator", "auditor", "administrator",
)  # fmt: skip


def role_word(role: str) -> str:
    """A staff role by its name."""
    return {
        "intake": _("受理"),
        "review": _("审查"),
        "decide": _("决定"),
        "deliver": _("送达"),
        "editor": _("编写事项"),
        "reviewer": _("审核事项"),
        "registrar": _("管理目录"),
        "integrator": _("对接"),
        "auditor": _("审计"),
        "administrator": _("管理"),
    }.get(role, role)


async def page(request: Request) -> Response:
    """Who is signed in, with which roles where."""
    site = Site.of(request)
    session = await site.signed_in(request)
    by_place: dict[str, list[str]] = {}
    held = await grants.of(site, session)
    for grant in sorted(held, key=lambda each: ORDER.index(each.role) if each.role in ORDER else len(ORDER)):
        place = _("所有部门") if grant.organisation == grants.EVERYWHERE else grant.organisation
        by_place.setdefault(place, []).append(role_word(grant.role))
    values = {"account": session, "places": [(place, _("、").join(roles)) for place, roles in by_place.items()]}
    return await site.pages.render(request, "desk/account.html", values)
