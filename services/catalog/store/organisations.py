"""Organisations: their latest states and every state before."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, insert, select

from services.catalog.domain.organisations import STATE, OrganisationState
from services.catalog.store.tables import items, organisation_versions, organisations
from services.kit.db import UnitOfWork


@dataclass(frozen=True, slots=True)
class ListedOrganisation:
    """An organisation with the number of its items in force."""

    state: OrganisationState
    items: int


class OrganisationStore:
    """Reads and writes of organisations in one unit of work."""

    def __init__(self, work: UnitOfWork) -> None:
        self._work = work

    async def many(self, ids: Iterable[str]) -> dict[str, tuple[OrganisationState, int]]:
        """Those of `ids` that are known, with their versions."""
        rows = await self._work.execute(select(organisations).where(organisations.c.id.in_(set(ids))))
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

    async def listed(self, division: str | None, after: str | None, limit: int) -> Sequence[ListedOrganisation]:
        """Organisations by id, with the number of their items that can be applied for."""
        count = (
            select(func.count())
            .where(items.c.organisation_id == organisations.c.id, items.c.status == "published")
            .where(items.c.kind.in_(("implementation", "handling")))
            .scalar_subquery()
        )
        statement = select(organisations, count.label("items")).order_by(organisations.c.id).limit(limit)
        if division:
            statement = statement.where(organisations.c.division == division)
        if after is not None:
            statement = statement.where(organisations.c.id > after)
        return [ListedOrganisation(_state(row), row.items) for row in await self._work.execute(statement)]


def _state(row: Any) -> OrganisationState:
    return STATE.validate_python(row.document)
