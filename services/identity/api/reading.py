"""Reading requests strictly, and answering in OAuth's words."""

import re
from typing import Any

import orjson
from fastapi import Request
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from services.identity.domain.clients import Realm
from services.identity.domain.parameters import Parameters
from services.identity.errors import InvalidClient, InvalidRequest, OAuthError, RequestTooLarge
from services.identity.handlers.authorize import Cookies
from services.identity.handlers.provider import Provider
from services.kit.errors import TooLarge
from services.kit.pages import read_body

MAX_BODY = 64 * 1024
FORM = "application/x-www-form-urlencoded"
RAW_QUERY = "tongban.raw_query"
FRAMES = frozenset({"iframe", "frame", "embed", "object", "fencedframe"})
JWT, INTROSPECTION_JWT = "application/jwt", "application/token-introspection+jwt"
NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}


def provider_of(request: Request) -> Provider:
    """The provider of this process."""
    found = request.app.state.provider
    assert isinstance(found, Provider)
    return found


def sso_cookie(realm: Realm) -> str:
    """Cookies know no ports: the realm is in the name, `__Host-` pins the host."""
    return f"__Host-tb-sso-{realm.value}"


def sso_cookies(request: Request) -> Cookies:
    return {realm: request.cookies.get(sso_cookie(realm)) for realm in Realm}


def set_sso_cookie(response: Response, realm: Realm, secret: str) -> None:
    """The session's cookie, gone with the browser; browsers take Secure on http://localhost too."""
    response.set_cookie(sso_cookie(realm), secret, path="/", secure=True, httponly=True, samesite="lax")


def clear_sso_cookie(response: Response, realm: Realm) -> None:
    response.delete_cookie(sso_cookie(realm), path="/", secure=True, httponly=True, samesite="lax")


def see_other(location: str) -> Response:
    """On by GET: after a post a browser must leave the form behind (RFC 9700 §4.12), so never 307."""
    # The address may carry a code: no Referer may.
    headers = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
    return RedirectResponse(location, 303, headers)


def framed(request: Request) -> bool:
    """Whether the browser says that the answer goes into a frame (Fetch Metadata §2.1)."""
    return request.headers.get("sec-fetch-dest") in FRAMES


async def form_parameters(request: Request) -> Parameters:
    """Parameters of a posted form. Raises InvalidRequest, RequestTooLarge."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != FORM:
        raise InvalidRequest(f"send {FORM}")
    try:
        body = await read_body(request, MAX_BODY)
    except TooLarge:
        raise RequestTooLarge(f"at most {MAX_BODY} bytes") from None
    return Parameters.parse(body)


async def query_or_form(request: Request) -> Parameters:
    """Parameters by GET or POST (OpenID Connect Core §3.1.2.1). Raises InvalidRequest, RequestTooLarge."""
    if request.method == "POST":
        return await form_parameters(request)
    return Parameters.parse(request.scope.get(RAW_QUERY, b""))


class RawQuery:
    """ASGI middleware: keeps the query of the OAuth pages for `query_or_form` to read strictly.

    The kit's edge refuses a parameter given twice with problem details; here `resource` may come several times
    (RFC 8707 §2), and what is wrong is told on a page or by redirect.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] in ("/authorize", "/logout"):
            scope = {**scope, RAW_QUERY: scope["query_string"], "query_string": b""}
        await self.app(scope, receive, send)


def one_authorization(request: Request) -> str | None:
    """The Authorization header, where there is one. Raises InvalidRequest for several."""
    values = request.headers.getlist("authorization")
    if len(values) > 1:
        raise InvalidRequest("several Authorization headers")
    return values[0] if values else None


def json_answer(body: dict[str, Any], status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(orjson.dumps(body), status, NO_STORE | (headers or {}), media_type="application/json")


def accepts(request: Request, media_type: str) -> bool:
    """Whether the Accept header names this very type (RFC 9110 §12.5.1)."""
    given = [part.partition(";") for part in ",".join(request.headers.getlist("accept")).split(",")]
    return any(
        name.strip().lower() == media_type and not re.fullmatch(r"\s*q=0(\.0*)?\s*", rest) for name, _, rest in given
    )


def answer_of(body: dict[str, Any] | str, media_type: str) -> Response:
    """JSON, or the JWT that it already is."""
    if isinstance(body, str):
        return Response(body, headers=NO_STORE, media_type=media_type)
    return json_answer(body)


def oauth_error(error: OAuthError) -> Response:
    """The error as RFC 6749 §5.2 has it, with a challenge where the client was not known."""
    headers = {}
    if isinstance(error, InvalidClient):
        headers["WWW-Authenticate"] = f'{error.scheme} realm="tongban"'
    if error.retry_after is not None:
        headers["Retry-After"] = str(error.retry_after)
    return json_answer(dict(error.members()), error.status, headers)
