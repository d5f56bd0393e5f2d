"""Bundles in force, for lists; what they are and hold is with the items (`store.items`)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from services.catalog.store.tables import item_versions, items
from services.kit.db import UnitOfWork


@dataclass(frozen=True, slots=True)
class ListedBundle:
    """A bundle as a list shows it."""

    document: dict[str, Any]
    version: int


class BundleStore:
    """Reads of bundles in one unit of work."""

    def __init__(self, work: UnitOfWork) -> None:
        self._work = work

    async def listed(self, division: str | None, after: str | None, limit: int) -> Sequence[ListedBundle]:
        """Bundles in force by code, from the one after `after`."""
        versions = item_versions.c
        statement = (
            select(versions.document, versions.version)
            .join(items, (items.c.code == versions.code) & (items.c.version == versions.version))
            .where(items.c.kind == "bundle", items.c.status == "published")
            .order_by(items.c.code)
            .limit(limit)
        )
        if division is not None:
            statement = statement.where(items.c.division == division)
        if after is not None:
            statement = statement.where(items.c.code > after)
        return [ListedBundle(row.document, row.version) for row in await self._work.execute(statement)]
