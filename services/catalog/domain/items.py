"""Service items (事项), the organisations that offer them, and what makes two of their states the same."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final, Literal

import orjson

from services.catalog.domain.codes import CodeSystem
from services.catalog.domain.terms import fold, weighted_terms
from services.contracts.base import Data, Text
from services.contracts.catalog_items import Basis, Contact, Fee, Limits, Material, Organisation, Step, Subject


@dataclass(frozen=True, slots=True)
class OrganisationState:
    """What the catalogue knows of an organisation (government organ or public enterprise)."""

    id: str
    """The USCC where a valid one is known, else `organisation_id(division, name)`."""
    name: Text
    division: str
    uscc: str | None = None

    @property
    def uscc_verified(self) -> bool:
        # Only a code that passes both checks gets this far; registry look-ups come with `exchange`.
        return self.uscc is not None

    @property
    def digest(self) -> str:
        return _digest([self.id, self.name.zh, self.name.en, self.division, self.uscc])


def organisation_id(division: str, name: str) -> str:
    """Id of an organisation without a valid USCC: area and department name, which its publisher keeps unique."""
    return f"{division}:{name}"


class Provenance(StrEnum):
    """Where a version came from."""

    DEMO = "demo"
    IMPORT = "import"


class ItemContent(Data):
    """One version's content: everything of `ItemPublished` but the version number and the time."""

    code: str
    code_system: CodeSystem
    name: Text
    summary: Text | None = None
    organisation: Organisation
    division: str
    item_type: str
    subjects: tuple[Subject, ...]
    case_kind: Literal["immediate", "promised", "other"] | None = None
    limits: Limits = Limits()
    fee: Fee | None = None
    visits: int | None = None
    conditions: tuple[Text, ...] = ()
    basis: tuple[Basis, ...] = ()
    materials: tuple[Material, ...] = ()
    steps: tuple[Step, ...] = ()
    contact: Contact | None = None
    form: dict[str, Any]

    def document(self) -> dict[str, Any]:
        """The content as JSON values without the form, which many items share and which is kept once."""
        return self.model_dump(mode="json", exclude={"form"})

    @property
    def digest(self) -> str:
        """SHA-256 of the content: equal contents are one version, so that a second import changes nothing."""
        return _digest([self.document(), self.form])

    @property
    def form_digest(self) -> str:
        return _digest(self.form)

    @property
    def rank(self) -> int:
        """What counts in lists besides the words searched for: how much the guide tells; a short name before a long."""
        told = (self.summary, self.case_kind, self.limits.promised, self.fee, self.conditions, self.basis, self.steps)
        return 10 * sum(map(bool, told)) + 10 * (self.visits is not None) - min(len(self.name.zh), 100)

    def terms(self) -> Mapping[str, int]:
        """What the item is found by, with weights: its names and code before its department before its text."""
        texts = [(8, self.name.zh, True), (8, self.name.en or "", False), (8, self.code, False)]
        texts += [(3, name, False) for name in _languages(self.organisation.name)]
        texts += [(2, line, False) for line in _languages(self.summary)]
        for text in (*self.conditions, *(material.name for material in self.materials)):
            texts += [(1, line, False) for line in _languages(text)]
        return weighted_terms(texts)

    @property
    def name_key(self) -> str:
        """Both names, folded, for matches of a whole phrase."""
        return fold(f"{self.name.zh} {self.name.en or ''}")


STANDARD_MATERIALS: Final = (
    Material(
        id="supporting",
        name=Text(zh="证明材料", en="Supporting documents"),
        note=Text(zh="有就上传，没有可以不传。", en="Upload what you have; you may leave this empty."),
        required=False,
    ),
)
"""Materials of an item that publishes none: whatever the applicant thinks useful, nothing demanded."""


class Outcome(StrEnum):
    """What became of one item or organisation that was put forward."""

    CREATED = "created"
    CHANGED = "changed"
    UNCHANGED = "unchanged"


@dataclass(frozen=True, slots=True)
class SearchQuery:
    """What a list of items is narrowed by. `terms` empty: everything that passes the filters."""

    terms: tuple[str, ...] = ()
    phrase: str = ""
    subject: Subject | None = None
    organisation: str | None = None
    division: str | None = None
    limit: int = 20
    after: tuple[int, str] | None = field(default=None)
    """Score and code of the last item of the page before."""


def _languages(text: Text | None) -> tuple[str, ...]:
    return (text.zh, text.en or "") if text else ()


def _digest(value: Any) -> str:
    return hashlib.sha256(orjson.dumps(value, option=orjson.OPT_SORT_KEYS)).hexdigest()
