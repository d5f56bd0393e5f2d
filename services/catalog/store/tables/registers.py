"""The registers, what items name of them, and correction requests."""

import datetime
from typing import Any

from sqlalchemy import Column, Index, UniqueConstraint
from sqlmodel import Field

from services.catalog.store.tables.base import Table
from services.kit.columns import JsonColumn, UtcDateTime


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
