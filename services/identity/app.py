"""Composition root of identity."""

import hashlib
import hmac
from pathlib import Path

from services.contracts import topics
from services.identity import store
from services.identity.api import ROUTERS
from services.identity.api.cors import Cors
from services.identity.api.doors import install_doors
from services.identity.api.metadata import check_document, document
from services.identity.api.pages import frame
from services.identity.api.reading import RawQuery
from services.identity.domain.keys import KeyState
from services.identity.handlers.backchannel import BUILDER, POLICY, logout_token_builder
from services.identity.handlers.clients import declare_clients
from services.identity.handlers.keys import ensure_keys
from services.identity.handlers.provider import Provider
from services.identity.handlers.workers import Housekeeping
from services.identity.settings import IdentitySettings
from services.kit.audit import Sealer
from services.kit.broker import start_producer
from services.kit.crypto import Crypto, master_keys
from services.kit.deliveries.worker import Deliveries
from services.kit.http import api_app
from services.kit.outbox import Relay
from services.kit.pages import Library, Pages
from services.kit.service import Context, Service, Worker

TITLE = "Tongban identity"
PUBLISHES = (topics.IDENTITY_ACCOUNTS, topics.IDENTITY_SESSIONS)


def build(settings: IdentitySettings) -> Service:
    """The OpenID provider, opened by nothing yet. It hears no topic and needs neither Kafka nor another service."""
    check_document(document(settings.issuer))
    context = Context.of(settings, store.TABLES)
    crypto = context.crypto = Crypto(context)
    provider = Provider(context, settings)
    pages = Pages(
        Library([Path(__file__).parent], settings.assets_dir),
        surface="identity",
        origin=settings.issuer,
        # Every replica has the master key, and so the key of the forms' tokens.
        key=hmac.new(master_keys(settings)[0], b"tongban identity forms", hashlib.sha256).digest(),
        frame=frame,
    )
    app = api_app(context, title=TITLE, routers=ROUTERS)
    app.state.provider = provider
    app.state.pages = pages
    app.add_middleware(RawQuery)
    pages.install(app)
    app.add_middleware(Cors, provider=provider)
    install_doors(app, provider, pages)

    async def prepare() -> None:
        # What signs; the worker publishes its successors at once, while this answers already.
        await ensure_keys(provider.work(), (KeyState.SIGNING,))
        await declare_clients(provider)
        await provider.keys.ring()

    workers: list[Worker] = [
        Relay(context, lambda: start_producer(settings)),
        Deliveries(
            context,
            make_work=provider.work,
            builders={BUILDER: logout_token_builder(provider)},
            policy=POLICY,
        ),
        Housekeeping(provider),
        Sealer(context),
        crypto,
    ]
    return Service(
        context,
        app,
        workers=workers,
        api_workers=[crypto],
        start=[crypto.load],
        serving=[prepare],
        stop=[provider.passwords.close],
        topics=PUBLISHES,
    )
