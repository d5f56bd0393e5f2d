"""Settings of the catalogue."""

from typing import ClassVar

from pydantic import Field

from services.kit.settings import ServiceSettings


class CatalogSettings(ServiceSettings):
    service: ClassVar[str] = "catalog"

    correction_days: int = Field(
        14, ge=1, le=366, description="calendar days in which a source answers a correction request; no law sets a term"
    )
    import_events_per_second: float = Field(
        5000, ge=0, description="how fast an import announces versions at most, so that readers keep up; 0: no bound"
    )
