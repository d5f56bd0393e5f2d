"""Composition root of notify."""

from services.contracts import topics
from services.kit.audit import Sealer
from services.kit.auth import TokenVerifier
from services.kit.broker import faststream_broker, start_producer
from services.kit.consumers import Consumer
from services.kit.crypto import Crypto
from services.kit.deliveries.worker import Deliveries
from services.kit.http import api_app
from services.kit.idempotency import Pruner
from services.kit.outbox import Relay
from services.kit.replays import ProofPruner
from services.kit.service import Context, Service
from services.notify import store
from services.notify.api import ROUTERS
from services.notify.consumers import consumers
from services.notify.handlers.webhooks import BUILDER, Reporter, SinkCheck, sign
from services.notify.handlers.work import Work
from services.notify.settings import NotifySettings

TITLE = "Tongban messages and subscriptions"


def build(settings: NotifySettings) -> Service:
    """notify, opened by nothing yet."""
    context = Context.of(settings, store.TABLES)
    context.crypto = crypto = Crypto(context)
    check = SinkCheck(settings)
    app = api_app(context, title=TITLE, routers=ROUTERS, verifier=TokenVerifier(settings))
    app.state.sink_check = check

    def make_work() -> Work:
        return Work(context)

    return Service(
        context,
        app,
        workers=[
            Relay(context, lambda: start_producer(settings)),
            Consumer(context, consumers, lambda: faststream_broker(settings), make_work),
            Deliveries(
                context, make_work=make_work, builders={BUILDER: sign}, owner=Reporter(), policy=settings.policy
            ),
            Sealer(context),
            Pruner(context),
            ProofPruner(context),
            crypto,
        ],
        api_workers=[crypto],
        start=[crypto.load],
        stop=[check.close],
        topics=(*consumers.topics, topics.NOTIFY_DELIVERIES),
    )
