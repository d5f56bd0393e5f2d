"""The account page: who is signed in, the language of notices, signing out."""

from starlette.requests import Request
from starlette.responses import Response

from services.gateway.surfaces.base import Site, see_other
from services.kit.errors import Malformed
from services.kit.pages import LANGUAGE_COOKIE, LANGUAGES, language, set_preference


async def page(request: Request) -> Response:
    """Who is signed in and what they prefer."""
    site = Site.of(request)
    session = await site.signed_in(request)
    preferences = await site.get_or({}, session, "notify", "/preferences")
    values = {
        "account": session,
        "notices": preferences.get("language") or language(),
        "languages": list(LANGUAGES.items()),
        "saved": request.query_params.get("saved") == "1",
        "issuer": site.issuer,
    }
    return await site.pages.render(request, "portal/account.html", values)


async def save(request: Request) -> Response:
    """Keep the language of notices; pages follow it in this browser."""
    site = Site.of(request)
    session = await site.signed_in(request)
    chosen = (await site.form(request)).text("language", 10)
    if chosen not in LANGUAGES:
        raise Malformed("no such language")
    await site.call(session, "notify", "PUT", "/preferences", json={"language": chosen})
    response = see_other("/account?saved=1")
    set_preference(response, LANGUAGE_COOKIE, chosen)
    return response
