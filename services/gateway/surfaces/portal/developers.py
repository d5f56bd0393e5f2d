"""The developers' page: OpenAPI documents, shown by a copy of swagger-ui that is served from here, and the events."""

from starlette.requests import Request
from starlette.responses import Response

from services.contracts.topics import all_topics
from services.gateway.surfaces.base import SERVICES, Site


async def documents(request: Request) -> Response:
    """What there is; with `service` its document as well, in a viewer that weighs more than all pages together."""
    site = Site.of(request)
    chosen = request.query_params.get("service", "")
    values = {
        "services": SERVICES,
        "chosen": chosen if chosen in SERVICES else "",
        "topics": list(all_topics().values()),
    }
    return await site.pages.render(request, "portal/developers.html", values)
