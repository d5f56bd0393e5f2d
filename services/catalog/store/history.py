"""History of a code: who did what, when and why, and the versions that came of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from services.catalog.domain.life import Act
from services.catalog.store.items import Done
from services.catalog.store.tables import item_versions, revisions, transitions
from services.kit.db import UnitOfWork


@dataclass(frozen=True, slots=True)
class ListedVersion:
    """A published version as the list of versions shows it; the people are those of its revision."""

    version: int
    published_at: datetime
    provenance: str
    revision_id: str | None
    author_name: str
    reviewer_name: str
    reason: str


class HistoryStore:
    """Reads of histories in one unit of work; `ItemStore.did` writes them."""

    def __init__(self, work: UnitOfWork) -> None:
        self._work = work

    async def listed(self, code: str, before: int | None, limit: int) -> Sequence[tuple[int, Done]]:
        """What was done to `code`, the latest first, from the one before `before` on."""
        statement = select(transitions).where(transitions.c.code == code).order_by(transitions.c.id.desc())
        if before is not None:
            statement = statement.where(transitions.c.id < before)
        return [(row.id, _done(row)) for row in await self._work.execute(statement.limit(limit))]

    async def writers(self, code: str, revision_id: str) -> frozenset[str]:
        """Everybody who wrote any of a revision: its reviewer is none of them."""
        statement = (
            select(transitions.c.actor)
            .distinct()
            .where(
                transitions.c.code == code,
                transitions.c.revision_id == revision_id,
                transitions.c.act.in_((Act.DRAFTED.value, Act.EDITED.value)),
            )
        )
        return frozenset((await self._work.execute(statement)).scalars())

    async def versions(self, code: str, before: int | None, limit: int) -> Sequence[ListedVersion]:
        """The versions of `code`, the newest first, from the one before `before` on."""
        joined = item_versions.outerjoin(revisions, revisions.c.id == item_versions.c.revision_id)
        wanted = (revisions.c.author_name, revisions.c.reviewer_name, revisions.c.reason)
        statement = (
            select(
                *(item_versions.c[name] for name in ("version", "published_at", "provenance", "revision_id")), *wanted
            )
            .select_from(joined)
            .where(item_versions.c.code == code)
            .order_by(item_versions.c.version.desc())
        )
        if before is not None:
            statement = statement.where(item_versions.c.version < before)
        return [
            ListedVersion(
                row.version,
                row.published_at,
                row.provenance,
                row.revision_id,
                row.author_name or "",
                row.reviewer_name or "",
                row.reason or "",
            )
            for row in await self._work.execute(statement.limit(limit))
        ]


def _done(row: Any) -> Done:
    return Done(
        row.code, Act(row.act), row.actor, row.actor_name, row.reason, row.at, row.revision_id, row.item_version
    )
