"""The catalogue's tables."""

import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Column, Index, UniqueConstraint
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel

from services.kit.columns import BigId, JsonColumn, UtcDateTime
from services.kit.db import kit_tables


class Table(SQLModel, registry=registry()):
    """Base of the catalogue's tables: a registry of its own."""


class OrganisationRow(Table, table=True):
    """Latest state of each organisation; `version` counts its events. Establishment figures (编制) will get a table of
    their own, keyed by organisation, kind and day."""

    __tablename__ = "organisations"
    id: str = Field(primary_key=True, max_length=128)
    name_zh: str = Field(max_length=200)
    division: str = Field(max_length=12, index=True)
    parent: str | None = Field(default=None, max_length=128, index=True)
    kind: str = Field(max_length=16)
    status: str = Field(max_length=16)
    document: dict[str, Any] = Field(sa_column=Column(JsonColumn, nullable=False))
    digest: str = Field(max_length=64)
    version: int
    updated_at: datetime.datetime = Field(sa_type=UtcDateTime)


class OrganisationVersionRow(Table, table=True):
    """Every state that an organisation has had; never changed."""

    __tablename__ = "organisation_versions"
    id: str = Field(primary_key=True, max_length=128)
    version: int = Field(primary_key=True)
    document: dict[str, Any] = Field(sa_column=Column(JsonColumn, nullable=False))
    actor: str = Field(max_length=128)
    reason: str
    at: datetime.datetime = Field(sa_type=UtcDateTime)


class FormRow(Table, table=True):
    """Application forms by content: thousands of imported items share one."""

    __tablename__ = "forms"
    digest: str = Field(primary_key=True, max_length=64)
    # Text, not JSONB: the order of fields is the order in which people are asked.
    form: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))


class ItemRow(Table, table=True):
    """What is or was in force, item or bundle: its version now, and what lists are narrowed and ordered by.

    `sequence` counts its events, `version` its contents: to suspend it makes an event and no version. `uses` is how
    often it was opened or applied for.
    """

    __tablename__ = "items"
    code: str = Field(primary_key=True, max_length=64)
    kind: str = Field(max_length=16)
    base: str | None = Field(default=None, max_length=64, index=True)
    status: str = Field(max_length=16)
    status_reason: str = ""
    version: int
    sequence: int
    digest: str = Field(max_length=64)
    organisation_id: str = Field(max_length=128, foreign_key="organisations.id", index=True)
    division: str = Field(max_length=12, index=True)
    item_type: str = Field(max_length=2)
    for_person: bool
    for_company: bool
    online_depth: int | None = None
    provenance: str = Field(max_length=16)
    name_key: str
    rank: int
    uses: int = Field(default=0, sa_type=BigInteger)
    published_at: datetime.datetime = Field(sa_type=UtcDateTime)
    __table_args__ = (Index("ix_items_rank_code", "rank", "code"),)


class ItemVersionRow(Table, table=True):
    """Every version ever published; never changed."""

    __tablename__ = "item_versions"
    code: str = Field(primary_key=True, max_length=64, foreign_key="items.code")
    version: int = Field(primary_key=True)
    kind: str = Field(max_length=16)
    document: dict[str, Any] = Field(sa_column=Column(JsonColumn, nullable=False))
    form_digest: str = Field(max_length=64, foreign_key="forms.digest")
    provenance: str = Field(max_length=16)
    revision_id: str | None = Field(default=None, max_length=32)
    published_at: datetime.datetime = Field(sa_type=UtcDateTime)


class ItemPeriodRow(Table, table=True):
    """Bitemporal history: from when to when a version (or none: suspended, retired) is in force, and from when to when
    the catalogue knew it so. An open end is NULL; a row is never changed but for closing `known_to`. While the first
    version of an item is to come, its code is none of `items` yet."""

    __tablename__ = "item_periods"
    id: int | None = Field(default=None, sa_column=Column(BigId, primary_key=True))
    code: str = Field(max_length=64)
    version: int
    status: str = Field(max_length=16)
    valid_from: datetime.datetime = Field(sa_type=UtcDateTime)
    valid_to: datetime.datetime | None = Field(default=None, sa_type=UtcDateTime)
    known_from: datetime.datetime = Field(sa_type=UtcDateTime)
    known_to: datetime.datetime | None = Field(default=None, sa_type=UtcDateTime)
    __table_args__ = (Index("ix_item_periods_code", "code", "known_to"),)


