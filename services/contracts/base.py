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


MAX_ID = 64
MAX_NAME = 200
"""Longest id; longest type and subject. Readers keep them in columns of this size."""
MAX_VERSION = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Heading:
    """What the headers alone say of an event: enough to keep its place among the events of its aggregate."""

    id: str
    type: str
    subject: str
    version: int


class Undecodable(ValueError):
    """The bytes of a message are no event of ours; says which attribute and why.

    `heading` is there when the headers could be read and only the payload could not.
    """

    def __init__(self, words: str, heading: Heading | None = None) -> None:
        super().__init__(words)
        self.heading = heading


class UnknownType(Undecodable):
    """A well-formed event of a type that this release does not know: it has no effect here, but its place counts."""

    heading: Heading

    def __init__(self, heading: Heading) -> None:
        super().__init__(f"unknown event type {heading.type}", heading)


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
    encoded: bytes | None = field(default=None, compare=False, repr=False)
    """`data` as JSON, where whoever makes the event has it at hand."""

    @property
    def heading(self) -> Heading:
        return Heading(self.id, self.type, self.subject, self.version)

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
        return self.data.model_dump_json().encode() if self.encoded is None else self.encoded

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


def decode(headers: Sequence[tuple[str, bytes | None]], value: bytes | None, key: bytes | None) -> Envelope:
    """Read one Kafka message. Raises UnknownType for a type this release lacks, Undecodable for the rest."""
    found: dict[str, str] = {}
    for name, raw in headers:
        try:
            found[name] = (raw or b"").decode()
        except UnicodeDecodeError:
            raise Undecodable(f"header {name} is not UTF-8") from None
    missing = [n for n in ("ce_id", "ce_source", "ce_type", "ce_subject", "ce_time") if not found.get(n)]
    if missing:
        raise Undecodable("empty message (tombstone)" if value is None else f"header {missing[0]} is missing")
    for name, longest in (("ce_id", MAX_ID), ("ce_type", MAX_NAME), ("ce_subject", MAX_NAME)):
        # PostgreSQL takes no NUL in a text (manual, 8.3); one event that cannot be stored would stop its batch.
        if len(found[name]) > longest or "\0" in found[name]:
            raise Undecodable(f"header {name} is longer than {longest} characters or holds NUL")
    if key is not None and key != found["ce_subject"].encode():
        raise Undecodable("the message's key is not the event's subject")
    try:
        version = int(found.get("ce_aggregateversion", ""))
        time = _TIME.validate_python(found["ce_time"])
    except (ValueError, ValidationError):
        raise Undecodable("ce_aggregateversion or ce_time is malformed") from None
    if not 1 <= version <= MAX_VERSION:
        raise Undecodable(f"ce_aggregateversion is not within 1 and {MAX_VERSION}")
    heading = Heading(found["ce_id"], found["ce_type"], found["ce_subject"], version)
    model = EVENT_TYPES.get(heading.type)
    if model is None:
        raise UnknownType(heading)
    if value is None:
        raise Undecodable("empty message (tombstone)", heading)
    try:
        data = model.model_validate_json(value)
    except ValidationError as error:
        raise Undecodable(f"payload of {heading.type}: {_first(error)}", heading) from None
    return Envelope(
        heading.id, found["ce_source"], heading.subject, version, time, data, found.get("ce_traceparent", "")
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
