"""Topic catalog.organisations: who offers and handles service items."""

from typing import ClassVar

from services.contracts.base import EventData, Text


class OrganisationRegistered(EventData):
    """An organisation was registered or changed; the latest state, compacted by key."""

    topic: ClassVar[str] = "catalog.organisations"
    event_type: ClassVar[str] = "cn.tongban.catalog.organisation-registered.v1"

    organisation_id: str
    name: Text
    division: str
    """12-digit administrative division code (GB/T 2260)."""
    uscc: str | None
    """Unified social credit code (GB 32100), where one is known and valid."""
    uscc_verified: bool
