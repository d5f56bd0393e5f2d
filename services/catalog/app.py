"""Composition root of the catalogue."""

from services.catalog.api import codes, divisions, items, organisations
from services.catalog.settings import CatalogSettings
from services.catalog.store.tables import TABLES
from services.contracts import topics
from services.kit.audit import Sealer
from services.kit.auth import TokenVerifier
from services.kit.broker import start_producer
from services.kit.http import api_app
from services.kit.outbox import Relay
from services.kit.replays import ProofPruner
from services.kit.service import Context, Service

TITLE = "Tongban catalogue"
PUBLISHES = (topics.CATALOG_ORGANISATIONS, topics.CATALOG_ITEMS, topics.CATALOG_RESOURCES)


def build(settings: CatalogSettings) -> Service:
    """The catalogue, opened by nothing yet. It hears no topic, so its only worker is the relay."""
    context = Context.of(settings, TABLES)
    routers = [items.router, codes.router, organisations.router, divisions.router]
    app = api_app(context, title=TITLE, routers=routers, verifier=TokenVerifier(settings))
    relay = Relay(context, lambda: start_producer(settings))
    return Service(context, app, workers=[relay, Sealer(context), ProofPruner(context)], topics=PUBLISHES)
