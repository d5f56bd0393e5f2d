"""Organisations: their latest states and every state before."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, ScalarSelect, func, insert, literal, or_, select

from services.catalog.domain.organisations import STATE, OrganisationState
from services.catalog.store.tables import items, organisation_versions, organisations
from services.kit.db import UnitOfWork

DEEPEST: Final = 32
"""Steps of the tree that are gone up: more than any administration has."""


@dataclass(frozen=True, slots=True)
class ListedOrganisation:
    """An organisation with the number of its items that can be applied for."""

    state: OrganisationState
    items: int
    children: int = 0


@dataclass(frozen=True, slots=True)
class OrganisationQuery:
    """What a list of organisations is narrowed by; `text` is a part of the name, or the whole id."""

    division: str | None = None
    parent: str | None = None
    kind: str | None = None
    status: str | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class PastState:
    """What an organisation was as one of its versions, by whom and why it became so."""

    version: int
    state: OrganisationState
    actor: str
    reason: str
    at: datetime


class OrganisationStore:
    """Reads and writes of organisations in one unit of work."""

    def __init__(self, work: UnitOfWork) -> None:
        self._work = work

    async def many(self, ids: Iterable[str]) -> dict[str, tuple[OrganisationState, int]]:
        """Those of `ids` that are known, with their versions."""
        rows = await self._work.execute(select(organisations).where(self._work.among(organisations.c.id, set(ids))))
        return {row.id: (_state(row), row.version) for row in rows}

    async def one(self, id_: str) -> tuple[OrganisationState, int] | None:
        """An organisation and its version."""
        return (await self.many([id_])).get(id_)

    async def save(self, states: Sequence[tuple[OrganisationState, int]], actor: str, reason: str = "") -> None:
        """Insert or replace organisations with their new versions, and keep each state."""
        now = self._work.now()
        rows = [
            {
                "id": state.id,
                "name_zh": state.name.zh,
                "division": state.division,
                "parent": state.parent,
                "kind": state.kind,
                "status": state.status,
                "document": state.document(),
                "digest": state.digest,
                "version": version,
                "updated_at": now,
            }
            for state, version in states
        ]
        if not rows:
            return
        await self._work.upsert(organisations, rows, ["id"])
        history = [
            {"id": s.id, "version": v, "document": s.document(), "actor": actor, "reason": reason, "at": now}
            for s, v in states
        ]
        await self._work.execute(insert(organisation_versions), history)

    async def listed(self, query: OrganisationQuery, after: str | None, limit: int) -> Sequence[ListedOrganisation]:
        """Organisations by id, with the number of their items that can be applied for."""
        statement = select(organisations, _items().label("items")).order_by(organisations.c.id).limit(limit)
        filters: list[ColumnElement[bool]] = [
            organisations.c[name] == value
            for name in ("division", "parent", "kind", "status")
            if (value := getattr(query, name)) is not None
        ]
        if query.text:
            named = organisations.c.name_zh.contains(query.text, autoescape=True)
            filters.append(or_(named, organisations.c.id == query.text.upper()))
        if after is not None:
            filters.append(organisations.c.id > after)
        rows = await self._work.execute(statement.where(*filters))
        return [ListedOrganisation(_state(row), row.items) for row in rows]

    async def counted(self, id_: str) -> tuple[ListedOrganisation, int] | None:
        """An organisation with the numbers of its items and of those below it that are active, and its version."""
        below = organisations.alias()
        children = (
            select(func.count()).where(below.c.parent == organisations.c.id, below.c.status == "active")
        ).scalar_subquery()
        statement = select(organisations, _items().label("items"), children.label("children"))
        row = (await self._work.execute(statement.where(organisations.c.id == id_))).one_or_none()
        return (ListedOrganisation(_state(row), row.items, row.children), row.version) if row else None

    async def has_items(self, id_: str) -> bool:
        """Whether any item or bundle is in force or suspended that names the organisation as its own."""
        wanted = (items.c.organisation_id == id_, items.c.status != "retired")
        return (await self._work.execute(select(items.c.code).where(*wanted).limit(1))).first() is not None

    async def parents(self, ids: Iterable[str]) -> Mapping[str, str | None]:
        """The parent of each of `ids` and of all above them, as far as they are known."""
        step = (
            select(organisations.c.id, organisations.c.parent, literal(0).label("depth"))
            .where(organisations.c.id.in_(set(ids)))
            .cte("above", recursive=True)
        )
        up = select(organisations.c.id, organisations.c.parent, step.c.depth + 1).join(
            step, organisations.c.id == step.c.parent
        )
        above = step.union(up.where(step.c.depth < DEEPEST))
        return {row.id: row.parent for row in await self._work.execute(select(above.c.id, above.c.parent).distinct())}

    async def children(self, ids: Iterable[str]) -> Sequence[tuple[OrganisationState, int]]:
        """Those right below `ids` that are active, with their versions."""
        wanted = (organisations.c.parent.in_(set(ids)), organisations.c.status == "active")
        rows = await self._work.execute(select(organisations).where(*wanted).order_by(organisations.c.id))
        return [(_state(row), row.version) for row in rows]

    async def past(self, id_: str, before: int | None, limit: int) -> Sequence[PastState]:
        """The states of an organisation, the newest first, from the one before `before` on."""
        table = organisation_versions
        statement = select(table).where(table.c.id == id_).order_by(table.c.version.desc()).limit(limit)
        if before is not None:
            statement = statement.where(table.c.version < before)
        rows = await self._work.execute(statement)
        return [PastState(row.version, _state(row), row.actor, row.reason, row.at) for row in rows]


def _items() -> ScalarSelect[int]:
    return (
        select(func.count())
        .where(items.c.organisation_id == organisations.c.id, items.c.status == "published")
        .where(items.c.kind.in_(("implementation", "handling")))
        .scalar_subquery()
    )


def _state(row: Any) -> OrganisationState:
    return STATE.validate_python(row.document)
