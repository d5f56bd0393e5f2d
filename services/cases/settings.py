"""What the cases service is told besides what every service is."""

from typing import ClassVar

from pydantic import Field

from services.kit.settings import ServiceSettings


class CasesSettings(ServiceSettings):
    """Settings of the cases service (TONGBAN_CASES_…)."""

    service: ClassVar[str] = "cases"
    required: ClassVar[tuple[str, ...]] = (*ServiceSettings.required, "storage_url")

    draft_days: int = Field(90, ge=1, description="days after its last change on which a draft expires")
    max_open_drafts: int = Field(50, ge=1, description="open drafts that one person may have")
    max_upload_bytes: int = Field(20 * 1024 * 1024, ge=1, description="largest file taken, whatever an item allows")
    number_block: int = Field(32, ge=1, le=10_000, description="case numbers that one process reserves at a time")
    sweep_seconds: float = Field(60.0, gt=0, description="how often expired drafts and left-over files are removed")
