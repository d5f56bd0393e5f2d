"""Tables of the catalogue and every statement on them."""

import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Column, ColumnElement, Index, Select, case, delete, func, insert, select
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel

from services.catalog.domain.items import ItemContent, OrganisationState, Provenance, SearchQuery
from services.catalog.domain.terms import LONGEST_TERM, needed
from services.contracts.base import Text
from services.kit.columns import JsonColumn, UtcDateTime
from services.kit.db import UnitOfWork, kit_tables


class Table(SQLModel, registry=registry()):
    """Base of the catalogue's tables: a registry of its own."""


class OrganisationRow(Table, table=True):
    """Latest state of each organisation; `version` counts its events."""

    __tablename__ = "organisations"
    id: str = Field(primary_key=True, max_length=128)
    name_zh: str = Field(max_length=200)
    name_en: str | None = Field(default=None, max_length=200)
    division: str = Field(max_length=12, index=True)
    uscc: str | None = Field(default=None, max_length=18)
    digest: str = Field(max_length=64)
    version: int
    updated_at: datetime = Field(sa_type=UtcDateTime)


class FormRow(Table, table=True):
    """Application forms by content: thousands of imported items share one."""

    __tablename__ = "forms"
    digest: str = Field(primary_key=True, max_length=64)
    # Text, not JSONB: the order of fields is the order in which people are asked.
    form: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))


class ItemRow(Table, table=True):
    """Each item's version in force, and what lists are narrowed and ordered by."""

    __tablename__ = "items"
    code: str = Field(primary_key=True, max_length=64)
    version: int
    digest: str = Field(max_length=64)
    organisation_id: str = Field(max_length=128, foreign_key="organisations.id", index=True)
    division: str = Field(max_length=12, index=True)
    item_type: str = Field(max_length=2)
    for_person: bool
    for_company: bool
    name_key: str
    rank: int
    published_at: datetime = Field(sa_type=UtcDateTime)
    __table_args__ = (Index("ix_items_rank_code", "rank", "code"),)


class ItemVersionRow(Table, table=True):
    """Every version ever published; never changed."""

    __tablename__ = "item_versions"
    code: str = Field(primary_key=True, max_length=64, foreign_key="items.code")
    version: int = Field(primary_key=True)
    document: dict[str, Any] = Field(sa_column=Column(JsonColumn, nullable=False))
    form_digest: str = Field(max_length=64, foreign_key="forms.digest")
    provenance: str = Field(max_length=16)
    published_at: datetime = Field(sa_type=UtcDateTime)


class ItemTermRow(Table, table=True):
    """What each item's version in force can be found by (see `domain.terms`)."""

    __tablename__ = "item_terms"
    term: str = Field(primary_key=True, max_length=LONGEST_TERM)
    code: str = Field(primary_key=True, max_length=64, foreign_key="items.code", index=True)
    weight: int


metadata = Table.metadata
TABLES = kit_tables(metadata)

_WRITER = zlib.crc32(b"tongban-catalog-writer")

_organisations = metadata.tables["organisations"]
_forms = metadata.tables["forms"]
_items = metadata.tables["items"]
_versions = metadata.tables["item_versions"]
_terms = metadata.tables["item_terms"]


@dataclass(frozen=True, slots=True)
class StoredItem:
    """One version as it was published."""

    content: ItemContent
    version: int
    published_at: datetime


@dataclass(frozen=True, slots=True)
class FoundItem:
    """One row of a list: the document without its form, and its place in the order."""

    document: Mapping[str, Any]
    version: int
    score: int


@dataclass(frozen=True, slots=True)
class ListedOrganisation:
    """An organisation with the number of its items in force."""

    state: OrganisationState
    items: int


