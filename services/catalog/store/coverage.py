"""What organisations have in force, counted where it lies."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import case, func, or_, select

from services.catalog.domain.coverage import WHOLLY_ONLINE, Counts, NotOnline
from services.catalog.domain.items import Provenance
from services.catalog.domain.organisations import STATE, OrganisationState
from services.catalog.store.tables import item_versions, items, organisations
from services.contracts.base import Text
from services.kit.auth import EVERYWHERE
from services.kit.db import UnitOfWork

OFFERED: Final = ("implementation", "handling")
CHUNK: Final = 1000
"""Base codes of one statement: a page of organisations may have many more functions."""


class CoverageStore:
    """Counts of one unit of work."""

    def __init__(self, work: UnitOfWork) -> None:
        self._work = work

    async def active(
        self, ids: Collection[str], division: str | None, after: str | None, limit: int
    ) -> Sequence[OrganisationState]:
        """Active organisations by id: those of `ids` ({"*"}: all)."""
        statement = select(organisations).where(organisations.c.status == "active").order_by(organisations.c.id)
        if EVERYWHERE not in ids:
            statement = statement.where(organisations.c.id.in_(ids))
        if division is not None:
            statement = statement.where(organisations.c.division == division)
        if after is not None:
            statement = statement.where(organisations.c.id > after)
        return [STATE.validate_python(row.document) for row in await self._work.execute(statement.limit(limit))]

    async def counts(self, ids: Collection[str]) -> Mapping[str, Counts]:
        """What each of `ids` has in force."""
        unlinted = func.sum(case((items.c.provenance == Provenance.IMPORT.value, 1), else_=0))
        statement = (
            select(
                items.c.organisation_id, items.c.online_depth, func.count().label("items"), unlinted.label("unlinted")
            )
            .where(*_offered(ids))
            .group_by(items.c.organisation_id, items.c.online_depth)
        )
        found: dict[str, list[Any]] = defaultdict(list)
        for row in await self._work.execute(statement):
            found[row.organisation_id].append(row)
        return {
            id_: Counts(
                sum(row.items for row in rows),
                sum(row.unlinted for row in rows),
                {row.online_depth: row.items for row in rows if row.online_depth is not None},
            )
            for id_, rows in found.items()
        }

    async def published(self, ids: Collection[str], bases: Iterable[str]) -> Mapping[str, set[str]]:
        """Of which of the base items `bases` each of `ids` has a version in force."""
        found: dict[str, set[str]] = defaultdict(set)
        wanted = sorted(set(bases))
        for at in range(0, len(wanted), CHUNK):
            statement = (
                select(items.c.organisation_id, items.c.base)
                .where(*_offered(ids), items.c.base.in_(wanted[at : at + CHUNK]))
                .distinct()
            )
            for row in await self._work.execute(statement):
                found[row.organisation_id].add(row.base)
        return found

    async def not_online(self, ids: Collection[str], most: int) -> Mapping[str, list[NotOnline]]:
        """The first `most` items of each of `ids` that are not wholly online."""
        place = func.row_number().over(partition_by=items.c.organisation_id, order_by=items.c.code)
        not_wholly = or_(items.c.online_depth.is_(None), items.c.online_depth < WHOLLY_ONLINE)
        inner = (
            select(items.c.organisation_id, items.c.code, items.c.version, items.c.online_depth, place.label("place"))
            .where(*_offered(ids), not_wholly)
            .subquery()
        )
        statement = (
            select(inner.c.organisation_id, inner.c.code, inner.c.online_depth, item_versions.c.document)
            .join(item_versions, (item_versions.c.code == inner.c.code) & (item_versions.c.version == inner.c.version))
            .where(inner.c.place <= most)
            .order_by(inner.c.organisation_id, inner.c.code)
        )
        found: dict[str, list[NotOnline]] = defaultdict(list)
        for row in await self._work.execute(statement):
            document = row.document
            reason = document.get("offline_reason") or document.get("visit_reason")
            found[row.organisation_id].append(
                NotOnline(
                    row.code,
                    Text.model_validate(document["name"]),
                    row.online_depth,
                    Text.model_validate(reason) if reason else None,
                )
            )
        return found


def _offered(ids: Collection[str]) -> tuple[Any, ...]:
    return items.c.organisation_id.in_(ids), items.c.status == "published", items.c.kind.in_(OFFERED)
