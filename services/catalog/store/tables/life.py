"""Organisations; items and bundles with their versions, periods, revisions and history; imports."""

import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Column, Index, UniqueConstraint
from sqlmodel import Field

from services.catalog.store.tables.base import Table
from services.kit.columns import BigId, JsonColumn, UtcDateTime


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
