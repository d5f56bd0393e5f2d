"""The pages of one's own account, at /account: where it is signed in, what was agreed to, the password.

They sign in by themselves, with the same count of attempts as `/signin`; the realm is in the query and in each form.
Every change is a plain form, and asks for the password once more when the sign-in is old.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from fastapi import APIRouter, Request
from starlette.responses import Response

from services.identity.api.pages import form_fields, pages_of, problem_page, signed_out_page
from services.identity.api.problems import REFUSED, Problem, Refusal, missing, new_password, refusal
from services.identity.api.reading import clear_sso_cookie, provider_of, see_other, set_sso_cookie, sso_cookies
from services.identity.api.words import in_words
from services.identity.domain.clients import Realm
from services.identity.domain.consents import Consent
from services.identity.domain.sessions import SsoSession
from services.identity.errors import InvalidRequest, OAuthError
from services.identity.handlers import consents, self_service
from services.identity.handlers.self_service import Typed
from services.kit.errors import TongbanError
from services.kit.pages import Form, gettext, pick, preferences_of_scope

router = APIRouter(tags=["account pages"], include_in_schema=False)
CHANGES = ("end", "end_all", "withdraw")


@dataclass(frozen=True, slots=True)
class Visit:
    """Who posted a form of these pages, in which realm."""

    realm: Realm
    session: SsoSession | None
    form: Form

    def typed(self, request: Request, username: str) -> Typed:
        """The password of the form, for this user name."""
        address = request.client.host if request.client else ""
        return Typed(username, self.form.get("password", ""), address)


@router.get("/account")
async def account(request: Request) -> Response:
    """The account of who is signed in, else the sign-in form."""
    realm = _realm(request, request.query_params.get("realm"))
    session = await self_service.who(provider_of(request), realm, sso_cookies(request))
    if session is None:
        return await _sign_in_page(request, realm)
    return await _overview_page(request, session, request.query_params.get("done", ""))


@router.post("/account/signin")
async def sign_in(request: Request) -> Response:
    try:
        visit = await _visit(request)
        typed = visit.typed(request, visit.form.get("username", ""))
        if problems := missing(typed.username, typed.password):
            return await _sign_in_page(request, visit.realm, problems, typed.username)
        try:
            secret = await self_service.sign_in(provider_of(request), visit.realm, typed, sso_cookies(request))
        except REFUSED as error:
            return await _sign_in_page(request, visit.realm, refusal(error), typed.username)
    except (OAuthError, TongbanError) as error:
        return await problem_page(request, error, "/account")
    return _back(visit.realm, secret)


@router.post("/account/change")
async def change(request: Request) -> Response:
    """End a session (`end`, `object` is its id) or all of them (`end_all`), take a consent back (`withdraw`)."""
    secret = None
    try:
        visit = await _visit(request)
        provider, session = provider_of(request), visit.session
        if visit.form.get("change") not in CHANGES:
            raise InvalidRequest("change is one of end, end_all, withdraw")
        if session is None:
            return await _sign_in_page(request, visit.realm)
        if not self_service.fresh(provider, session):
            typed = visit.typed(request, await self_service.username_of(provider, session))
            if not typed.password:
                return await _again_page(request, visit)
            try:
                secret = await self_service.sign_in(provider, visit.realm, typed, sso_cookies(request))
            except REFUSED as error:
                return await _again_page(request, visit, refusal(error, _wrong()))
        response = await _change(request, visit, session)
    except (OAuthError, TongbanError) as error:
        response = await problem_page(request, error, "/account")
    if secret is not None and "set-cookie" not in response.headers:
        set_sso_cookie(response, visit.realm, secret)
    return response


async def _change(request: Request, visit: Visit, session: SsoSession) -> Response:
    provider, kind, target = provider_of(request), visit.form["change"], visit.form.text("object", 100)
    if kind == "withdraw":
        await consents.withdraw(provider, session, target)
        return _back(visit.realm, done=kind)
    if kind == "end" and target != session.id:
        await self_service.end_one(provider, session, target)
        return _back(visit.realm, done=kind)
    one = kind == "end"
    frames = await (self_service.end_one(provider, session, target) if one else self_service.end_all(provider, session))
    response = await signed_out_page(request, None, frames)
    clear_sso_cookie(response, visit.realm)
    return response


@router.get("/account/password")
async def password(request: Request) -> Response:
    """The form for a new password."""
    realm = _realm(request, request.query_params.get("realm"))
    session = await self_service.who(provider_of(request), realm, sso_cookies(request))
    if session is None:
        return await _sign_in_page(request, realm)
    return await _password_page(request, realm)


@router.post("/account/password")
async def change_password(request: Request) -> Response:
    """A new password, for who types the present one."""
    try:
        visit = await _visit(request)
        if visit.session is None:
            return await _sign_in_page(request, visit.realm)
        provider = provider_of(request)
        typed = visit.typed(request, await self_service.username_of(provider, visit.session))
        problems = [] if typed.password else [Problem("password", gettext("请填现在的密码"))]
        if problems := problems + new_password(visit.form):
            return await _password_page(request, visit.realm, problems)
        try:
            secret = await self_service.change_password(provider, visit.session, typed, visit.form["new_password"])
        except REFUSED as error:
            return await _password_page(request, visit.realm, refusal(error, _wrong()))
    except (OAuthError, TongbanError) as error:
        return await problem_page(request, error, "/account")
    return _back(visit.realm, secret, "password")


def _realm(request: Request, asked: str | None) -> Realm:
    """The realm that is asked for; else the staff's where only staff has been signed in here."""
    if asked in tuple(Realm):
        return Realm(asked)
    cookies = sso_cookies(request)
    return Realm.STAFF if cookies[Realm.STAFF] and not cookies[Realm.CITIZEN] else Realm.CITIZEN


