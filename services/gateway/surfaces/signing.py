"""Signing in and out at a surface: the browser's side of OpenID Connect, and what ends a session.

Every surface has these routes. Tokens never reach the browser: it holds one cookie with a secret (BFF).
"""

import json

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from services.gateway.domain.sessions import new_secret, safe_next
from services.gateway.domain.transactions import LIFE_SECONDS, Transaction, cookie_name, cookie_prefix, opened
from services.gateway.errors import LogoutTokenRefused, SignInFailed
from services.gateway.surfaces.base import Site, see_other
from services.kit.pages import gettext as _
from services.kit.pages import language, parse_form, read_body
from services.kit.telemetry import log

MAX_TRANSACTIONS = 5
SILENT_COOKIE_SECONDS = 300
PROMPTS = ("login", "select_account")


def routes() -> list[BaseRoute]:
    """The routes that every surface has."""
    return [
        Route("/signin", begin, methods=["GET"]),
        Route("/signin/callback", callback, methods=["GET"]),
        Route("/signin/backchannel-logout", ordered_logout, methods=["POST"]),
        Route("/signout", leave, methods=["POST"]),
        Route("/signout/done", left, methods=["GET"]),
        Route("/session/ended", ended, methods=["GET"]),
        Route("/session", state, methods=["GET"]),
        Route("/session", extend, methods=["POST"]),
    ]


def silent_cookie(site: Site) -> str:
    """The cookie that says: a silent sign-in was tried just now, nobody is signed in anywhere."""
    return f"__Host-tb-silent-{site.surface.name}"


async def begin(request: Request) -> Response:
    """Begin a sign-in: `next` a path to come back to, `prompt` login or select_account, `silent=1` for prompt=none."""
    site = Site.of(request)
    silent = request.query_params.get("silent") == "1"
    prompt = request.query_params.get("prompt", "")
    transaction = Transaction.begin(safe_next(request.query_params.get("next", "/")), silent=silent, now=site.clock())
    address = await site.client.sign_in_address(
        transaction,
        [site.services[name].audience for name in site.surface.resources],
        language=language(),
        prompt="none" if silent else prompt if prompt in PROMPTS else "",
    )
    response = see_other(address)
    response.set_cookie(
        cookie_name(site.surface.name, transaction.state),
        transaction.sealed(site.transaction_key),
        max_age=LIFE_SECONDS,
        path="/",
        secure=True,
        httponly=True,
        samesite="lax",
    )
    # Attempts that were given up would fill the browser's jar: keep the latest few.
    old = [name for name in request.cookies if name.startswith(cookie_prefix(site.surface.name))]
    for name in old[: max(0, len(old) - MAX_TRANSACTIONS + 1)]:
        _drop(response, name)
    return response


async def callback(request: Request) -> Response:
    """The provider's answer: state, issuer (RFC 9207) and code are checked, the session begins under a new secret."""
    site = Site.of(request)
    query = request.query_params
    transaction = opened(request.cookies, site.surface.name, query.get("state", ""), site.transaction_key, site.clock())
    if query.get("iss") != site.issuer:
        raise SignInFailed("the answer names another issuer")
    spent = cookie_name(site.surface.name, transaction.state)
    if "error" in query:
        return await _refused(request, site, transaction, query["error"], spent)
    if not query.get("code"):
        raise SignInFailed("the answer has neither code nor error")
    audience = site.services[site.surface.resources[0]].audience
    granted, who = await site.client.redeem(query["code"], transaction, audience)
    previous = await site.session(request)
    if previous is not None:
        await site.sessions.end(previous)
    secret, session = await site.sessions.begin(who, granted, audience)
    log.info("session.began", surface=site.surface.name, account=session.subject, silent=transaction.silent)
    response = see_other(transaction.next)
    response.set_cookie(site.cookie, secret, path="/", secure=True, httponly=True, samesite="lax")
    _drop(response, spent)
    # Forms shown before the sign-in belong to nobody: their tokens lapse.
    _drop(response, site.pages.forms.cookie)
    _drop(response, silent_cookie(site))
    return response


