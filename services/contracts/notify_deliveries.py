"""Topic notify.deliveries: what became of webhooks to departments' systems."""

from typing import ClassVar

from services.contracts.base import EventData


class DeliveryEvent(EventData):
    topic: ClassVar[str] = "notify.deliveries"

    subscription_id: str
    organisation: str


class WebhookDelivered(DeliveryEvent):
    """A subscription's endpoint took an event."""

    event_type: ClassVar[str] = "cn.tongban.notify.webhook-delivered.v1"

    event_id: str
    attempts: int


class WebhookParked(DeliveryEvent):
    """An event was given up after its last try; it can be re-sent."""

    event_type: ClassVar[str] = "cn.tongban.notify.webhook-parked.v1"

    event_id: str
    attempts: int
    cause: str


class SubscriptionDisabled(DeliveryEvent):
    """A subscription was switched off because its endpoint refused (410) or failed for too long."""

    event_type: ClassVar[str] = "cn.tongban.notify.subscription-disabled.v1"

    cause: str
