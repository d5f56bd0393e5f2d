"""Organisations (机构): government organs and public enterprises, their place in the tree, their functions (职能)."""

from dataclasses import dataclass
from typing import Any, Final, Literal

from pydantic import TypeAdapter

from services.catalog.domain.items import digest_of
from services.contracts.base import Text
from services.contracts.catalog_organisations import Function, OrganisationKind


@dataclass(frozen=True, slots=True)
class OrganisationState:
    """What the catalogue knows of an organisation (government organ or public enterprise)."""

    id: str
    """The USCC where a valid one is known, else `organisation_id(division, name)`."""
    name: Text
    division: str
    uscc: str | None = None
    kind: OrganisationKind = "organ"
    level: int | None = None
    """GB/T 39046-2020: 1 state, 2 province, 3 city, 4 county, 5 township, 6 village, 7 by grade."""
    parent: str | None = None
    functions: tuple[Function, ...] = ()
    status: Literal["active", "closed"] = "active"
    successors: tuple[str, ...] = ()

    @property
    def uscc_verified(self) -> bool:
        # Only a code that passes both checks gets this far; registry look-ups come with `exchange`.
        return self.uscc is not None

    @property
    def digest(self) -> str:
        return digest_of(self.document())

    def document(self) -> dict[str, Any]:
        """The state as JSON values."""
        document: dict[str, Any] = STATE.dump_python(self, mode="json")
        return document


STATE: Final = TypeAdapter(OrganisationState)


def organisation_id(division: str, name: str) -> str:
    """Id of an organisation without a valid USCC: area and department name, which its publisher keeps unique."""
    return f"{division}:{name}"
