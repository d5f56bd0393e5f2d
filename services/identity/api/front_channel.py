"""Endpoints that browsers come to: authorization, sign-in, sign-out. Pages work without scripts."""

from urllib.parse import urlencode

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from services.identity.api.pages import (
    consent_page,
    error_page,
    form_fields,
    form_post_page,
    home_page,
    pages_of,
    sign_in_page,
    sign_out_page,
    signed_out_page,
    speak,
)
from services.identity.api.problems import Problem
from services.identity.api.reading import (
    clear_sso_cookie,
    framed,
    provider_of,
    query_or_form,
    set_sso_cookie,
    sso_cookies,
)
from services.identity.domain.parameters import Parameters
from services.identity.errors import InvalidRequest, OAuthError, RequestTooLarge, SignInLocked, SignInRefused, SlowDown
from services.identity.handlers import authorize as authorization
from services.identity.handlers import consents, signin
from services.identity.handlers import logout as leaving
from services.kit.errors import TongbanError
from services.kit.pages import FormExpired, gettext, ngettext

router = APIRouter(tags=["front channel"], include_in_schema=False)
SEE_OTHER = 303
"""After a post a browser must come by GET and leave the form behind (RFC 9700 §4.12): never 307."""
MAX_QUERY = 6 * 1024
"""Proxies take request lines of 8 KiB."""


@router.api_route("/authorize", methods=["GET", "POST"])
async def authorize(request: Request) -> Response:
    try:
        parameters = await query_or_form(request)
        if _without_cookies(request):
            return _by_get(request, parameters)
        speak(request, parameters)
        outcome = await authorization.authorize(
            provider_of(request), parameters, sso_cookies(request), framed=framed(request)
        )
    except OAuthError as error:
        return await error_page(request, error)
    return await _answer(request, outcome)


@router.post("/signin")
async def sign_in(request: Request) -> Response:
    """The posted sign-in form; `request` in it is the authorization request that waits."""
    try:
        form = await form_fields(request)
        parameters = Parameters.parse(form.get("request", "").encode())
        speak(request, parameters)
        command = signin.SignIn(
            parameters,
            form.get("username", ""),
            form.get("password", ""),
            request.client.host if request.client else "",
            sso_cookies(request),
        )
        problems = _missing(command)
        try:
            pages_of(request).forms.check(request, form.get("_token", ""))
        except FormExpired:
            problems = [Problem("", gettext("这一页放得太久了，请再填一次"))]
        if problems:
            outcome = await authorization.examine(provider_of(request), parameters, command.cookies)
            if isinstance(outcome, authorization.SendBack):
                return await _answer(request, outcome)
            asked = authorization.AskPerson(outcome.known_client, parameters)
            return await sign_in_page(request, asked, problems, command.username, status=422)
        return await _sign_in(request, command)
    except (OAuthError, TongbanError) as error:
        return await error_page(request, error)


def _missing(command: signin.SignIn) -> list[Problem]:
    found = []
    if not command.username.strip():
        found.append(Problem("username", gettext("请填用户名")))
    if not command.password:
        found.append(Problem("password", gettext("请填密码")))
    return found


