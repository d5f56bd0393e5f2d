"""Composition root: the one place that reads the settings and wires the front door."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path

import httpx
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.routing import BaseRoute, Route

from services.gateway.api import bearer
from services.gateway.clients import ServiceClient, http_client
from services.gateway.consumers import TOPICS, LiveReader
from services.gateway.edge import Dispatch, Rates, Refusals
from services.gateway.errors import SignInFailed, SignInNeeded
from services.gateway.handlers.sessions import OwnTokens, SessionKeeper
from services.gateway.hub import Hub
from services.gateway.provider import Client, Provider
from services.gateway.settings import GatewaySettings
from services.gateway.store import TABLES, Work
from services.gateway.surfaces import live, registry, signing
from services.gateway.surfaces.base import SERVICES, Site, Surface
from services.gateway.surfaces.common import casework, guide, terms
from services.kit.audit import Sealer
from services.kit.clock import utc_now
from services.kit.crypto import Crypto, master_keys
from services.kit.http import Edge, api_app
from services.kit.pages import Library, Pages, install_errors
from services.kit.service import Context, Service

HERE = Path(__file__).parent
PRUNE_SECONDS = 300
MOST_BODY_BYTES = 2**40


class Pruner:
    """Removes sessions, logout tokens and held forms that have ended."""

    name = "pruner"

    def __init__(self, context: Context, kept: Mapping[str, int]) -> None:
        self._context = context
        self._kept = kept

    async def run(self) -> None:
        while True:
            async with Work(self._context) as work:
                await work.prune(self._kept)
            await asyncio.sleep(PRUNE_SECONDS)

    async def health(self) -> str | None:
        return None


def build(
    settings: GatewaySettings,
    transport: httpx.AsyncBaseTransport | None = None,
    clock: Callable[[], datetime] = utc_now,
) -> Service:
    """The gateway as its settings say. Tests put `transport` in place of the network and `clock` in place of time."""
    context = Context.of(settings, TABLES, clock=clock)
    crypto = context.crypto = Crypto(context)
    http = http_client(settings.call_seconds, settings.outbound_ca_file, transport)
    provider = Provider(settings.issuer, http, context.clock)
    services = {name: ServiceClient(name, settings.service_url(name), http) for name in SERVICES}
    own = OwnTokens(Client(provider, "gateway", settings.private_key.get_secret_value()))
    hub = Hub(settings.live_streams)
    chosen = registry.surfaces(settings.surfaces)
    folders = [HERE, *dict.fromkeys(folder for surface in chosen for folder in (*surface.also, surface.folder))]
    helpers = {"now": context.clock, "casework": casework, "guide": guide, "terms": terms}
    library = Library(folders, settings.assets_dir, helpers)

    def site_of(surface: Surface) -> Site:
        origin = settings.origin(surface.name)
        client = Client(provider, surface.name, settings.client_key(surface.name), origin)
        site: Site

        async def frame(request: Request):  # type: ignore[no-untyped-def]
            return await surface.frame(site, request)

        pages = Pages(
            library,
            surface=surface.name,
            origin=origin,
            key=derived_key(settings, f"forms {surface.name}"),
            frame=frame,
            # Signing out, and a form posted after the session ended, lead to the provider.
            form_targets=(settings.issuer,),
        )
        site = Site(
            surface=surface,
            origin=origin,
            issuer=settings.issuer,
            pages=pages,
            sessions=SessionKeeper(context, crypto, surface.name, settings.lives(surface.name), client),
            client=client,
            services=services,
            own=own,
            hub=hub,
            lives=settings.lives(surface.name),
            transaction_key=derived_key(settings, f"sign-in {surface.name}"),
            upload_bytes=settings.upload_bytes,
            clock=context.clock,
        )
        return site

    sites = [site_of(surface) for surface in chosen]
    # Only a session that is still known can be signed out at the provider: the next person must not be signed in by it.
    kept = {name: settings.kiosk_kept_seconds for name, surface in registry.KNOWN.items() if surface.shared_device}
    api = api_app(context, title="Tongban", routers=[bearer.router], max_upload_bytes=settings.upload_bytes)
    api.state.services = services
    api.state.http = http
    api.state.described = {}
    api.state.certificate_header = settings.client_certificate_header
    dispatch = Dispatch(
        # The limit of a body is the reading view's, which says it in words; /api has an edge of its own.
        {site.origin: Edge(surface_app(site), "gateway", MOST_BODY_BYTES) for site in sites},
        {site.origin: api for site in sites if site.surface.name == "portal"},
        Rates(settings),
    )

    async def close() -> None:
        await http.aclose()

    return Service(
        context=context,
        app=dispatch,
        workers=[Pruner(context, kept), Sealer(context)],
        api_workers=[LiveReader(context, hub), crypto],
        start=[crypto.load],
        stop=[close],
        drain=[hub.close],
        topics=TOPICS,
        ports=settings.listen_ports(),
    )


def surface_app(site: Site) -> Starlette:
    """One surface as an application: its own routes and those that every surface has."""
    routes: Sequence[BaseRoute] = [
        *signing.routes(),
        Route("/live/cases/{case_id}", live.case_stream, methods=["GET"]),
        *site.surface.routes(),
    ]
    app = Starlette(routes=list(routes))
    app.state.site = site
    app.router.redirect_slashes = False
    site.pages.install(app)
    app.add_exception_handler(SignInNeeded, signing.needed)
    app.add_exception_handler(SignInFailed, signing.failed)
    install_errors(app, site.pages, again="gateway/again.html")
    app.user_middleware.append(Middleware(Refusals))
    return app


def derived_key(settings: GatewaySettings, purpose: str) -> bytes:
    """32 bytes for one purpose, the same in every process, from the master key (RFC 5869)."""
    master = master_keys(settings)[0]
    return HKDF(SHA256(), 32, b"tongban gateway", purpose.encode()).derive(master)
