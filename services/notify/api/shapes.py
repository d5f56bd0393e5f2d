"""Subscriptions on the wire: fields as in the CloudEvents Subscriptions API §3.2.3, where it has them."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, field_validator

from services.kit.deliveries import MAX_IN_FLIGHT
from services.notify.domain.filters import MAX_DEPTH, MAX_PARTS, size
from services.notify.domain.subscriptions import Status, Subscription, sink_problem
from services.notify.events import CASE_EVENT_TYPES
from services.notify.handlers.subscriptions import Standing

EventType = Literal[CASE_EVENT_TYPES]  # type: ignore[valid-type]
Attribute = Annotated[str, Field(pattern=r"^[a-z0-9]{1,40}$")]
Value = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00]+$")]
Attributes = Annotated[
    dict[Attribute, Value], Field(min_length=1, max_length=10, json_schema_extra={"additionalProperties": False})
]


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Exact(_Shape):
    """Every named attribute has exactly this value."""

    exact: Attributes


class Prefix(_Shape):
    """Every named attribute begins so."""

    prefix: Attributes


class Suffix(_Shape):
    """Every named attribute ends so."""

    suffix: Attributes


class AllOf(_Shape):
    all: Annotated[tuple["Filter", ...], Field(min_length=1, max_length=10)]


class AnyOf(_Shape):
    any: Annotated[tuple["Filter", ...], Field(min_length=1, max_length=10)]


class Not(_Shape):
    not_: "Filter" = Field(alias="not")


Filter = Exact | Prefix | Suffix | AllOf | AnyOf | Not
Filters = Annotated[tuple[Filter, ...], Field(max_length=10)]
Types = Annotated[tuple[EventType, ...], Field(max_length=len(CASE_EVENT_TYPES))]
# What `domain.subscriptions` checks, as far as a pattern can say it, for readers of the OpenAPI document.
_PORT = r"(6553[0-5]|655[0-2]\d|65[0-4]\d{2}|6[0-4]\d{3}|[1-5]\d{4}|[1-9]\d{0,3})"
_SINK = rf"^https?://[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:{_PORT})?(/[!\x22$-\[\]-~]*)?$"
_FOUR = "[A-Za-z0-9+/]{4}"
_SECRET = rf"^whsec_(({_FOUR}){{8,21}}([A-Za-z0-9+/]{{2}}==)?|({_FOUR}){{8,20}}[A-Za-z0-9+/]{{3}}=)$"
Sink = Annotated[
    str,
    Field(max_length=2000, pattern=_SINK, description="https URL; http only to networks that the operator allows"),
]


class HttpSettings(_Shape):
    """`protocolsettings` of HTTP."""

    method: Literal["POST"] = "POST"
    max_in_flight: int = Field(default=MAX_IN_FLIGHT, ge=1, le=32, description="Requests at a time, at most")


def plain(filters: tuple[Filter, ...]) -> tuple[dict[str, Any], ...]:
    """Filters as they are kept and evaluated."""
    return tuple(found.model_dump(mode="json", by_alias=True) for found in filters)


def _checked_filters(filters: tuple[Filter, ...] | None) -> tuple[Filter, ...] | None:
    depth, parts = size(plain(filters or ()))
    if depth > MAX_DEPTH or parts > MAX_PARTS:
        raise ValueError(f"at most {MAX_DEPTH} levels and {MAX_PARTS} conditions")
    return filters


def _checked_sink(sink: str | None) -> str | None:
    problem = sink_problem(sink) if sink is not None else None
    if problem:
        raise ValueError(problem)
    return sink


BroughtSecret = Annotated[
    Annotated[str, Field(pattern=_SECRET)] | None,
    Field(description="your own secret, whsec_ and 24 to 64 bytes in base64; else one is made"),
]


class NewSubscription(_Shape):
    organisation: str = Field(
        min_length=1, max_length=128, pattern=r"^[^\x00]+$", description="whose cases; * for all where you may"
    )
    types: Types = Field(default=(), description="Event types; none means all")
    filters: Filters = ()
    sink: Sink
    protocol: Literal["HTTP"] = "HTTP"
    protocolsettings: HttpSettings = HttpSettings()
    secret: BroughtSecret = None

    _filters = field_validator("filters")(_checked_filters)
    _sink = field_validator("sink")(_checked_sink)


class SubscriptionChange(_Shape):
    """Only what is given changes. `active` resumes a paused subscription and asks the sink of any other again."""

    types: Types | None = None
    filters: Filters | None = None
    sink: Sink | None = None
    protocolsettings: HttpSettings | None = None
    status: Literal["active", "paused"] | None = None

    _filters = field_validator("filters")(_checked_filters)
    _sink = field_validator("sink")(_checked_sink)


class SubscriptionSummary(BaseModel):
    id: str
    organisation: str
    types: tuple[str, ...]
    filters: tuple[dict[str, Any], ...]
    sink: str
    protocol: Literal["HTTP"] = "HTTP"
    protocolsettings: HttpSettings
    status: Status
    reason: str | None = Field(description="Why it is pending or disabled, as far as that is known")
    created_at: datetime
    changed_at: datetime

    @classmethod
    def fields_of(cls, found: Subscription) -> dict[str, Any]:
        names = ("id", "organisation", "types", "filters", "sink", "status", "reason", "created_at", "changed_at")
        fields = {name: getattr(found, name) for name in names}
        return fields | {"protocolsettings": HttpSettings(max_in_flight=found.max_in_flight)}


class SubscriptionView(SubscriptionSummary):
    waiting: int = Field(description="Deliveries that wait or are being tried")
    parked: int = Field(description="Deliveries given up; they can be re-sent")
    failing_since: datetime | None

    @classmethod
    def fields_at(cls, standing: Standing) -> dict[str, Any]:
        rest = {name: getattr(standing, name) for name in ("waiting", "parked", "failing_since")}
        return cls.fields_of(standing.subscription) | rest


class CreatedSubscription(SubscriptionView):
    secret: str = Field(description="Signs what you get (Standard Webhooks); shown here and nowhere else")


class NewSecret(_Shape):
    overlap_hours: int = Field(default=24, ge=0, le=168, description="For how long the secrets before still sign too")
    secret: BroughtSecret = None


class RotatedSecret(BaseModel):
    secret: str
    previous_valid_until: datetime


class AttemptView(BaseModel):
    id: int
    delivery_id: int
    event_id: str
    case_id: str
    number: int = Field(description="Which try of this delivery")
    at: datetime
    milliseconds: int
    status: int | None = Field(description="HTTP status of the answer, if there was one")
    cause: str = Field(description="Empty for success, else why it counts as a failure")
    delivery_state: Literal["waiting", "delivered", "parked"]


class RedeliveryOfOne(_Shape):
    """Send one finished delivery again."""

    delivery_id: int = Field(ge=1, lt=2**63)


class RedeliveryOfRange(_Shape):
    """Send again all finished deliveries that were queued in [from, to)."""

    from_: AwareDatetime = Field(alias="from")
    to: AwareDatetime


class Redelivered(BaseModel):
    count: int = Field(description="Deliveries that are due again")
