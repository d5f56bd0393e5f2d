"""Settings of the catalogue."""

from typing import ClassVar

from services.kit.settings import ServiceSettings


class CatalogSettings(ServiceSettings):
    service: ClassVar[str] = "catalog"
