"""CloudEvents 1.0 envelope and the registry of event types.

An event travels in Kafka's binary binding (`ce_*` headers, the payload as the value; CloudEvents Kafka
binding §3.2) and leaves by webhook in structured mode (`application/cloudevents+json`; JSON format §3).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, TypeAdapter, ValidationError

SPEC_VERSION = "1.0"
TYPE_PREFIX = "cn.tongban."
_TIME = TypeAdapter(AwareDatetime)


class Undecodable(ValueError):
    """The bytes of a message are no event of ours; says which attribute and why."""


class UnknownType(Undecodable):
    """A well-formed event of a type that this release does not know: a reader may pass over it."""


class Data(BaseModel):
    """Base of all payload parts: frozen; a reader ignores fields it does not know (tolerant reader)."""

    model_config = ConfigDict(frozen=True, extra="ignore", ser_json_timedelta="iso8601")


class EventData(Data):
    """Payload of one event type. `topic` names its topic, `event_type` its CloudEvents type."""

    topic: ClassVar[str]
    event_type: ClassVar[str]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "event_type" in cls.__dict__:
            known = EVENT_TYPES.setdefault(cls.event_type, cls)
            if known is not cls:
                raise TypeError(f"event type {cls.event_type} is declared twice")


EVENT_TYPES: dict[str, type[EventData]] = {}
"""Every known event type, filled by importing the topic modules (`services.contracts.topics`)."""


class Text(Data):
    """A text for people in Chinese and, where there is one, English."""

    zh: str
    en: str | None = None

    def in_language(self, language: str) -> str:
        """The text in `language` ("zh-CN", "en"), Chinese where there is no other."""
        return self.en if language.startswith("en") and self.en else self.zh


@dataclass(frozen=True, slots=True)
class Envelope:
    """One event: CloudEvents attributes and its payload.

    `subject` is the aggregate's id and the Kafka key; `version` is the aggregate's version, rising by one
    with each of its events on a topic (extension attribute `aggregateversion`).
    """

    id: str
    source: str
    subject: str
    version: int
    time: datetime
    data: EventData
    traceparent: str = ""

    @property
    def type(self) -> str:
        return self.data.event_type

    @property
    def topic(self) -> str:
        return self.data.topic

    def headers(self) -> list[tuple[str, bytes]]:
        """Kafka headers of the binary binding."""
        pairs = [
            ("content-type", "application/json"),
            ("ce_specversion", SPEC_VERSION),
            ("ce_id", self.id),
            ("ce_source", self.source),
            ("ce_type", self.type),
            ("ce_subject", self.subject),
            ("ce_time", self.time.isoformat()),
            ("ce_aggregateversion", str(self.version)),
        ]
        if self.traceparent:
            pairs += [("ce_traceparent", self.traceparent), ("traceparent", self.traceparent)]
        return [(name, value.encode()) for name, value in pairs]

    def value(self) -> bytes:
        """The payload as JSON bytes."""
        return self.data.model_dump_json().encode()

    def attributes(self) -> dict[str, Any]:
        """CloudEvents context attributes as they stand in structured mode."""
        found: dict[str, Any] = {
            "specversion": SPEC_VERSION,
            "id": self.id,
            "source": self.source,
            "type": self.type,
            "subject": self.subject,
            "time": self.time.isoformat(),
            "datacontenttype": "application/json",
            "aggregateversion": self.version,
        }
        if self.traceparent:
            found["traceparent"] = self.traceparent
        return found

    def structured(self) -> dict[str, Any]:
        """The whole event as a structured-mode JSON object."""
        return self.attributes() | {"data": self.data.model_dump(mode="json")}


def decode(headers: Sequence[tuple[str, bytes]], value: bytes | None, key: bytes | None) -> Envelope:
    """Read one Kafka message. Raises UnknownType for a type this release lacks, Undecodable for the rest."""
    if value is None:
        raise Undecodable("empty message (tombstone)")
    found: dict[str, str] = {}
    for name, raw in headers:
        try:
            found[name] = raw.decode()
        except UnicodeDecodeError:
            raise Undecodable(f"header {name} is not UTF-8") from None
    missing = [n for n in ("ce_id", "ce_source", "ce_type", "ce_subject", "ce_time") if not found.get(n)]
    if missing:
        raise Undecodable(f"header {missing[0]} is missing")
    if key is not None and key != found["ce_subject"].encode():
        raise Undecodable("the message's key is not the event's subject")
    try:
        version = int(found.get("ce_aggregateversion", ""))
        time = _TIME.validate_python(found["ce_time"])
    except (ValueError, ValidationError):
        raise Undecodable("ce_aggregateversion or ce_time is malformed") from None
    model = EVENT_TYPES.get(found["ce_type"])
    if model is None:
        raise UnknownType(f"unknown event type {found['ce_type']}")
    try:
        data = model.model_validate_json(value)
    except ValidationError as error:
        raise Undecodable(f"payload of {found['ce_type']}: {_first(error)}") from None
    return Envelope(
        found["ce_id"], found["ce_source"], found["ce_subject"], version, time, data, found.get("ce_traceparent", "")
    )


def _first(error: ValidationError) -> str:
    # Never the offending value itself: a cause is logged and shown.
    problem = error.errors(include_input=False, include_url=False)[0]
    return f"{'.'.join(str(part) for part in problem['loc']) or 'document'}: {problem['type']}"


def types_of(models: Iterable[type[EventData]]) -> Mapping[str, type[EventData]]:
    """Event types by name."""
    return {model.event_type: model for model in models}


@dataclass(frozen=True, slots=True)
class Example:
    """One documented event of a topic file."""

    type: str
    subject: str
    data: dict[str, Any] = field(default_factory=dict)