async def _sign_in(request: Request, command: signin.SignIn) -> Response:
    provider = provider_of(request)
    headers: dict[str, str] = {}
    try:
        outcome = await signin.sign_in(command, provider)
    except SignInRefused:
        status, problem = 422, Problem("username", gettext("用户名和密码对不上，请核对"))
    except SignInLocked as error:
        headers["Retry-After"] = str(error.seconds)
        minutes = -(-error.seconds // 60)
        words = ngettext("试的次数太多了，请过 %(num)d 分钟再来", "试的次数太多了，请过 %(num)d 分钟再来", minutes) % {
            "num": minutes
        }
        status, problem = 429, Problem("", words)
    except SlowDown as error:
        headers["Retry-After"] = str(error.retry_after or 2)
        status, problem = 429, Problem("", gettext("现在登录的人很多，请过几秒再试"))
    else:
        if not isinstance(outcome, signin.SignedIn):
            return await _answer(request, outcome)
        response = await _answer(request, outcome.then)
        set_sso_cookie(response, outcome.realm, outcome.secret)
        return response
    client = await provider.client(command.parameters.get("client_id"))
    assert client is not None
    asked = authorization.AskPerson(client, command.parameters)
    return await sign_in_page(
        request, asked, [problem], command.username, title=gettext("没有登录上"), status=status, headers=headers
    )


@router.post("/signin/account")
async def go_on(request: Request) -> Response:
    """The person goes on with the account that is signed in, or wants another one."""
    try:
        form = await form_fields(request)
        parameters = Parameters.parse(form.get("request", "").encode())
        speak(request, parameters)
        provider, cookies = provider_of(request), sso_cookies(request)
        pages_of(request).forms.check(request, form.get("_token", ""))
        if form.get("choice") == "other":
            outcome = await authorization.examine(provider, parameters, cookies)
            if isinstance(outcome, authorization.SendBack):
                return await _answer(request, outcome)
            return await sign_in_page(request, authorization.AskPerson(outcome.known_client, parameters))
        return await _answer(request, await authorization.go_on(provider, parameters, cookies))
    except (OAuthError, TongbanError) as error:
        return await error_page(request, error)


@router.post("/consent")
async def agree(request: Request) -> Response:
    """The answer to whether the client may have what it asks for. Whose answer it is, the cookie says."""
    try:
        form = await form_fields(request)
        parameters = Parameters.parse(form.get("request", "").encode())
        speak(request, parameters)
        pages_of(request).forms.check(request, form.get("_token", ""))
        choice = form.get("choice")
        if choice not in ("allow", "deny"):
            raise InvalidRequest("choice is allow or deny")
        command = consents.Answer(parameters, sso_cookies(request), form.get("shown_to", ""), choice == "allow")
        return await _answer(request, await consents.answer(provider_of(request), command))
    except (OAuthError, TongbanError) as error:
        return await error_page(request, error)


@router.api_route("/logout", methods=["GET", "POST"])
async def log_out(request: Request) -> Response:
    """RP-initiated logout (OpenID Connect RP-Initiated Logout 1.0 §2)."""
    try:
        parameters = await query_or_form(request)
        if _without_cookies(request):
            return _by_get(request, parameters)
        speak(request, parameters)
        outcome = await leaving.log_out(provider_of(request), parameters, sso_cookies(request))
    except OAuthError as error:
        return await error_page(request, error)
    if isinstance(outcome, leaving.AskToSignOut):
        return await sign_out_page(request, outcome)
    return await _signed_out(request, outcome)


@router.post("/logout/confirm")
async def confirm_log_out(request: Request) -> Response:
    """The answer to "sign out?"."""
    try:
        form = await form_fields(request)
        parameters = Parameters.parse(form.get("request", "").encode())
        speak(request, parameters)
        pages_of(request).forms.check(request, form.get("_token", ""))
        outcome = await leaving.log_out(provider_of(request), parameters, sso_cookies(request), confirmed=True)
    except (OAuthError, TongbanError) as error:
        return await error_page(request, error)
    assert isinstance(outcome, leaving.SignedOut)
    return await _signed_out(request, outcome)


@router.get("/")
async def home(request: Request) -> Response:
    """Somebody typed our address: show where to go."""
    return await home_page(request, await provider_of(request).clients())


async def _answer(request: Request, outcome: authorization.Outcome) -> Response:
    if isinstance(outcome, authorization.SendBack):
        return await form_post_page(request, outcome) if outcome.form_post else _redirect(outcome.location)
    if isinstance(outcome, authorization.AskConsent):
        return await consent_page(request, outcome)
    return await sign_in_page(request, outcome)


async def _signed_out(request: Request, outcome: leaving.SignedOut) -> Response:
    if outcome.location and not outcome.frames:
        response = _redirect(outcome.location)
    else:
        response = await signed_out_page(request, outcome.client, outcome.frames, outcome.location)
    for realm in outcome.realms:
        # Only one that came: a request from another site must not sign anybody out by coming without it.
        if sso_cookies(request)[realm] is not None:
            clear_sso_cookie(response, realm)
    return response


def _without_cookies(request: Request) -> bool:
    return request.method == "POST" and not any(sso_cookies(request).values())


def _by_get(request: Request, parameters: Parameters) -> Response:
    """The same request by GET: a post from another site comes without our SameSite=Lax cookies, a GET that it is led
    to brings them (RFC 6265bis, “Lax” enforcement). Raises RequestTooLarge.
    """
    query = urlencode(parameters.pairs())
    if len(query) > MAX_QUERY:
        raise RequestTooLarge(f"at most {MAX_QUERY} bytes of parameters")
    return _redirect(f"{request.url.path}?{query}")


def _redirect(location: str) -> Response:
    # The redirect carries a code: no Referer may.
    headers = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
    return RedirectResponse(location, SEE_OTHER, headers)
