"""Topic catalog.resources: the registers of data elements (数据元), resources (资源) and licence types (证照类型).

The key is the register and the code in it ("element:…", "resource:…", "licence:…"); the newest event is all.
"""

from typing import ClassVar, Literal

from services.contracts.base import Data, EventData, Text
from services.contracts.catalog_items import Organisation

Sharing = Literal["unconditional", "conditional", "none"]
"""无条件共享, 有条件共享, 不予共享."""
DataType = Literal["text", "integer", "number", "boolean", "date"]


class ElementContent(Data):
    """A data element: what it means, what its values are, and its one authoritative source (一数一源)."""

    code: str
    name: Text
    definition: Text | None = None
    data_type: DataType = "text"
    unit: Text | None = None
    source: Organisation
    status: Literal["active", "closed"] = "active"


class ResourceContent(Data):
    """A shareable resource: its code (class 1, item 2, sub-class 3, detail, sequence), its holder, its sharing."""

    code: str
    name: Text
    source: Organisation
    sharing: Sharing
    condition: Text | None = None
    """What sharing is bound to, or why it is not shared."""
    base_register: Literal["population", "legal_persons", "geography", "credit", "licences"] | None = None
    """The base registry (基础库) that it belongs to, where it does."""
    elements: tuple[str, ...] = ()
    """Codes of the data elements that it gives."""
    status: Literal["active", "closed"] = "active"


class LicenceTypeContent(Data):
    """A licence type (GB/T 36904-2018): its code is the defining organisation's USCC and three digits."""

    code: str
    name: Text
    source: Organisation
    sharing: Sharing = "unconditional"
    elements: tuple[str, ...] = ()
    """Codes of the data elements that it proves."""
    status: Literal["active", "closed"] = "active"


class DataElementRegistered(ElementContent, EventData):
    """A data element was registered or changed."""

    topic: ClassVar[str] = "catalog.resources"
    event_type: ClassVar[str] = "cn.tongban.catalog.data-element-registered.v1"


class ResourceRegistered(ResourceContent, EventData):
    """A shareable resource was registered or changed."""

    topic: ClassVar[str] = "catalog.resources"
    event_type: ClassVar[str] = "cn.tongban.catalog.resource-registered.v1"


class LicenceTypeRegistered(LicenceTypeContent, EventData):
    """A licence type was registered or changed."""

    topic: ClassVar[str] = "catalog.resources"
    event_type: ClassVar[str] = "cn.tongban.catalog.licence-type-registered.v1"
