"""What notify hears: every event of a case, for its applicant's inbox and for departments' systems."""

from services.contracts import topics
from services.kit.consumers import Consumers, Received
from services.notify.handlers.inbox import remember_step
from services.notify.handlers.webhooks import queue_webhooks
from services.notify.handlers.work import Work

consumers = Consumers("notify")


@consumers.on_topic(topics.CASES_EVENTS)
async def tell_applicant(event: Received, work: Work) -> None:
    await remember_step(event, work)


@consumers.on_topic(topics.CASES_EVENTS)
async def tell_departments(event: Received, work: Work) -> None:
    await queue_webhooks(event, work)
