"""What is governed under one code: service items (事项) and bundles (一件事), and what makes two states the same."""

import hashlib
from collections.abc import Mapping
from enum import StrEnum
from functools import cached_property, lru_cache
from typing import Any, ClassVar, Final, Literal, Self

import orjson

from services.catalog.domain.codes import CodeSystem
from services.catalog.domain.terms import fold
from services.contracts.base import Data, Text
from services.contracts.catalog_items import (
    Basis,
    BundleMember,
    Channel,
    Condition,
    Contact,
    Fee,
    ItemKind,
    Limits,
    Material,
    Organisation,
    Result,
    Step,
    Subject,
)

Kind = Literal["base", "implementation", "handling", "bundle"]
"""Everything that has a code, versions and a life of its own here."""


class Provenance(StrEnum):
    """Where a version came from."""

    DEMO = "demo"
    IMPORT = "import"
    """Imported as published, not linted yet: the first edit must pass the lint."""
    EDITOR = "editor"


class ItemContent(Data):
    """One version's content: everything of `ItemPublished` that its author writes."""

    code: str
    code_system: CodeSystem
    kind: ItemKind = "implementation"
    base: str | None = None
    name: Text
    summary: Text | None = None
    organisation: Organisation
    division: str
    item_type: str
    subjects: tuple[Subject, ...]
    topics: tuple[str, ...] = ()
    case_kind: Literal["immediate", "promised", "other"] | None = None
    limits: Limits = Limits()
    fee: Fee | None = None
    visits: int | None = None
    visit_reason: Text | None = None
    visit_basis: Basis | None = None
    channels: tuple[Channel, ...] = ()
    online_depth: int | None = None
    offline_reason: Text | None = None
    conditions: tuple[Condition, ...] = ()
    basis: tuple[Basis, ...] = ()
    materials: tuple[Material, ...] = ()
    steps: tuple[Step, ...] = ()
    results: tuple[Result, ...] = ()
    cooperating: tuple[Organisation, ...] = ()
    function: str | None = None
    contact: Contact | None = None
    form: dict[str, Any]

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        copied = super().model_copy(update=update, deep=deep)
        for name in ("document_json", "digest", "form_digest"):
            copied.__dict__.pop(name, None)  # what was worked out of the original
        return copied

    def document(self) -> dict[str, Any]:
        """The content as JSON values without the form, which many items share and which is kept once."""
        found: dict[str, Any] = orjson.loads(self.document_json)
        return found

    # Worked out once: an import compares, keeps and announces a million contents.
    @cached_property
    def document_json(self) -> bytes:
        """The document as JSON, its members in the order of their names."""
        return orjson.dumps(self.model_dump(mode="json", exclude={"form"}), option=orjson.OPT_SORT_KEYS)

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the content: equal contents are one version, so that a second import changes nothing."""
        return digest_of([orjson.Fragment(self.document_json), self.form_digest])

    @cached_property
    def form_digest(self) -> str:
        return _form_digest(orjson.dumps(self.form, option=orjson.OPT_SORT_KEYS))

    @classmethod
    def worked_out(cls, document_json: bytes, form: dict[str, Any], digest: str, form_digest: str) -> Self:
        """The content of which somebody else has worked all this out. Raises ValidationError."""
        found = cls.model_validate_json(document_json[:-1] + b',"form":{}}')
        found.__dict__.update(form=form, document_json=document_json, digest=digest, form_digest=form_digest)
        return found

    @property
    def rank(self) -> int:
        """What counts in lists besides the words searched for: how much the guide tells; a short name before a long."""
        told = (self.summary, self.case_kind, self.limits.promised, self.fee, self.conditions, self.basis, self.steps)
        return 10 * sum(map(bool, told)) + 10 * (self.visits is not None) - min(len(self.name.zh), 100)

    @property
    def name_key(self) -> str:
        """Both names, folded, for matches of a whole phrase."""
        return fold(f"{self.name.zh} {self.name.en or ''}")


class BundleContent(Data):
    """One version's content of a bundle: everything of `BundlePublished` that its author writes.

    It has the members of `ItemContent` that lists, search and the life go by, so that one life serves both.
    """

    code: str
    name: Text
    summary: Text | None = None
    organisation: Organisation
    division: str
    subjects: tuple[Subject, ...]
    topics: tuple[str, ...] = ()
    members: tuple[BundleMember, ...]
    shared_fields: tuple[str, ...] = ()
    shared_materials: tuple[tuple[str, ...], ...] = ()

    kind: ClassVar[Kind] = "bundle"
    item_type: ClassVar[str] = ""
    base: ClassVar[str | None] = None
    form: ClassVar[dict[str, Any]] = {}
    online_depth: ClassVar[int | None] = None

    def document(self) -> dict[str, Any]:
        return self.model_dump(mode="json")

    @property
    def document_json(self) -> bytes:
        return orjson.dumps(self.document(), option=orjson.OPT_SORT_KEYS)

    @property
    def digest(self) -> str:
        return digest_of(self.document())

    @property
    def form_digest(self) -> str:
        return digest_of(self.form)

    @property
    def rank(self) -> int:
        return 100 - min(len(self.name.zh), 100)

    @property
    def name_key(self) -> str:
        return fold(f"{self.name.zh} {self.name.en or ''}")


Content = ItemContent | BundleContent


def content_of(kind: str, document: Mapping[str, Any], form: Mapping[str, Any]) -> Content:
    """The content kept as `document` (and, of an item, its form). Raises ValidationError."""
    if kind == "bundle":
        return BundleContent.model_validate(document)
    return ItemContent.model_validate({**document, "form": form})


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
    HELD = "held"
    """It is suspended or retired here, and stays so."""


@lru_cache(maxsize=256)
def _form_digest(form: bytes) -> str:
    # Imported items share few forms; hashlib lets other threads in for what is longer than 2 KB, which then stay in.
    return hashlib.sha256(form).hexdigest()


def digest_of(value: Any) -> str:
    return hashlib.sha256(orjson.dumps(value, option=orjson.OPT_SORT_KEYS)).hexdigest()
