"""Webhooks: queue events for whom they concern, sign each try, say what became of it, ask a sink first."""

import contextlib
from typing import Any

import orjson

from services.contracts.base import SPEC_VERSION, Envelope, EventData
from services.contracts.cases_events import CaseEvent
from services.kit import deliveries
from services.kit.audit import AuditEntry
from services.kit.deliveries import Content, Outgoing, Owner
from services.kit.deliveries.outbound import Outbound, OutboundFailed
from services.kit.events import event_of
from services.kit.ids import new_id
from services.kit.telemetry import log
from services.notify import events
from services.notify.domain.subscriptions import EVERY, Secret, Status, Subscription, signed_headers
from services.notify.errors import SubscriptionNotFound
from services.notify.handlers.work import Work
from services.notify.settings import NotifySettings

BUILDER = "webhook"
CONTENT_TYPE = "application/cloudevents+json"
PING_TYPE = "cn.tongban.notify.ping.v1"


async def queue_webhooks(event: Envelope, work: Work) -> int:
    """Queue an event for every subscription that wants it, once for each. How many."""
    data = event.data
    if not isinstance(data, CaseEvent):
        return 0
    async with work:
        wanting = [s for s in await work.subscriptions.queueing() if s.wants(event, data.organisation.id)]
        if not wanting:
            return 0
        body = orjson.dumps(event.structured())
        for subscription in wanting:
            await deliveries.queue(
                work,
                endpoint_id=subscription.id,
                order_key=event.subject,
                event_id=event.id,
                builder=BUILDER,
                body=body,
                content_type=CONTENT_TYPE,
            )
        return len(wanting)


async def sign(work: Any, outgoing: Outgoing) -> Content:
    """The builder of webhooks: the queued CloudEvent under a new timestamp and the secrets of the moment."""
    assert isinstance(work, Work)
    secrets = await work.subscriptions.secrets(outgoing.endpoint_id)
    if not secrets:
        raise SubscriptionNotFound  # removed a moment ago: nothing goes out unsigned
    return Content(signed_headers(secrets, outgoing.event_id, outgoing.now, outgoing.body), outgoing.body)


class Reporter(Owner):
    """Publishes on notify.deliveries what became of webhooks; a subscription's events are numbered without a gap."""

    async def delivered(self, work: Work, endpoint_id: str, event_id: str, attempts: int) -> None:
        await _publish(work, endpoint_id, lambda org: events.webhook_delivered(endpoint_id, org, event_id, attempts))

    async def parked(self, work: Work, endpoint_id: str, event_id: str, attempts: int, cause: str) -> None:
        await _publish(
            work, endpoint_id, lambda org: events.webhook_parked(endpoint_id, org, event_id, attempts, cause)
        )

    async def disabled(self, work: Work, endpoint_id: str, cause: str) -> None:
        await work.subscriptions.change(endpoint_id, status=Status.DISABLED.value, reason=cause)
        work.audit(
            AuditEntry("system:deliveries", "subscription.disable", "subscription", endpoint_id, result=cause[:64])
        )
        await _publish(work, endpoint_id, lambda org: events.subscription_disabled(endpoint_id, org, cause))


async def _publish(work: Work, subscription_id: str, make: Any) -> None:
    counted = await work.subscriptions.count_event(subscription_id)
    if counted is None:
        return  # removed while the attempt was under way
    version, organisation = counted
    data: EventData = make(organisation)
    work.publish(event_of(data, subject=subscription_id, version=version, time=work.now()))


class SinkCheck:
    """Asks a sink whether it wants to be called, before anything is sent there."""

    def __init__(self, settings: NotifySettings) -> None:
        self._origin = settings.origin
        self._outbound = Outbound(settings, timeout=min(10.0, settings.delivery_timeout_seconds))

    async def permitted(self, sink: str) -> bool:
        """Whether the address guard would let us call it at all."""
        try:
            await self._outbound.check(sink)
        except OutboundFailed:
            return False
        return True

    async def refusal(self, subscription: Subscription, secrets: list[Secret], work: Work) -> str | None:
        """None when the sink agrees, else why not, in a word.

        It agrees by the CloudEvents handshake (HTTP 1.1 Web Hooks for Event Delivery §4) or by answering a signed ping
        with 2xx.
        """
        asked = {"webhook-request-origin": self._origin}
        with contextlib.suppress(OutboundFailed):
            answer = await self._outbound.send("OPTIONS", subscription.sink, asked)
            allowed = answer.headers.get("webhook-allowed-origin", "").strip()
            if 200 <= answer.status < 300 and allowed.lower() in (EVERY, self._origin.lower()):
                return None
        now = work.now()
        ping = {
            "specversion": SPEC_VERSION,
            "id": new_id(),
            "source": "urn:tongban:notify",
            "type": PING_TYPE,
            "subject": subscription.id,
            "time": now.isoformat(),
        }
        body = orjson.dumps(ping)
        headers = signed_headers(secrets, ping["id"], now, body) | {"content-type": CONTENT_TYPE}
        try:
            answer = await self._outbound.send("POST", subscription.sink, headers, body)
        except OutboundFailed as error:
            return error.cause
        if 200 <= answer.status < 300:
            return None
        log.info("webhooks.sink_refused", subscription=subscription.id, status=answer.status)
        return f"HTTP {answer.status}"

    async def close(self) -> None:
        await self._outbound.close()
