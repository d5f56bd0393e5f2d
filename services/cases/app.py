"""Composition root of the cases service."""

from services.cases.api import cases, desk, drafts
from services.cases.consumers import consumers
from services.cases.settings import CasesSettings
from services.cases.store.tables import TABLES
from services.cases.store.work import CasesContext, Work
from services.cases.sweeper import Sweeper
from services.contracts import topics
from services.kit.audit import Sealer
from services.kit.auth import TokenVerifier
from services.kit.broker import faststream_broker, start_producer
from services.kit.consumers import Consumer
from services.kit.http import api_app
from services.kit.idempotency import Pruner
from services.kit.outbox import Relay
from services.kit.replays import ProofPruner
from services.kit.service import Service

TITLE = "Tongban cases"
PUBLISHES = (topics.CASES_EVENTS,)


def build(settings: CasesSettings) -> Service:
    """The cases service, opened by nothing yet."""
    context = CasesContext.of(settings, TABLES)
    app = api_app(
        context,
        title=TITLE,
        routers=[drafts.router, cases.router, desk.router],
        hot=cases.HOT,
        verifier=TokenVerifier(settings),
        max_upload_bytes=settings.max_upload_bytes,
    )
    return Service(
        context,
        app,
        workers=[
            Relay(context, lambda: start_producer(settings)),
            Consumer(context, consumers, lambda: faststream_broker(settings), lambda: Work(context)),
            Sweeper(context),
            Sealer(context),
            Pruner(context),
            ProofPruner(context),
            context.crypto,
        ],
        api_workers=[context.crypto],
        start=[context.crypto.load],
        topics=[*PUBLISHES, *consumers.topics],
    )
