"""What every surface stands on: its description, its running site, and what a view may ask of it.

A surface is a package under `surfaces/` that exports one `Surface`: name, routes, the frame around its pages, its
folder with templates. `Site` is a surface running in this process; a view gets it with `Site.of(request)`:

    async def inbox(request: Request) -> Response:
        site = Site.of(request)
        session = await site.signed_in(request)               # else the sign-in, and back here
        page = await site.get(session, "notify", "/messages")
        return await site.pages.render(request, "portal/inbox.html", {"messages": page["items"]})
"""

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute

from services.gateway.clients import Answer, ServiceClient
from services.gateway.domain.sessions import Session
from services.gateway.errors import ServiceAway, ServiceProblem, SignInNeeded, StepUpNeeded
from services.gateway.handlers.sessions import OwnTokens, SessionKeeper
from services.gateway.hub import Hub
from services.gateway.provider import Client
from services.gateway.settings import Lives
from services.kit.errors import Kind, Malformed, TongbanError
from services.kit.ids import new_id
from services.kit.pages import Form, Frame, Pages, posted

# What codes of other systems hold besides is among it: dots, underscores, brackets.
_ID = re.compile(r"[0-9A-Za-z][0-9A-Za-z._()-]{0,79}")
SERVICES = ("catalog", "cases", "notify")
OPTIONAL_SECONDS = 1.5
"""Longest wait for what a page can do without."""


@dataclass(frozen=True)
class Surface:
    """The description of a surface. `resources`: the services whose tokens its sessions need.

    `also`: folders of other surfaces whose templates its pages use. `shared_device`: leaving it leaves nothing in the
    browser.
    """

    name: str
    routes: Callable[[], Sequence[BaseRoute]]
    frame: Callable[["Site", Request], Awaitable[Frame]]
    folder: Path
    resources: tuple[str, ...] = ("cases", "notify")
    also: tuple[Path, ...] = ()
    shared_device: bool = False
    signed_out_template: str = "gateway/signed-out.html"
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass
class Site:
    """A surface running in this process."""

    surface: Surface
    origin: str
    issuer: str
    pages: Pages
    sessions: SessionKeeper
    client: Client
    services: Mapping[str, ServiceClient]
    own: OwnTokens
    hub: Hub
    lives: Lives
    transaction_key: bytes
    upload_bytes: int
    clock: Callable[[], datetime]

    @staticmethod
    def of(request: Request) -> "Site":
        """The site that answers `request`."""
        site: Site = request.app.state.site
        return site

    @property
    def cookie(self) -> str:
        return f"__Host-tb-{self.surface.name}"

    async def session(self, request: Request) -> Session | None:
        """Who is signed in, or None. Looked up once in a request."""
        if not hasattr(request.state, "session"):
            used = not getattr(request.state, "background", False)
            request.state.session = await self.sessions.find(request.cookies.get(self.cookie), used=used)
        found: Session | None = request.state.session
        return found

    async def signed_in(self, request: Request) -> Session:
        """Who is signed in. Raises SignInNeeded, which leads to the sign-in and back.

        A form with `hold` was sent by a page whose session ended (session.js): it is kept and not done, whoever has
        signed in since.
        """
        session = await self.session(request)
        form = posted(request)
        if session is None or (form is not None and form.get("hold")):
            raise SignInNeeded
        return session

    async def call(self, session: Session | None, service: str, method: str, path: str, **parts: Any) -> Answer:
        """Call a service as who is signed in, or as the gateway itself. Raises ServiceProblem, ServiceAway, and
        StepUpNeeded, which leads to a new sign-in and back, where the service asks for one.

        A token that the service refuses is replaced once: keys may have been rotated away under it.
        """
        client = self.services[service]
        if session is None:
            return await client.call(method, path, await self.own.token(client.audience), **parts)
        token = await self.sessions.access_token(session, client.audience)
        try:
            return await client.call(method, path, token, **parts)
        except TongbanError as error:
            if error.slug == "insufficient-user-authentication":
                raise StepUpNeeded(int(error.members.get("max_age", 0))) from None
            if error.kind is not Kind.UNAUTHENTICATED or parts.get("content") is not None:
                raise
        token = await self.sessions.access_token(session, client.audience, again=True)
        return await client.call(method, path, token, **parts)

    async def get(self, session: Session | None, service: str, path: str, **params: Any) -> Any:
        """The body of a GET; parameters that are None or empty are left out."""
        given = {name: value for name, value in params.items() if value not in (None, "")}
        return (await self.call(session, service, "GET", path, params=given)).body

    async def get_or(self, default: Any, session: Session | None, service: str, path: str, **params: Any) -> Any:
        """The same for what a page can do without: `default` where the service is slow, away or has no such thing."""
        given = {name: value for name, value in params.items() if value not in (None, "")}
        try:
            return (await self.call(session, service, "GET", path, params=given, timeout=OPTIONAL_SECONDS)).body
        except (ServiceAway, ServiceProblem):
            return default

    async def form(self, request: Request, **limits: int) -> Form:
        """The posted form, checked; `limits` where it is larger than most (see `FormGuard.read`).

        Raises Malformed, TooLarge, Unsupported, FormExpired.
        """
        return await self.pages.forms.read(request, **limits)

    async def hold(self, subject: str, form: Form) -> str:
        """Keep a form over a sign-in; the id for `held`."""
        return await self.sessions.hold(subject, {name: form.many(name) for name in form if not name.startswith("_")})

    async def held(self, request: Request, session: Session) -> Form | None:
        """What was typed before the sign-in that led back here, once."""
        id_ = request.query_params.get("held", "")
        values = await self.sessions.take_held(session, id_) if _ID.fullmatch(id_) else None
        return None if values is None else Form([(name, value) for name, many in values.items() for value in many])


def path_id(request: Request, name: str) -> str:
    """An id from the path, safe to put into a service's path; anything else is a page that is not there."""
    value = str(request.path_params[name])
    if not _ID.fullmatch(value):
        raise HTTPException(404)
    return value


def version_of(form: Form) -> str:
    """The version that a form was made from, as an entity tag. Raises Malformed."""
    value = form.text("version", 12)
    if not re.fullmatch(r"[0-9]+", value):
        raise Malformed("a version is a number")
    return f'"{value}"'


def key_of(value: str) -> str:
    """A form's idempotency key, a new one where it has none. Raises Malformed."""
    if not re.fullmatch(r"[A-Za-z0-9-]{0,100}", value):
        raise Malformed("a key is letters, digits and hyphens")
    return value or new_id()


def leads_to(address: str) -> Callable[[Request], Awaitable[Response]]:
    """A view for what is only posted to: asked for by GET (after a sign-in, a change of language) it leads on."""

    async def view(request: Request) -> Response:
        return see_other(address.format(**{name: path_id(request, name) for name in request.path_params}))

    return view


def part_asked(request: Request, id_: str) -> bool:
    """Whether htmx asks for the part of the page with this id alone (it names its target as tag#id)."""
    return request.headers.get("hx-target", "").rpartition("#")[2] == id_


def see_other(address: str) -> Response:
    """Go on to `address` with a GET (RFC 9110 §15.4.4)."""
    return RedirectResponse(address, 303)


def sign_in_address(next_: str, max_age: int | None = None) -> str:
    """The address that leads to the sign-in and then to `next_`. `max_age`: how long ago the last one may have been."""
    return f"/signin?next={quote(next_, safe='')}" + (f"&max_age={max_age}" if max_age is not None else "")
