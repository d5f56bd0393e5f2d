"""Signing in and out at a surface: the browser's side of OpenID Connect, and what ends a session.

Every surface has these routes. No token that opens anything reaches the browser: it holds a cookie with a secret (BFF).
"""

import json
import re

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from services.gateway.domain.sessions import Session, safe_next, session_id
from services.gateway.domain.transactions import LIFE_SECONDS, Transaction, cookie_name, cookie_prefix, opened
from services.gateway.errors import LogoutTokenRefused, ProviderAway, SessionEnded, SignInFailed, StepUpNeeded
from services.gateway.surfaces.base import Site, see_other, sign_in_address
from services.kit.errors import TongbanError
from services.kit.pages import LANGUAGE_COOKIE, MODE_COOKIE, language, parse_form, posted, read_body
from services.kit.pages import gettext as _
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
        Route("/signout", home, methods=["GET"]),
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
    """Begin a sign-in: `next` a path to come back to, `prompt` login or select_account, `silent=1` for prompt=none,
    `max_age` how many seconds ago the last one may have been.
    """
    site = Site.of(request)
    silent = request.query_params.get("silent") == "1"
    prompt, max_age = request.query_params.get("prompt", ""), request.query_params.get("max_age", "")
    if site.surface.shared_device and site.cookie in request.cookies and await site.session(request) is None:
        # A cookie without a session: perhaps another person stands here, and perhaps the last one is still signed in
        # at the provider. They show the password, whatever it remembers.
        silent, prompt = False, "login"
    transaction = Transaction.begin(safe_next(request.query_params.get("next", "/")), silent=silent, now=site.clock())
    address = await site.client.sign_in_address(
        transaction,
        [site.services[name].audience for name in site.surface.resources],
        language=language(),
        prompt="none" if silent else prompt if prompt in PROMPTS else "",
        max_age=max_age if re.fullmatch("[0-9]{1,6}", max_age) else "",
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
        words = _("您取消了登录，或者登录没有完成。")
        response = await _offer_sign_in(request, site, _("没有登录"), words, transaction.next)
    _drop(response, spent)
    return response


async def failed(request: Request, error: Exception) -> Response:
    """A sign-in that came to nothing: begin another. Who is signed in by now (another tab, 返回) just goes on."""
    site = Site.of(request)
    log.info("sign_in.failed", surface=site.surface.name, cause=str(error))
    try:
        if await site.session(request) is not None:
            return see_other("/")
    except TongbanError:
        pass
    words = _("登录页开得太久，或者这次登录是在别的窗口开始的。请从这里再登录一次。")
    return await _offer_sign_in(request, site, _("登录没有完成"), words, "/")


async def _offer_sign_in(request: Request, site: Site, title: str, words: str, next_: str) -> Response:
    values = {"title": title, "words": words, "href": sign_in_address(next_), "button": _("登录")}
    return await site.pages.render(request, "gateway/notice.html", values, status=400)


async def needed(request: Request, error: Exception) -> Response:
    """Lead to the sign-in, and back to where a GET would show the same. What was typed is held for its owner."""
    site = Site.of(request)
    query = request.scope["query_string"].decode("latin-1")
    next_ = str(getattr(request.state, "after_sign_in", "") or request.scope["path"] + (f"?{query}" if query else ""))
    form = posted(request)
    if form is not None and (owner := form.text("owner", 64)):
        next_ += ("&" if "?" in next_ else "?") + f"held={await site.hold(owner, form)}"
    return see_other(sign_in_address(next_, error.max_age if isinstance(error, StepUpNeeded) else None))


async def home(_: Request) -> Response:
    """What is only posted to leads, asked for by a link or after a change of language, to the start."""
    return see_other("/")


async def leave(request: Request) -> Response:
    """Sign out here, then at the provider, which tells every other client (RP-Initiated Logout)."""
    site = Site.of(request)
    await site.form(request)
    return await depart(request, site)


async def depart(request: Request, site: Site) -> Response:
    """End the session here and at the provider; the answer leads there.

    On a shared device a session that ran out is signed out at the provider all the same, and the cookie that marks it
    stays until the provider sends the browser back (`left`): whoever signs in before that shows a password.
    """
    shared, secret = site.surface.shared_device, request.cookies.get(site.cookie)
    session = await site.session(request)
    if session is None and shared:
        session = await site.sessions.run_out(secret)
    if session is None:
        response = see_other("/signout/done")
    else:
        # Asked first: where the provider is away, the session stays, to be signed out later.
        address = await site.client.sign_out_address(session.tokens.id_token, session.id)
        await site.sessions.end(session)
        log.info("session.ended", surface=site.surface.name, account=session.subject)
        response = see_other(address)
    for name in (site.pages.forms.cookie, silent_cookie(site)):
        _drop(response, name)
    if shared:
        _clear(response)
    else:
        _drop(response, site.cookie)
    return response


async def left(request: Request) -> Response:
    """Where the provider sends the browser after a sign-out, with the `state` that it was given (RP-Initiated §3)."""
    site = Site.of(request)
    secret = request.cookies.get(site.cookie)
    returned = secret is not None and request.query_params.get("state") == session_id(secret)
    values = {"everywhere": secret is None or returned or not site.surface.shared_device}
    response = await site.pages.render(request, site.surface.signed_out_template, values)
    if site.surface.shared_device:
        _clear(response)
        if returned:
            _drop(response, site.cookie)
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
        return await depart(request, site)
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
    """Go on: the idle time begins anew, here and at the provider. A page without scripts comes back to where it was."""
    site = Site.of(request)
    form = await site.form(request)
    session = await site.session(request)
    if session is not None:
        request.state.session = await _kept(site, session)
    if "application/json" in request.headers.get("accept", ""):
        return await _state(request)
    return see_other(safe_next(form.text("next", 2000) or "/"))


async def _kept(site: Site, session: Session) -> Session | None:
    """The session used anew; a refresh tells the provider so. None where the provider has ended it."""
    try:
        await site.sessions.access_token(session, site.services[site.surface.resources[0]].audience, again=True)
    except SessionEnded:
        return None
    except ProviderAway:
        # The next page asks again.
        pass
    return await site.sessions.extend(session)


async def _state(request: Request) -> Response:
    site = Site.of(request)
    session = await site.session(request)
    if session is None:
        return JSONResponse({"signed_in": False})
    left_ = (session.ends_at - site.clock()).total_seconds()
    return JSONResponse({"signed_in": True, "seconds_left": int(left_), "extendable": session.extendable(site.clock())})


def _drop(response: Response, name: str) -> None:
    response.delete_cookie(name, path="/", secure=True, httponly=True, samesite="lax")


def _clear(response: Response) -> None:
    """Have a shared device's browser forget what it kept of this origin, and how the last person liked to read."""
    for name in (LANGUAGE_COOKIE, MODE_COOKIE):
        _drop(response, name)
    response.headers["clear-site-data"] = json.dumps("cache") + ", " + json.dumps("storage")
