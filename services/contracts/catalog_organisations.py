"""Topic catalog.organisations: who offers and handles service items."""

from typing import ClassVar, Literal

from pydantic import Field

from services.contracts.base import Data, EventData, Text
from services.contracts.catalog_items import Basis

OrganisationKind = Literal["organ", "enterprise"]
"""Government organ (政府机关), public enterprise or institution (公共企事业单位)."""


class Function(Data):
    """A function (职能) that an organisation has by law, and the base items that it gives rise to."""

    id: str
    name: Text
    basis: Basis | None = None
    items: tuple[str, ...] = ()
    """Codes of the base items that exist by it."""
    reason: Text | None = None
    """Why it gives rise to no item, where it gives rise to none."""


class OrganisationRegistered(EventData):
    """An organisation was registered or changed; the latest state, compacted by key."""

    topic: ClassVar[str] = "catalog.organisations"
    event_type: ClassVar[str] = "cn.tongban.catalog.organisation-registered.v1"

    organisation_id: str
    name: Text
    division: str
    """12-digit administrative division code (GB/T 2260)."""
    uscc: str | None
    """Unified social credit code (GB 32100), where one is known; a few were issued with a wrong check."""
    uscc_verified: bool
    """Whether the code passes both its checks."""
    kind: OrganisationKind = "organ"
    level: int | None = Field(default=None, ge=1, le=7)
    """GB/T 39046-2020: 1 state, 2 province, 3 city, 4 county, 5 township, 6 village, 7 by grade."""
    parent: str | None = None
    functions: tuple[Function, ...] = ()
    status: Literal["active", "closed"] = "active"
    successors: tuple[str, ...] = ()
    """Who took over from a closed organisation (机构改革: merged, split, abolished)."""
