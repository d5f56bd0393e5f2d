"""Endpoints that browsers come to: authorization, sign-in, sign-out. Pages work without scripts."""

from urllib.parse import urlencode

from fastapi import APIRouter, Request
from starlette.responses import Response

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
from services.identity.api.problems import REFUSED, Problem, missing, refusal
from services.identity.api.reading import (
    clear_sso_cookie,
    framed,
    provider_of,
    query_or_form,
    see_other,
    set_sso_cookie,
    sso_cookies,
)
from services.identity.domain.checks import Facts
from services.identity.domain.parameters import Parameters
from services.identity.errors import AccessDenied, InvalidRequest, OAuthError, RequestTooLarge
from services.identity.handlers import authorize as authorization
from services.identity.handlers import consents, signin
from services.identity.handlers import logout as leaving
from services.kit.errors import TongbanError
from services.kit.pages import FormExpired, gettext

router = APIRouter(tags=["front channel"], include_in_schema=False)
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
            form.get("username", ""),
            form.get("password", ""),
            request.client.host if request.client else "",
            sso_cookies(request),
        )
        facts = await authorization.examine(provider_of(request), parameters, command.cookies)
        if isinstance(facts, authorization.SendBack):
            return await _answer(request, facts)
        speak(request, facts.waiting, facts.parameters)
        problems = missing(command.username, command.password)
        try:
            pages_of(request).forms.check(request, form.get("_token", ""))
            if form.get("choice") == "cancel":
                refused = AccessDenied("the person did not sign in")
                return await _answer(request, await authorization.send_error(provider_of(request), facts, refused))
        except FormExpired:
            problems = [Problem("", gettext("这一页放得太久了，请再填一次"))]
        if problems:
            asked = authorization.ask_sign_in(facts)
            return await sign_in_page(request, asked, problems, command.username, status=422)
        return await _sign_in(request, command, facts)
    except (OAuthError, TongbanError) as error:
        return await error_page(request, error)


async def _sign_in(request: Request, command: signin.SignIn, facts: Facts) -> Response:
    try:
        outcome = await signin.sign_in(command, provider_of(request), facts)
    except REFUSED as error:
        problem, status, headers = refusal(error)
    else:
        if not isinstance(outcome, signin.SignedIn):
            return await _answer(request, outcome)
        response = await _answer(request, outcome.then)
        set_sso_cookie(response, outcome.realm, outcome.secret)
        return response
    asked = authorization.ask_sign_in(facts)
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
            facts = await authorization.examine(provider, parameters, cookies)
            if not isinstance(facts, authorization.SendBack):
                return await sign_in_page(request, authorization.ask_sign_in(facts))
            return await _answer(request, facts)
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
        return await form_post_page(request, outcome) if outcome.form_post else see_other(outcome.location)
    if isinstance(outcome, authorization.AskConsent):
        return await consent_page(request, outcome)
    return await sign_in_page(request, outcome)


async def _signed_out(request: Request, outcome: leaving.SignedOut) -> Response:
    if outcome.location and not outcome.frames:
        response = see_other(outcome.location)
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
    return see_other(f"{request.url.path}?{query}")
