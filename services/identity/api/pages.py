"""The pages of identity: what each shows. Words are in the templates and locales."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from urllib.parse import urlencode, urlsplit

from fastapi import Request
from starlette.responses import Response

from services.identity.api.problems import Problem
from services.identity.api.reading import MAX_BODY
from services.identity.api.words import in_words
from services.identity.domain.clients import Client
from services.identity.domain.parameters import Parameters
from services.identity.domain.redirects import form_target, origin
from services.identity.errors import InvalidRequest, OAuthError, RequestTooLarge
from services.identity.handlers.authorize import AskConsent, AskPerson, SendBack
from services.identity.handlers.consents import shown_to
from services.identity.handlers.logout import AskToSignOut
from services.kit.errors import TongbanError, TooLarge
from services.kit.pages import (
    CHINESE,
    ENGLISH,
    LANGUAGE_COOKIE,
    LANGUAGES,
    Form,
    FormExpired,
    Frame,
    Pages,
    gettext,
    parse_form,
    preferences_of_scope,
    read_body,
)
from services.kit.pages.headers import content_policy
from services.kit.pages.problems import words
from services.kit.telemetry import trace_id

FRAMES_SECONDS = 2
"""How long clients' logout pages have to load before the browser goes on."""


def pages_of(request: Request) -> Pages:
    """The pages of this process."""
    found = request.app.state.pages
    assert isinstance(found, Pages)
    return found


async def frame(request: Request) -> Frame:
    """What surrounds every page of ours."""
    return Frame(
        brand=gettext("通办"),
        menu_label=gettext("语言和字号"),
        phone="12345",
        phone_note=gettext("咨询、投诉、建议，24 小时有人接"),
    )


async def form_fields(request: Request) -> Form:
    """A posted form of ours, its token not checked yet. Raises InvalidRequest, RequestTooLarge."""
    try:
        return parse_form(await read_body(request, MAX_BODY))
    except TooLarge:
        raise RequestTooLarge("the form is too large") from None
    except TongbanError:
        raise InvalidRequest("the form cannot be read") from None


def speak(request: Request, waiting: Parameters, asked: Parameters | None = None) -> None:
    """Speak the reader's own choice, else `ui_locales` (OpenID Connect Core §3.1.2.1); keep the waiting request in the
    links that change language or text size, wherever the page was posted to. `asked`: what it is a reference to.
    """
    path = "/logout" if request.url.path.startswith("/logout") else "/authorize"
    preferences = replace(preferences_of_scope(request.scope), path=path, query=urlencode(waiting.pairs()))
    if request.cookies.get(LANGUAGE_COOKIE) not in LANGUAGES:
        for tag in (asked or waiting).words("ui_locales"):
            found = {"zh": CHINESE, "en": ENGLISH}.get(tag.lower().partition("-")[0])
            if found:
                preferences = replace(preferences, language=found)
                pages_of(request).library.languages.use(found)
                break
    request.state.preferences = preferences


