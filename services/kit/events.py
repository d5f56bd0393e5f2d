"""Making an event out of its payload: `work.publish(event_of(data, subject=…, version=…, time=…))`."""

from datetime import datetime

from services.contracts.base import Envelope, EventData
from services.kit.ids import new_id
from services.kit.telemetry import traceparent


def event_of(data: EventData, *, subject: str, version: int, time: datetime, encoded: bytes | None = None) -> Envelope:
    """An event about aggregate `subject`, whose `version` it brings about, in the current trace. `encoded`: `data` as
    JSON, where it is at hand.

    The source (CloudEvents 1.0 §3.1) is the URN of the service that owns the topic: topics are named owner.subject.
    """
    if time.tzinfo is None:
        raise ValueError("a naive datetime cannot be the time of an event")
    owner = data.topic.partition(".")[0]
    return Envelope(new_id(), f"urn:tongban:{owner}", subject, version, time, data, traceparent(), encoded)
