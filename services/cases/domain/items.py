"""The service item (事项) as a case needs it: its form, its materials, its limits. A version never changes."""

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from services.cases.domain import forms
from services.cases.domain.forms import Form
from services.cases.domain.limits import Limit, Terms, terms_of


@dataclass(frozen=True, slots=True)
class Name:
    """A name in Chinese and, where there is one, English."""

    zh: str
    en: str | None = None


@dataclass(frozen=True, slots=True)
class Material:
    """A document that the applicant hands in (材料)."""

    id: str
    name: Name
    required: bool
    media_types: tuple[str, ...]
    max_bytes: int
    max_files: int


ItemStatus = Literal["published", "suspended", "retired"]


@dataclass(frozen=True, slots=True)
class Offer:
    """Which version of an item new applications stand on, and whether there may be any: why not, in `reason`."""

    version: int
    status: ItemStatus = "published"
    reason: str = ""


@dataclass(frozen=True)
class Item:
    """One version of a service item."""

    code: str
    version: int
    name: Name
    organisation: str
    organisation_name: Name
    division: str
    item_type: str
    promised: Limit | None
    statutory: Limit | None
    materials: tuple[Material, ...]
    schema: str
    """The form's JSON Schema, as JSON text: the order of its fields is the order in which people are asked."""

    @cached_property
    def form(self) -> Form:
        """The form, compiled on first use."""
        return forms.compiled(self.schema.encode())

    @cached_property
    def terms(self) -> Terms:
        """Which limit binds a case of this item."""
        return terms_of(self.promised, self.statutory, self.item_type)

    def material(self, material_id: str) -> Material | None:
        """The material of that id, or None."""
        return next((material for material in self.materials if material.id == material_id), None)

    @property
    def askable(self) -> frozenset[str]:
        """What a notice may ask for: `materials.…` and `answers.…`."""
        fields = {f"answers.{name}" for page in self.form.pages for name in page.fields}
        return frozenset(fields | {f"materials.{material.id}" for material in self.materials})
