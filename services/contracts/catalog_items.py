"""Topic catalog.items: published versions of service items (事项), compacted by item code."""

from typing import Any, ClassVar, Literal

from pydantic import AwareDatetime, Field

from services.contracts.base import Data, EventData, Text

Subject = Literal["person", "company"]


class Organisation(Data):
    """The implementing organisation as the item names it."""

    id: str
    name: Text


class Limit(Data):
    """A time limit; `working_days` unless `unit` says otherwise."""

    amount: int = Field(ge=0)
    unit: Literal["working_day", "day", "month"] = "working_day"
    note: Text | None = None


class Limits(Data):
    """Statutory (法定时限) and promised (承诺时限) limit, each absent where none is published."""

    statutory: Limit | None = None
    promised: Limit | None = None


class Fee(Data):
    charged: bool
    note: Text | None = None


class Basis(Data):
    """Legal basis (设定依据)."""

    law: str
    article: str | None = None
    text: str | None = None


class Material(Data):
    """A document that the applicant hands in."""

    id: str
    name: Text
    note: Text | None = None
    required: bool
    media_types: tuple[str, ...] = ("application/pdf", "image/jpeg", "image/png")
    max_bytes: int = Field(default=10 * 1024 * 1024, gt=0)
    max_files: int = Field(default=5, gt=0)


class Step(Data):
    """One step of the guide (办理流程)."""

    name: Text
    text: Text


class Contact(Data):
    phone: str | None = None
    complaint_phone: str | None = None
    address: Text | None = None
    hours: Text | None = None


class ItemPublished(EventData):
    """A version of a service item is in force; the whole of it, so that readers keep what they need.

    `form` is a JSON Schema (2020-12) with display hints: `title`/`x-title-en`, `description`/`x-hint-en`,
    `x-widget`, `x-autocomplete`, `x-enum-titles`, and at the root `x-pages`.
    """

    topic: ClassVar[str] = "catalog.items"
    event_type: ClassVar[str] = "cn.tongban.catalog.item-published.v1"

    code: str
    code_system: Literal["gb-12", "gb-31", "gb-33", "legacy"]
    item_version: int = Field(ge=1)
    name: Text
    summary: Text | None = None
    organisation: Organisation
    division: str
    item_type: str
    """Two-digit item type (GB/T 39046-2020): 01 licence … 20 public service."""
    subjects: tuple[Subject, ...]
    case_kind: Literal["immediate", "promised", "other"] | None = None
    limits: Limits = Limits()
    fee: Fee | None = None
    visits: int | None = None
    conditions: tuple[Text, ...] = ()
    basis: tuple[Basis, ...] = ()
    materials: tuple[Material, ...] = ()
    steps: tuple[Step, ...] = ()
    contact: Contact | None = None
    form: dict[str, Any]
    published_at: AwareDatetime


class ItemRetired(EventData):
    """An item is no longer offered; its running cases go on."""

    topic: ClassVar[str] = "catalog.items"
    event_type: ClassVar[str] = "cn.tongban.catalog.item-retired.v1"

    code: str
    item_version: int
    retired_at: AwareDatetime
    reason: str