class ItemAliasRow(Table, table=True):
    """Other codes by which an item is found: those of other systems, and those before a reform of organisations."""

    __tablename__ = "item_aliases"
    alias: str = Field(primary_key=True, max_length=64)
    code: str = Field(max_length=64, index=True)
    reason: str
    since: datetime.datetime = Field(sa_type=UtcDateTime)


class RevisionRow(Table, table=True):
    """One proposed content of an item or bundle, on its way (see `domain.life`). `open_code` is the code while the
    revision is under way and NULL afterwards: one of a code at a time."""

    __tablename__ = "revisions"
    id: str = Field(primary_key=True, max_length=32)
    code: str = Field(max_length=64, index=True)
    open_code: str | None = Field(default=None, max_length=64)
    kind: str = Field(max_length=16)
    state: str = Field(max_length=16)
    version: int
    """Counts the changes of the revision itself, for If-Match."""
    from_version: int
    """The published version that it was begun from; 0 of a new item."""
    organisation_id: str = Field(max_length=128, index=True)
    document: dict[str, Any] = Field(sa_column=Column(JsonColumn, nullable=False))
    form_digest: str = Field(max_length=64, foreign_key="forms.digest")
    digest: str = Field(max_length=64)
    provenance: str = Field(max_length=16)
    author: str = Field(max_length=128)
    author_name: str = Field(max_length=100)
    reviewer: str | None = Field(default=None, max_length=128)
    reviewer_name: str | None = Field(default=None, max_length=100)
    reason: str
    effective_at: datetime.datetime | None = Field(default=None, sa_type=UtcDateTime)
    created_at: datetime.datetime = Field(sa_type=UtcDateTime)
    updated_at: datetime.datetime = Field(sa_type=UtcDateTime)
    __table_args__ = (
        UniqueConstraint("open_code", name="uq_revisions_open_code"),
        Index("ix_revisions_state", "state", "effective_at", "id"),
    )


class RealignmentRow(Table, table=True):
    """A base item that changed: its implementations up to `after` have been looked at, some at a time."""

    __tablename__ = "realignments"
    base: str = Field(primary_key=True, max_length=64)
    version: int
    after: str = Field(max_length=64)


class TransitionRow(Table, table=True):
    """Who did what to an item or bundle, when and why; append-only."""

    __tablename__ = "transitions"
    id: int | None = Field(default=None, sa_column=Column(BigId, primary_key=True))
    code: str = Field(max_length=64)
    revision_id: str | None = Field(default=None, max_length=32)
    item_version: int | None = None
    act: str = Field(max_length=32)
    actor: str = Field(max_length=128)
    actor_name: str = Field(max_length=100)
    reason: str
    at: datetime.datetime = Field(sa_type=UtcDateTime)
    __table_args__ = (Index("ix_transitions_code", "code", "id"),)


class AppealRow(Table, table=True):
    """A request to let a refusal of the lint pass; once granted, it exempts the item until its end date."""

    __tablename__ = "appeals"
    id: str = Field(primary_key=True, max_length=32)
    code: str = Field(max_length=64, index=True)
    revision_id: str | None = Field(default=None, max_length=32)
    rule: str = Field(max_length=64)
    field: str = Field(max_length=200)
    state: str = Field(max_length=16, index=True)
    """open, granted, refused."""
    author: str = Field(max_length=128)
    author_name: str = Field(max_length=100)
    reason: str
    decided_by: str | None = Field(default=None, max_length=128)
    decision: str | None = None
    """The administrator's reason, public where granted."""
    until: datetime.date | None = None
    created_at: datetime.datetime = Field(sa_type=UtcDateTime)
    decided_at: datetime.datetime | None = Field(default=None, sa_type=UtcDateTime)


