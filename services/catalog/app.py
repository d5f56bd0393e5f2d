"""Composition root of the catalogue."""

from collections import OrderedDict

from services.catalog.api import (
    appeals,
    bundles,
    codes,
    corrections,
    coverage,
    divisions,
    eligibility,
    history,
    items,
    organisations,
    registers,
    revisions,
    search,
)
from services.catalog.handlers.reading import Uses
from services.catalog.handlers.search import Answers, warm
from services.catalog.indexer import Indexer
from services.catalog.publisher import Publisher
from services.catalog.settings import CatalogSettings
from services.catalog.store.tables import TABLES
from services.contracts import topics
from services.kit.audit import Sealer
from services.kit.auth import TokenVerifier
from services.kit.broker import start_producer
from services.kit.http import api_app
from services.kit.outbox import Relay
from services.kit.replays import ProofPruner
from services.kit.service import Context, Service, Worker

TITLE = "Tongban catalogue"
LARGEST_FILE = 16 * 1024 * 1024
"""Of organisations, sent over HTTP; the command takes any."""
PUBLISHES = (topics.CATALOG_ORGANISATIONS, topics.CATALOG_ITEMS, topics.CATALOG_RESOURCES)


def build(settings: CatalogSettings) -> Service:
    """The catalogue, opened by nothing yet. It hears no topic."""
    context = Context.of(settings, TABLES)
    routers = [
        items.router,
        search.router,
        eligibility.router,
        bundles.router,
        codes.router,
        organisations.router,
        divisions.router,
        revisions.router,
        history.router,
        registers.router,
        appeals.router,
        corrections.router,
        coverage.router,
    ]
    verifier = TokenVerifier(settings)
    app = api_app(context, title=TITLE, routers=routers, verifier=verifier, max_upload_bytes=LARGEST_FILE)
    app.state.uses, app.state.answers, app.state.guides = Uses(context), Answers(context), OrderedDict()
    app.state.topics = None
    relay = Relay(context, lambda: start_producer(settings))
    workers: list[Worker] = [relay, Publisher(context), Indexer(context), Sealer(context), ProofPruner(context)]
    return Service(context, app, workers=workers, serving=[lambda: warm(context)], topics=PUBLISHES)
