"""The tables of the cases service. Columns named `…_sealed` are ciphertext (kit.crypto); nothing else is personal."""

from datetime import date, datetime
from typing import Final

from sqlalchemy import Date, Index, text
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel

from services.kit.columns import SealedBytes, UtcDateTime
from services.kit.db import kit_tables


class Table(SQLModel, registry=registry()):
    """Base of this service's tables: a registry of its own, since services share processes."""


class ItemRow(Table, table=True):
    """The current version of each item that the catalogue published, and whether it takes new cases."""

    __tablename__ = "items"
    code: str = Field(primary_key=True, max_length=128)
    version: int
    status: str = Field(max_length=16)
    reason: str
    """Why it takes none: said by the catalogue's officers to everybody."""


class ItemVersionRow(Table, table=True):
    """Every version that was published while this service listened: running cases stay on theirs."""

    __tablename__ = "item_versions"
    code: str = Field(primary_key=True, max_length=128)
    version: int = Field(primary_key=True)
    body: bytes


class DraftRow(Table, table=True):
    """An application not handed in yet, or the amendment of a returned case."""

    __tablename__ = "drafts"
    id: str = Field(primary_key=True, max_length=32)
    owner: str = Field(max_length=64)
    item_code: str = Field(max_length=128)
    item_version: int | None = None
    amends: str | None = Field(default=None, max_length=32, unique=True)
    case_id: str | None = Field(default=None, max_length=32)
    version: int
    answers_sealed: bytes | None = Field(default=None, sa_type=SealedBytes)
    channel: str = Field(max_length=100)
    created_at: datetime = Field(sa_type=UtcDateTime)
    updated_at: datetime = Field(sa_type=UtcDateTime)
    expires_at: datetime = Field(sa_type=UtcDateTime, index=True)
    __table_args__ = (Index("ix_drafts_owner", "owner", "id"),)


RUNNING: Final = "status NOT IN ('delivered', 'withdrawn')"
"""Cases that have not come to their end; as a condition word for word, so that their index serves."""


class CaseRow(Table, table=True):
    """A case; the fields are those of `domain.cases.Case`, and what is personal, sealed."""

    __tablename__ = "cases"
    id: str = Field(primary_key=True, max_length=32)
    number: str = Field(max_length=50, unique=True)
    version: int
    status: str = Field(max_length=10)
    item_code: str = Field(max_length=128)
    item_version: int
    item_type: str = Field(max_length=8)
    organisation: str = Field(max_length=128)
    division: str = Field(max_length=12)
    applicant: str = Field(max_length=64)
    applicant_sealed: bytes | None = Field(default=None, sa_type=SealedBytes)
    applicant_index: str | None = Field(default=None, max_length=64, index=True)
    channel: str = Field(max_length=100)
    answers_sealed: bytes = Field(sa_type=SealedBytes)
    submitted_at: datetime = Field(sa_type=UtcDateTime)
    received_at: datetime = Field(sa_type=UtcDateTime)
    updated_at: datetime = Field(sa_type=UtcDateTime)
    noticed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    accepted_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    accepted_by: str | None = Field(default=None, max_length=64)
    counted_from: date | None = Field(default=None, sa_type=Date)
    reviewed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    reviewed_by: str | None = Field(default=None, max_length=64)
    opinion: str | None = Field(default=None, max_length=10)
    decided_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    decided_by: str | None = Field(default=None, max_length=64)
    outcome: str | None = Field(default=None, max_length=10)
    delivered_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    withdrawn_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    __table_args__ = (
        Index("ix_cases_applicant", "applicant", "id"),
        Index("ix_cases_desk", "organisation", "status", "id"),
        Index("ix_cases_running", "item_code", "id", postgresql_where=text(RUNNING), sqlite_where=text(RUNNING)),
    )


class StepRow(Table, table=True):
    """The timeline: one row for each version of a case, never changed."""

    __tablename__ = "steps"
    case_id: str = Field(primary_key=True, max_length=32, foreign_key="cases.id")
    version: int = Field(primary_key=True)
    event: str = Field(max_length=16)
    at: datetime = Field(sa_type=UtcDateTime)
    actor_kind: str = Field(max_length=10)
    actor: str = Field(max_length=64)
    actor_name: str | None = Field(default=None, max_length=100)
    words_sealed: bytes | None = Field(default=None, sa_type=SealedBytes)


class TaskRow(Table, table=True):
    """Whose turn it is: one open task at most for a case, by role and organisation; closed ones stay as history."""

    __tablename__ = "tasks"
    case_id: str = Field(primary_key=True, max_length=32, foreign_key="cases.id")
    case_version: int = Field(primary_key=True)
    role: str = Field(max_length=10)
    organisation: str = Field(max_length=128)
    due_on: date = Field(sa_type=Date)
    opened_at: datetime = Field(sa_type=UtcDateTime)
    closed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    closed_by: str | None = Field(default=None, max_length=64)
    __table_args__ = (
        Index(
            "ix_tasks_open",
            "organisation",
            "role",
            "due_on",
            "case_id",
            postgresql_where=text("closed_at IS NULL"),
            sqlite_where=text("closed_at IS NULL"),
        ),
    )


class FileRow(Table, table=True):
    """A file in the storage, an applicant's material or a result; `pending` until its bytes are there whole."""

    __tablename__ = "files"
    id: str = Field(primary_key=True, max_length=32)
    draft_id: str | None = Field(default=None, max_length=32, index=True)
    case_id: str | None = Field(default=None, max_length=32, index=True)
    kind: str = Field(max_length=10)
    material: str | None = Field(default=None, max_length=100)
    state: str = Field(max_length=10)
    path: str = Field(max_length=200)
    name_sealed: bytes = Field(sa_type=SealedBytes)
    media_type: str = Field(max_length=100)
    size: int
    sha256: str = Field(max_length=64)
    created_at: datetime = Field(sa_type=UtcDateTime)
    __table_args__ = (Index("ix_files_state", "state", "created_at"),)


class AccessRow(Table, table=True):
    """Who of the staff opened a case, when and why; its applicant may read it."""

    __tablename__ = "accesses"
    id: str = Field(primary_key=True, max_length=32)
    case_id: str = Field(max_length=32, foreign_key="cases.id")
    at: datetime = Field(sa_type=UtcDateTime)
    officer: str = Field(max_length=64)
    officer_name: str | None = Field(default=None, max_length=100)
    what: str = Field(max_length=10)
    purpose: str = Field(max_length=10)
    reason_sealed: bytes | None = Field(default=None, sa_type=SealedBytes)
    __table_args__ = (Index("ix_accesses_case", "case_id", "id"),)


class NumberRow(Table, table=True):
    """The next sequence number of a division and day that no process has reserved yet."""

    __tablename__ = "numbers"
    division: str = Field(primary_key=True, max_length=6)
    day: date = Field(primary_key=True, sa_type=Date)
    next: int


metadata = Table.metadata
TABLES: Final = kit_tables(metadata)

items = metadata.tables["items"]
item_versions = metadata.tables["item_versions"]
drafts = metadata.tables["drafts"]
cases = metadata.tables["cases"]
steps = metadata.tables["steps"]
tasks = metadata.tables["tasks"]
files = metadata.tables["files"]
accesses = metadata.tables["accesses"]
numbers = metadata.tables["numbers"]
