"""Topic catalog.items: published versions of service items (事项), compacted by item code."""

import datetime
from typing import Any, ClassVar, Literal

from pydantic import AwareDatetime, Field

from services.contracts.base import Data, EventData, Text

Subject = Literal["person", "company"]
ItemKind = Literal["base", "implementation", "handling"]
"""基本目录, 实施清单, 办理项: only the last two are applied for."""
Channel = Literal["window", "computer", "mobile", "courier", "kiosk", "hotline", "wechat", "other"]
"""Channel forms (GB/T 39046-2020: window, computer, mobile, courier, other), and our own besides."""


class Organisation(Data):
    """The implementing organisation as the item names it."""

    id: str
    name: Text


class Basis(Data):
    """Legal basis (设定依据)."""

    law: str
    article: str | None = None
    text: str | None = None


class Limit(Data):
    """A time limit; `working_days` unless `unit` says otherwise. `basis`: the law that sets it, if not 行政许可法."""

    amount: int = Field(ge=0)
    unit: Literal["working_day", "day", "month"] = "working_day"
    note: Text | None = None
    basis: Basis | None = None


class Limits(Data):
    """Statutory (法定时限) and promised (承诺时限) limit, each absent where none is published."""

    statutory: Limit | None = None
    promised: Limit | None = None


class Fee(Data):
    charged: bool
    note: Text | None = None
    basis: Basis | None = None


class Condition(Text):
    """Who may apply (申请条件), in plain words and, where it can be, as a CEL expression over data elements."""

    expression: str | None = None


class Material(Data):
    """A document that the applicant hands in."""

    id: str
    name: Text
    note: Text | None = None
    required: bool
    media_types: tuple[str, ...] = ("application/pdf", "image/jpeg", "image/png")
    max_bytes: int = Field(default=10 * 1024 * 1024, gt=0)
    max_files: int = Field(default=5, gt=0)
    basis: Basis | None = None
    made_by: Literal["organ", "applicant"] | None = None
    """Who makes it: an organ or institution issues it (then `issuer`), or the applicant does."""
    issuer: Text | None = None
    result_of: str | None = None
    """Code of the item whose result it is, where it is one."""
    licence_type: str | None = None
    """Code of the licence type (证照类型) that it is or that proves it."""
    elements: tuple[str, ...] = ()
    """Codes of the data elements (数据元) that it proves."""


class Step(Data):
    """One step of the guide (办理流程)."""

    name: Text
    text: Text
    post: Text | None = None
    """The responsible post (责任岗位)."""


class Result(Data):
    """What the applicant gets (办理结果)."""

    name: Text
    licence_type: str | None = None


class Exemption(Data):
    """A refusal of the catalogue's lint that its administrator let pass; public on the guide page."""

    rule: str
    field: str
    reason: str
    until: datetime.date


class Contact(Data):
    phone: str | None = None
    complaint_phone: str | None = None
    address: Text | None = None
    hours: Text | None = None


class ItemPublished(EventData):
    """A version of a service item is in force; the whole of it, so that readers keep what they need.

    `form` is a JSON Schema (2020-12) with display hints: `title`/`x-title-en`, `description`/`x-hint-en`,
    `x-widget`, `x-autocomplete`, `x-enum-titles`, `x-element` (code of the data element behind a field), and at the
    root `x-pages`.
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
    conditions: tuple[Condition, ...] = ()
    basis: tuple[Basis, ...] = ()
    materials: tuple[Material, ...] = ()
    steps: tuple[Step, ...] = ()
    contact: Contact | None = None
    form: dict[str, Any]
    published_at: AwareDatetime
    kind: ItemKind = "implementation"
    base: str | None = None
    """Code of the base item that it implements; of a handling item, of the implementation that it belongs to."""
    topics: tuple[str, ...] = ()
    visit_reason: Text | None = None
    visit_basis: Basis | None = None
    """Why one must come in person, and the law that says so."""
    channels: tuple[Channel, ...] = ()
    online_depth: int | None = Field(default=None, ge=1, le=4)
    """Depth of online handling (网上办理深度): 1 told, 2 booked or checked beforehand, 3 taken in, 4 wholly online."""
    offline_reason: Text | None = None
    results: tuple[Result, ...] = ()
    cooperating: tuple[Organisation, ...] = ()
    """Departments that take part (联办部门)."""
    function: str | None = None
    """Id of the organisation's function (职能) that it carries out."""
    aliases: tuple[str, ...] = ()
    """Codes by which it is known besides, those before a reform of organisations among them."""
    exemptions: tuple[Exemption, ...] = ()
    provenance: str = ""
    """Where the version came from: "editor", "demo", or "import" (imported, not linted yet)."""


class ItemSuspended(EventData):
    """An item takes no new cases for a time (暂停); its running cases go on. ItemPublished ends it."""

    topic: ClassVar[str] = "catalog.items"
    event_type: ClassVar[str] = "cn.tongban.catalog.item-suspended.v1"

    code: str
    item_version: int
    suspended_at: AwareDatetime
    reason: str


class ItemRetired(EventData):
    """An item is no longer offered; its running cases go on."""

    topic: ClassVar[str] = "catalog.items"
    event_type: ClassVar[str] = "cn.tongban.catalog.item-retired.v1"

    code: str
    item_version: int
    retired_at: AwareDatetime
    reason: str


class BundleMember(Data):
    """One item of a bundle: when it applies (CEL over data elements; always, where absent) and what goes before it."""

    code: str
    name: Text
    when: str | None = None
    when_text: Text | None = None
    after: tuple[str, ...] = ()


class BundlePublished(EventData):
    """A version of a one-thing bundle (一件事) is in force; the whole of it."""

    topic: ClassVar[str] = "catalog.items"
    event_type: ClassVar[str] = "cn.tongban.catalog.bundle-published.v1"

    code: str
    bundle_version: int = Field(ge=1)
    name: Text
    summary: Text | None = None
    organisation: Organisation
    """Who leads it (牵头部门)."""
    division: str
    subjects: tuple[Subject, ...]
    topics: tuple[str, ...] = ()
    members: tuple[BundleMember, ...]
    shared_fields: tuple[str, ...] = ()
    """Codes of the data elements that several items' forms ask for and that are asked once."""
    shared_materials: tuple[tuple[str, ...], ...] = ()
    """Groups of materials, each "item code#material id", that are one document and are handed in once."""
    published_at: AwareDatetime


class BundleRetired(EventData):
    """A bundle is no longer offered; its items may be."""

    topic: ClassVar[str] = "catalog.items"
    event_type: ClassVar[str] = "cn.tongban.catalog.bundle-retired.v1"

    code: str
    bundle_version: int
    retired_at: AwareDatetime
    reason: str