class CatalogStore:
    """Queries and writes of one unit of work."""

    def __init__(self, work: UnitOfWork) -> None:
        self._work = work

    async def one_writer(self) -> None:
        """Wait until no other transaction publishes: two that read the same version would write the same next one."""
        if self._work.context.database.dialect == "postgresql":
            await self._work.execute(select(func.pg_advisory_xact_lock(_WRITER)))

    async def organisations(self, ids: Iterable[str]) -> dict[str, tuple[OrganisationState, int]]:
        """Those of `ids` that are known, with their versions."""
        rows = await self._work.execute(select(_organisations).where(_organisations.c.id.in_(set(ids))))
        return {row.id: (_state(row), row.version) for row in rows}

    async def save_organisations(self, states: Sequence[tuple[OrganisationState, int]]) -> None:
        """Insert or replace organisations with their new versions."""
        now = self._work.now()
        rows = [
            {
                "id": state.id,
                "name_zh": state.name.zh,
                "name_en": state.name.en,
                "division": state.division,
                "uscc": state.uscc,
                "digest": state.digest,
                "version": version,
                "updated_at": now,
            }
            for state, version in states
        ]
        await self._work.upsert(_organisations, rows, ["id"])

    async def list_organisations(
        self, division: str | None, after: str | None, limit: int
    ) -> Sequence[ListedOrganisation]:
        """Organisations by id, with the number of their items."""
        count = select(func.count()).where(_items.c.organisation_id == _organisations.c.id).scalar_subquery()
        statement = select(_organisations, count.label("items")).order_by(_organisations.c.id).limit(limit)
        if division:
            statement = statement.where(_organisations.c.division == division)
        if after is not None:
            statement = statement.where(_organisations.c.id > after)
        return [ListedOrganisation(_state(row), row.items) for row in await self._work.execute(statement)]

    async def current(self, codes: Iterable[str]) -> dict[str, tuple[int, str]]:
        """Version and digest in force of those `codes` that are known."""
        statement = select(_items.c.code, _items.c.version, _items.c.digest).where(_items.c.code.in_(set(codes)))
        return {row.code: (row.version, row.digest) for row in await self._work.execute(statement)}

    async def save_versions(
        self, published: Sequence[tuple[ItemContent, int]], provenance: Provenance, now: datetime
    ) -> None:
        """Put new versions in force from `now`: the item's row, its version, its form, its terms."""
        if not published:
            return
        forms = {content.form_digest: content.form for content, _ in published}
        await self._work.insert_ignore(
            _forms, [{"digest": digest, "form": form} for digest, form in forms.items()], _forms.c.digest
        )
        items = [_item_values(content, version, now) for content, version in published]
        await self._work.upsert(_items, items, ["code"])
        versions = [
            {
                "code": content.code,
                "version": version,
                "document": content.document(),
                "form_digest": content.form_digest,
                "provenance": provenance.value,
                "published_at": now,
            }
            for content, version in published
        ]
        await self._work.execute(insert(_versions), versions)
        codes = [content.code for content, _ in published]
        await self._work.execute(delete(_terms).where(_terms.c.code.in_(codes)))
        terms = [
            {"term": term, "code": content.code, "weight": weight}
            for content, _ in published
            for term, weight in content.terms().items()
        ]
        await self._work.execute(insert(_terms), terms)

    async def item(self, code: str, version: int | None = None) -> StoredItem | None:
        """The version in force, or the one asked for."""
        statement = select(_versions, _forms.c.form).join(_forms, _forms.c.digest == _versions.c.form_digest)
        if version is None:
            statement = statement.join(
                _items, (_items.c.code == _versions.c.code) & (_items.c.version == _versions.c.version)
            )
        else:
            statement = statement.where(_versions.c.version == version)
        row = (await self._work.execute(statement.where(_versions.c.code == code))).one_or_none()
        if row is None:
            return None
        return StoredItem(ItemContent(**row.document, form=row.form), row.version, row.published_at)

    async def known(self, code: str) -> bool:
        """Whether an item with this code was ever published."""
        return (await self._work.execute(select(_items.c.code).where(_items.c.code == code))).first() is not None

    async def search(self, query: SearchQuery) -> Sequence[FoundItem]:
        """Items that pass the filters and have enough of the terms, the best first, then by code."""
        found = _ranked(query).subquery()
        statement = (
            select(found.c.score, _versions.c.version, _versions.c.document)
            .join(_items, _items.c.code == found.c.code)
            .join(_versions, (_versions.c.code == _items.c.code) & (_versions.c.version == _items.c.version))
            .order_by(found.c.score.desc(), found.c.code)
            .limit(query.limit)
        )
        if query.after is not None:
            score, code = query.after
            statement = statement.where((found.c.score < score) | ((found.c.score == score) & (found.c.code > code)))
        rows = await self._work.execute(statement)
        return [FoundItem(row.document, row.version, row.score) for row in rows]


def _ranked(query: SearchQuery) -> Select[tuple[str, int]]:
    """Code and score of all that matches: first how many terms, then where they stand, then the item's own rank.

    The steps are far enough apart that a lower one never outweighs a higher: 24 terms of weight 8 make 9,600.
    """
    filters: list[ColumnElement[bool]] = []
    if query.subject:
        filters.append(_items.c.for_person if query.subject == "person" else _items.c.for_company)
    if query.organisation:
        filters.append(_items.c.organisation_id == query.organisation)
    if query.division:
        filters.append(_items.c.division == query.division)
    if not query.terms:
        return select(_items.c.code, _items.c.rank.label("score")).where(*filters)
    whole = case((_items.c.name_key.contains(query.phrase, autoescape=True), 400), else_=0)
    score = func.count() * 10_000 + func.sum(_terms.c.weight) * 50 + whole + _items.c.rank
    return (
        select(_items.c.code, score.label("score"))
        .join(_terms, _terms.c.code == _items.c.code)
        .where(_terms.c.term.in_(query.terms), *filters)
        .group_by(_items.c.code)
        .having(func.count() >= needed(len(query.terms)))
    )


def _state(row: Any) -> OrganisationState:
    return OrganisationState(row.id, Text(zh=row.name_zh, en=row.name_en), row.division, row.uscc)


def _item_values(content: ItemContent, version: int, now: datetime) -> dict[str, Any]:
    return {
        "code": content.code,
        "version": version,
        "digest": content.digest,
        "organisation_id": content.organisation.id,
        "division": content.division,
        "item_type": content.item_type,
        "for_person": "person" in content.subjects,
        "for_company": "company" in content.subjects,
        "name_key": content.name_key,
        "rank": content.rank,
        "published_at": now,
    }
