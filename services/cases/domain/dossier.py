"""A case with everything that belongs to it, as its applicant and its officers read it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.cases.domain import cases
from services.cases.domain.cases import Case, Step
from services.cases.domain.items import Item
from services.cases.domain.limits import Due


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file that is there whole. `path` is its place in the storage, random and never shown."""

    id: str
    draft_id: str | None
    case_id: str | None
    kind: str
    material: str | None
    path: str
    name: str
    media_type: str
    size: int
    sha256: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Dossier:
    """The case, its item, its content and its history. `amendment` is the id of the open amendment draft."""

    case: Case
    item: Item
    answers: dict[str, Any]
    applicant_name: str | None
    steps: list[Step]
    files: list[StoredFile]
    amendment: str | None = None

    @property
    def materials(self) -> list[StoredFile]:
        """What the applicant handed in."""
        return [file for file in self.files if file.kind == "material"]

    @property
    def result(self) -> StoredFile | None:
        """The delivered document."""
        return next((file for file in self.files if file.kind == "result"), None)

    @property
    def notice(self) -> Step | None:
        """The one correction notice."""
        return self.step("returned")

    def step(self, event: str) -> Step | None:
        """The step of that kind, if the case took it (each but resubmission happens once at most)."""
        return next((step for step in self.steps if step.event == event), None)

    def due(self, now: datetime) -> Due:
        """When the case is due."""
        return cases.due(self.case, self.item.terms, now)