class RegisterEntryRow(Table, table=True):
    """Latest state of a data element, shareable resource or licence type; `version` counts its events."""

    __tablename__ = "register_entries"
    register_name: str = Field(primary_key=True, max_length=16)
    """element, resource, licence."""
    code: str = Field(primary_key=True, max_length=64)
    name_key: str = Field(max_length=200)
    source: str = Field(max_length=128, index=True)
    status: str = Field(max_length=16)
    document: dict[str, Any] = Field(sa_column=Column(JsonColumn, nullable=False))
    digest: str = Field(max_length=64)
    version: int
    updated_at: datetime.datetime = Field(sa_type=UtcDateTime)
    # One meaning, one entry, one source (一数一源).
    __table_args__ = (UniqueConstraint("register_name", "name_key", name="uq_register_entries_name_key"),)


class RegisterVersionRow(Table, table=True):
    """Every state that an entry of a register has had; never changed."""

    __tablename__ = "register_versions"
    register_name: str = Field(primary_key=True, max_length=16)
    code: str = Field(primary_key=True, max_length=64)
    version: int = Field(primary_key=True)
    document: dict[str, Any] = Field(sa_column=Column(JsonColumn, nullable=False))
    actor: str = Field(max_length=128)
    reason: str
    at: datetime.datetime = Field(sa_type=UtcDateTime)


class RegisterSupplyRow(Table, table=True):
    """Which entries of the registers give or prove a data element, so that the lint finds them without reading all."""

    __tablename__ = "register_supplies"
    element: str = Field(primary_key=True, max_length=64)
    register_name: str = Field(primary_key=True, max_length=16)
    code: str = Field(primary_key=True, max_length=64)
    __table_args__ = (Index("ix_register_supplies_entry", "register_name", "code"),)


class ItemLinkRow(Table, table=True):
    """What an item's version in force names of registers and other items (see `domain.links`): who still uses an
    entry, and whose result proves what."""

    __tablename__ = "item_links"
    code: str = Field(primary_key=True, max_length=64, foreign_key="items.code")
    link: str = Field(primary_key=True, max_length=16)
    target: str = Field(primary_key=True, max_length=64)
    __table_args__ = (Index("ix_item_links_target", "link", "target"),)


class CorrectionRow(Table, table=True):
    """A correction request (异议): a disagreement found in use, for the authoritative source to answer."""

    __tablename__ = "corrections"
    id: str = Field(primary_key=True, max_length=32)
    register_name: str = Field(max_length=16)
    code: str = Field(max_length=64)
    source: str = Field(max_length=128)
    state: str = Field(max_length=16)
    version: int
    organisation_id: str = Field(max_length=128, index=True)
    """Who found it."""
    author: str = Field(max_length=128)
    author_name: str = Field(max_length=100)
    text: str
    """What disagrees, without personal data."""
    item_code: str | None = Field(default=None, max_length=64)
    answer: str | None = None
    answered_by: str | None = Field(default=None, max_length=128)
    created_at: datetime.datetime = Field(sa_type=UtcDateTime)
    updated_at: datetime.datetime = Field(sa_type=UtcDateTime)
    due_at: datetime.datetime = Field(sa_type=UtcDateTime)
    __table_args__ = (Index("ix_corrections_source", "source", "state", "id"),)


class ImportRow(Table, table=True):
    """A run over one file: how far it has come, so that one that was killed goes on where it was."""

    __tablename__ = "imports"
    id: str = Field(primary_key=True, max_length=32)
    file_digest: str = Field(max_length=64, index=True)
    """SHA-256 of the file and of how it is read (format, mapping, mode)."""
    source: str = Field(max_length=200)
    mode: str = Field(max_length=16)
    """drafts or as-published."""
    actor: str = Field(max_length=128)
    position: int
    """Rows whose outcome is committed."""
    state: str = Field(max_length=16)
    """running, finished."""
    report: dict[str, Any] = Field(sa_column=Column(JsonColumn, nullable=False))
    started_at: datetime.datetime = Field(sa_type=UtcDateTime)
    finished_at: datetime.datetime | None = Field(default=None, sa_type=UtcDateTime)