async def sign_in_page(
    request: Request,
    asked: AskPerson,
    problems: Sequence[Problem] = (),
    username: str = "",
    *,
    title: str = "",
    status: int = 200,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """The sign-in form, or the choice of the present account. `title` stands over `problems`."""
    parameters = asked.parameters
    speak(request, asked.waiting, parameters)
    values = {
        "client": asked.client,
        "waiting": urlencode(asked.waiting.pairs()),
        "choose": asked.choose,
        "summary_title": title,
        "problems": [(f"f-{p.field}" if p.field else "", p.words) for p in problems],
        "errors": {p.field: p.words for p in problems},
        "username": username or parameters.get("login_hint", ""),
    }
    # A form's answer leads back to the client; browsers apply form-action to that redirect too.
    policy = content_policy(asked.client.origins(parameters["redirect_uri"]))
    given = {"content-security-policy": policy, **(headers or {})}
    return await pages_of(request).render(request, "identity/signin.html", values, status=status, headers=given)


async def consent_page(request: Request, asked: AskConsent) -> Response:
    """Whether the client may have what it asks for, each thing in plain words."""
    target = urlsplit(asked.parameters["redirect_uri"])
    speak(request, asked.waiting, asked.parameters)
    values = {
        "client": asked.client,
        "waiting": urlencode(asked.waiting.pairs()),
        "shown_to": shown_to(asked.session_id),
        "name": asked.name,
        "told": in_words(asked.asked),
        # A name may be anybody's; where the answer goes is the client's own (of an app, the scheme).
        "host": target.hostname or target.scheme,
    }
    headers = {"content-security-policy": content_policy(asked.client.origins(asked.parameters["redirect_uri"]))}
    return await pages_of(request).render(request, "identity/consent.html", values, headers=headers)


async def form_post_page(request: Request, back: SendBack) -> Response:
    """The answer as a form that posts itself, or by its button where scripts are off (OAuth 2.0 Form Post Response
    Mode §2). The values are HTML-escaped and nothing else.
    """
    values = {"client": back.client, "target": back.redirect_uri, "members": back.members}
    headers = {
        "content-security-policy": content_policy(back.client.origins(back.redirect_uri)),
        # With same-origin the post would come with `Origin: null`, which tells the client nothing.
        "referrer-policy": "strict-origin",
    }
    return await pages_of(request).render(request, "identity/form_post.html", values, headers=headers)


async def sign_out_page(request: Request, asked: AskToSignOut) -> Response:
    """The question whether to sign out."""
    target = asked.parameters.get("post_logout_redirect_uri")
    policy = content_policy([form_target(target)] if target else [])
    values = {"client": asked.client, "waiting": urlencode(asked.parameters.pairs())}
    headers = {"content-security-policy": policy}
    return await pages_of(request).render(request, "identity/signout.html", values, headers=headers)


async def signed_out_page(
    request: Request, client: Client | None, frames: Sequence[str] = (), location: str | None = None
) -> Response:
    """Signed out. `frames` are loaded unseen (OpenID Connect Front-Channel Logout §3), then it goes on to `location`,
    by itself or by a link.
    """
    headers = {}
    if frames:
        origins = sorted({origin(uri) for uri in frames})
        headers["content-security-policy"] = f"{content_policy()}; frame-src {' '.join(origins)}"
    if location is not None:
        headers["refresh"] = f"{FRAMES_SECONDS}; url={location}"
    values = {"client": client, "frames": frames, "location": location}
    return await pages_of(request).render(request, "identity/signed_out.html", values, headers=headers)


async def home_page(request: Request, clients: Mapping[str, Client]) -> Response:
    """Who we are and where people may go on: our own surfaces, never what strangers registered."""
    doors = [client for client in clients.values() if client.client_uri and client.first_party]
    return await pages_of(request).render(request, "identity/home.html", {"doors": doors})


async def error_page(request: Request, error: OAuthError | TongbanError) -> Response:
    """An error shown here: client or redirect URI cannot be trusted, so nothing is sent there (RFC 6749 §4.1.2.1)."""
    if isinstance(error, OAuthError):
        status, code = error.status, f"{error.code}: {error.description}"
    else:
        status, code = error.kind.status, error.slug
    values = {"code": code, "reference": trace_id()}
    return await pages_of(request).render(request, "identity/error.html", values, status=status)


async def problem_page(request: Request, error: OAuthError | TongbanError, retry: str) -> Response:
    """An error of the pages that no client sent people to, with a way to try again."""
    status = error.status if isinstance(error, OAuthError) else error.kind.status
    title, lines = words(status, posting=True)
    if isinstance(error, FormExpired):
        title, lines = gettext("请再交一次"), [gettext("页面开得太久，或者在别处登录过。请打开这一页再交一次。")]
    values = {"title": title, "lines": lines, "retry": retry, "reference": trace_id()}
    return await pages_of(request).render(request, "kit/error.html", values, status=status)
