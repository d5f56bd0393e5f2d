"""The guide page (办事指南) of an item: on the screen, on paper, as JSON."""

import re
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from services.gateway.errors import ServiceProblem
from services.gateway.surfaces.base import Site, path_id, see_other
from services.gateway.surfaces.common import guide as guides
from services.gateway.surfaces.common import kept
from services.kit.errors import Kind
from services.kit.ids import new_id


async def guide(request: Request) -> Response:
    """The guide page; earlier versions by ?version. Who is not signed in gets it with an entity tag.

    The page of who is signed in has a form with a token of its own and is never kept, nor is anything at a kiosk.
    The code of a bundle leads to the bundle's page.
    """
    site = Site.of(request)
    try:
        item = guides.whole(await found(request))
    except ServiceProblem as error:
        code = path_id(request, "code")
        if error.kind is Kind.NOT_FOUND and await site.get_or(None, None, "catalog", f"/bundles/{code}"):
            return see_other(f"/bundles/{code}")
        raise
    signed_in = await site.session(request) is not None
    values = await shown(request, item) | {"key": new_id(), "signed_in": signed_in}
    response = await site.pages.render(request, "portal/guide.html", values)
    if signed_in or site.surface.shared_device or "set-cookie" in response.headers:
        return response
    return kept.revalidated(request, response, kept.PAGE)


async def printed(request: Request) -> Response:
    """The same on paper: everything unfolded, with the address to come back to."""
    site = Site.of(request)
    item = guides.whole(await found(request))
    address = f"{site.origin}/items/{item['code']}"
    values = await shown(request, item) | {"address": address}
    return await site.pages.render(request, "portal/guide-print.html", values)


async def document(request: Request) -> Response:
    """The same as JSON, as the catalogue gives it. For programs of any make, but not from other sites' pages."""
    return kept.revalidated(request, JSONResponse(await found(request)), kept.DOCUMENT)


async def found(request: Request) -> dict[str, Any]:
    """The item that the address names. Raises ServiceProblem (404)."""
    code = path_id(request, "code")
    version = request.query_params.get("version", "")
    path = f"/items/{code}"
    if re.fullmatch(r"[1-9][0-9]{0,7}", version):
        path += f"/versions/{version}"
    item: dict[str, Any] = await Site.of(request).get(None, "catalog", path)
    return item


async def shown(request: Request, item: dict[str, Any]) -> dict[str, Any]:
    """What the guide's templates show of an item."""
    registered = await kept.registered(request, item)
    listed = await kept.topic_names(request) if item["topics"] else {}
    # A topic without a name in the list is one of the free ones: its code is the word itself.
    topics = [(code, listed.get(code) or {"zh": code}) for code in item["topics"]]
    materials = guides.materials(item, registered)
    return {
        "item": item,
        "standing": guides.standing(item),
        "facts": guides.facts(item, sum(bool(each.holder) for each in materials)),
        "limit": guides.limit_ruler(item),
        "steps": guides.steps(item),
        "materials": materials,
        "results": guides.results(item, registered),
        "topics": topics,
    }
