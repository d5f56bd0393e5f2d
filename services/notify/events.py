"""Contract events to messages and back: what a case's event says to its applicant, what we publish of deliveries."""

from typing import Any

from services.contracts.base import Envelope
from services.contracts.cases_events import (
    CaseAccepted,
    CaseDecided,
    CaseDelivered,
    CaseEvent,
    CaseResubmitted,
    CaseReturned,
    CaseReviewed,
    CaseSubmitted,
    CaseWithdrawn,
)
from services.contracts.notify_deliveries import SubscriptionDisabled, WebhookDelivered, WebhookParked
from services.notify.domain.messages import Message

_KINDS: dict[type[CaseEvent], str] = {
    CaseSubmitted: "submitted",
    CaseAccepted: "accepted",
    CaseReturned: "returned",
    CaseResubmitted: "resubmitted",
    CaseReviewed: "reviewed",
    CaseDecided: "decided",
    CaseDelivered: "delivered",
    CaseWithdrawn: "withdrawn",
}

CASE_EVENT_TYPES = tuple(model.event_type for model in _KINDS)
"""Types that a subscription can name."""


def message_of(event: Envelope) -> Message | None:
    """What the applicant is told of a case's event; None for an event that is not for them."""
    data = event.data
    kind = _KINDS.get(type(data))  # type: ignore[arg-type]
    if kind is None or not isinstance(data, CaseEvent):
        return None
    parameters: dict[str, Any] = {
        "number": data.number,
        "item": data.item.name.model_dump(),
        "department": data.organisation.name.model_dump(),
    }
    if isinstance(data, CaseAccepted):
        parameters["due"] = data.due.model_dump(mode="json")
    if isinstance(data, CaseReturned):
        parameters["gaps"] = data.gaps
    if isinstance(data, CaseDecided | CaseDelivered):
        parameters["outcome"] = data.outcome
    return Message(event.id, data.applicant, kind, parameters, data.case_id, event.time)


def webhook_delivered(subscription_id: str, organisation: str, event_id: str, attempts: int) -> WebhookDelivered:
    return WebhookDelivered(
        subscription_id=subscription_id, organisation=organisation, event_id=event_id, attempts=attempts
    )


def webhook_parked(subscription_id: str, organisation: str, event_id: str, attempts: int, cause: str) -> WebhookParked:
    return WebhookParked(
        subscription_id=subscription_id, organisation=organisation, event_id=event_id, attempts=attempts, cause=cause
    )


def subscription_disabled(subscription_id: str, organisation: str, cause: str) -> SubscriptionDisabled:
    return SubscriptionDisabled(subscription_id=subscription_id, organisation=organisation, cause=cause)