async def _visit(request: Request) -> Visit:
    form = await form_fields(request)
    realm = _realm(request, form.get("realm"))
    # A page that answers a post has no address of its own for the links to language and text size.
    path = "/account/password" if request.url.path.endswith("/password") else "/account"
    request.state.preferences = replace(preferences_of_scope(request.scope), path=path, query=f"realm={realm.value}")
    pages_of(request).forms.check(request, form.get("_token", ""))
    return Visit(realm, await self_service.who(provider_of(request), realm, sso_cookies(request)), form)


def _back(realm: Realm, secret: str | None = None, done: str = "") -> Response:
    response = see_other(f"/account?realm={realm.value}" + (f"&done={done}" if done else ""))
    if secret is not None:
        set_sso_cookie(response, realm, secret)
    return response


def _wrong() -> Problem:
    return Problem("password", gettext("密码不对，请核对"))


async def _form_page(
    request: Request, template: str, values: dict[str, object], wrong: Sequence[Problem] | Refusal = ()
) -> Response:
    """A page with a form, and what was wrong with what it had."""
    refused = isinstance(wrong, Refusal)
    problems = [wrong.problem] if isinstance(wrong, Refusal) else list(wrong)
    status = wrong.status if isinstance(wrong, Refusal) else 422 if problems else 200
    shown = {
        "problems": [(f"f-{p.field}" if p.field else "", p.words) for p in problems],
        "errors": {p.field: p.words for p in problems},
        "summary_title": gettext("没有登录上") if refused and template.endswith("signin.html") else "",
    }
    headers = wrong.headers if isinstance(wrong, Refusal) else None
    return await pages_of(request).render(request, template, values | shown, status=status, headers=headers)


async def _sign_in_page(
    request: Request, realm: Realm, wrong: Sequence[Problem] | Refusal = (), username: str = ""
) -> Response:
    values: dict[str, object] = {"realm": realm.value, "username": username}
    return await _form_page(request, "identity/account_signin.html", values, wrong)


async def _again_page(request: Request, visit: Visit, wrong: Refusal | tuple[()] = ()) -> Response:
    kept = {name: visit.form.get(name, "") for name in ("change", "object")}
    return await _form_page(request, "identity/account_again.html", {"realm": visit.realm.value, **kept}, wrong)


async def _password_page(request: Request, realm: Realm, wrong: Sequence[Problem] | Refusal = ()) -> Response:
    return await _form_page(request, "identity/account_password.html", {"realm": realm.value}, wrong)


async def _overview_page(request: Request, session: SsoSession, done: str) -> Response:
    found = await self_service.overview(provider_of(request), session)
    told = {
        "end": gettext("那一处已退出。"),
        "withdraw": gettext("已收回，它不能再来取您的信息。"),
        "password": gettext("密码改好了，其他各处都已退出。"),
    }
    values = {
        "realm": session.realm.value,
        "account": found.account,
        "places": [
            (place.session, gettext("、").join(pick(c.client_name) for c in place.clients), place.here)
            for place in found.places
        ],
        "agreed": [
            (one, pick(one.client.client_name) if one.client else one.client_id, _told(one.consent))
            for one in found.consents
        ],
        "done": told.get(done, ""),
    }
    return await pages_of(request).render(request, "identity/account.html", values)


def _told(consent: Consent) -> str:
    return gettext("、").join(words for words, _ in in_words(consent))