async def _refused(request: Request, site: Site, transaction: Transaction, error: str, spent: str) -> Response:
    if transaction.silent:
        # login_required and its kin (OpenID Connect Core §3.1.2.6): nobody is signed in; that is no failure.
        response = see_other(transaction.next)
        name = silent_cookie(site)
        response.set_cookie(
            name, "no", max_age=SILENT_COOKIE_SECONDS, path="/", secure=True, httponly=True, samesite="lax"
        )
    else:
        log.info("session.refused", surface=site.surface.name, error=error[:60])
        values = {
            "title": _("没有登录"),
            "lines": [_("您取消了登录，或者登录没有完成。")],
            "retry": "",
            "reference": "",
        }
        response = await site.pages.render(request, "kit/error.html", values, status=400)
    _drop(response, spent)
    return response


async def leave(request: Request) -> Response:
    """Sign out here, then at the provider, which tells every other client (RP-Initiated Logout)."""
    site = Site.of(request)
    await site.form(request)
    return await depart(request, site)


async def depart(request: Request, site: Site) -> Response:
    """End the session here and at the provider; the answer leads there."""
    session = await site.session(request)
    if session is None:
        response = see_other("/signout/done")
    else:
        await site.sessions.end(session)
        log.info("session.ended", surface=site.surface.name, account=session.subject)
        response = see_other(await site.client.sign_out_address(session.tokens.id_token, new_secret()))
    for name in (site.cookie, site.pages.forms.cookie, silent_cookie(site)):
        _drop(response, name)
    if site.surface.shared_device:
        clear_site_data(response)
    return response


async def left(request: Request) -> Response:
    """Where the provider sends the browser after a sign-out."""
    site = Site.of(request)
    response = await site.pages.render(request, site.surface.signed_out_template, {})
    if site.surface.shared_device:
        clear_site_data(response)
        # Ready for the next person.
        response.headers["refresh"] = "8; url=/"
    return response


async def ended(request: Request) -> Response:
    """Says that the session ran out, and leads back to where it was."""
    site = Site.of(request)
    if await site.session(request) is not None:
        return see_other(safe_next(request.query_params.get("next", "/")))
    if site.surface.shared_device:
        # Where it was is nobody else's business.
        return see_other("/signout/done")
    values = {"next": safe_next(request.query_params.get("next", "/"))}
    return await site.pages.render(request, "gateway/session-ended.html", values)


async def ordered_logout(request: Request) -> Response:
    """Back-Channel Logout: the provider ended a session; ours of that `sid` end with it."""
    site = Site.of(request)
    try:
        form = parse_form(await read_body(request, 16 * 1024), max_fields=20)
        order = await site.client.logout_order(form.text("logout_token", 8000))
    except LogoutTokenRefused as error:
        log.warning("logout_token.refused", surface=site.surface.name, cause=error.detail)
        return JSONResponse({"error": "invalid_request", "error_description": error.detail}, 400)
    ended = await site.sessions.end_as_ordered(order)
    log.info("sessions.ended_by_provider", surface=site.surface.name, sessions=ended)
    return Response(status_code=200)


async def state(request: Request) -> Response:
    """How long the session still lasts, for the warning; asking does not count as use."""
    request.state.background = True
    return await _state(request)


async def extend(request: Request) -> Response:
    """Go on: the idle time begins anew. A page without scripts comes back to where it was."""
    site = Site.of(request)
    form = await site.form(request)
    session = await site.session(request)
    if session is not None:
        request.state.session = await site.sessions.extend(session)
    if "application/json" in request.headers.get("accept", ""):
        return await _state(request)
    return see_other(safe_next(form.text("next", 2000) or "/"))


async def _state(request: Request) -> Response:
    site = Site.of(request)
    session = await site.session(request)
    if session is None:
        return JSONResponse({"signed_in": False})
    left_ = (session.ends_at - site.clock()).total_seconds()
    return JSONResponse({"signed_in": True, "seconds_left": int(left_), "extendable": session.extendable(site.clock())})


def _drop(response: Response, name: str) -> None:
    response.delete_cookie(name, path="/", secure=True, httponly=True, samesite="lax")


def clear_site_data(response: Response) -> None:
    """Have the browser forget what it kept of this origin: for shared devices."""
    response.headers["clear-site-data"] = json.dumps("cache") + ", " + json.dumps("storage")