class SynonymRow(Table, table=True):
    """People's word → the items' word (synonyms as data)."""

    __tablename__ = "synonyms"
    word: str = Field(primary_key=True, max_length=50)
    means: str = Field(primary_key=True, max_length=50)


class SearchMissRow(Table, table=True):
    """What was searched for and not found: the words, the day, how often. Nothing of who searched."""

    __tablename__ = "search_misses"
    day: datetime.date = Field(primary_key=True)
    words: str = Field(primary_key=True, max_length=100)
    count: int


class SearchDocumentRow(Table, table=True):
    """What each item in force is found by (see `domain.search.documents`); the index of its words is made by
    `migrations/fulltext.py`. Not a copy to rely on: made anew from the items at any time."""

    __tablename__ = "search_documents"
    id: int | None = Field(default=None, sa_column=Column(BigId, primary_key=True))
    code: str = Field(max_length=64, unique=True)
    version: int
    tier: int
    """0 holds what is used most."""
    place: int
    """In the order of use, the greatest first."""
    name: str
    name_key: str
    facets: str
    words: str
    summary: str


class SearchQueueRow(Table, table=True):
    """Codes that wait for the indexer: those of bulk changes."""

    __tablename__ = "search_queue"
    id: int | None = Field(default=None, sa_column=Column(BigId, primary_key=True))
    code: str = Field(max_length=64)


class SearchNameRow(Table, table=True):
    """Names of items in force, for typing help: how many items have it, how much they are used, how it sounds."""

    __tablename__ = "search_names"
    name: str = Field(primary_key=True, max_length=100)
    name_key: str = Field(max_length=200)
    english_key: str = Field(max_length=200)
    times: int
    place: int
    code: str = Field(max_length=64)
    pinyin: str = Field(default="", max_length=700)
    initials: str = Field(default="", max_length=100)
    is_read: bool = Field(default=False, index=True)
    """Whether its words are in the vocabulary."""
    __table_args__ = (Index("ix_search_names_place", "place", "name"),)


class SearchWordRow(Table, table=True):
    """The vocabulary: words of items' names, how they sound, in how many names they stand."""

    __tablename__ = "search_words"
    word: str = Field(primary_key=True, max_length=50)
    pinyin: str = Field(max_length=100, index=True)
    initials: str = Field(max_length=50, index=True)
    names: int


class SearchKeyRow(Table, table=True):
    """By what a mistyped word is found (see `domain.search.mending.keys_of`)."""

    __tablename__ = "search_keys"
    key: str = Field(primary_key=True, max_length=50)
    word: str = Field(primary_key=True, max_length=50)


class SearchStateRow(Table, table=True):
    """Numbers of the search itself: the version of the synonyms."""

    __tablename__ = "search_state"
    name: str = Field(primary_key=True, max_length=32)
    value: int


metadata = Table.metadata
TABLES = kit_tables(metadata)

organisations = metadata.tables["organisations"]
organisation_versions = metadata.tables["organisation_versions"]
forms = metadata.tables["forms"]
items = metadata.tables["items"]
item_versions = metadata.tables["item_versions"]
item_periods = metadata.tables["item_periods"]
item_aliases = metadata.tables["item_aliases"]
revisions = metadata.tables["revisions"]
realignments = metadata.tables["realignments"]
transitions = metadata.tables["transitions"]
appeals = metadata.tables["appeals"]
register_entries = metadata.tables["register_entries"]
register_versions = metadata.tables["register_versions"]
register_supplies = metadata.tables["register_supplies"]
item_links = metadata.tables["item_links"]
corrections = metadata.tables["corrections"]
imports = metadata.tables["imports"]
synonyms = metadata.tables["synonyms"]
search_misses = metadata.tables["search_misses"]
search_documents = metadata.tables["search_documents"]
search_queue = metadata.tables["search_queue"]
search_names = metadata.tables["search_names"]
search_words = metadata.tables["search_words"]
search_keys = metadata.tables["search_keys"]
search_state = metadata.tables["search_state"]
