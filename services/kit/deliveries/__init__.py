"""Deliveries: the one way out over HTTP, for webhooks and logout tokens alike.

A handler registers an endpoint and queues contents in its own transaction; the `Deliveries` worker
(`services.kit.deliveries.worker`) sends them soon after the commit, in order for each key, and tries for 120 hours.

    await deliveries.register(work, subscription.id, subscription.sink)
    await deliveries.queue(work, endpoint_id=subscription.id, order_key=case_id, event_id=event.id, builder="webhook",
                           body=body, content_type="application/cloudevents+json")

    Deliveries(context, make_work=lambda: Work(context), builders={"webhook": sign})   # app.py, among the workers
"""

from services.kit.deliveries.book import (
    MAX_IN_FLIGHT,
    attempts,
    counts,
    delivery,
    endpoint,
    pause,
    queue,
    redeliver,
    register,
    remove,
    resume,
)
from services.kit.deliveries.rules import Policy
from services.kit.deliveries.tables import DeliveryTables, delivery_tables
from services.kit.deliveries.types import Builder, Content, Outgoing, Owner

__all__ = [
    "MAX_IN_FLIGHT",
    "Builder",
    "Content",
    "DeliveryTables",
    "Outgoing",
    "Owner",
    "Policy",
    "attempts",
    "counts",
    "delivery",
    "delivery_tables",
    "endpoint",
    "pause",
    "queue",
    "redeliver",
    "register",
    "remove",
    "resume",
]
