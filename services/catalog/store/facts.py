"""What the lint must know of the catalogue, in few statements."""

from collections.abc import Iterable
from typing import Any, Final

from sqlalchemy import Select, select

from services.catalog.domain.links import GIVES, NEEDS_ITEM, NEEDS_LICENCE
from services.catalog.store.registers import CHUNK
from services.catalog.store.tables import item_aliases, item_links, item_versions, items
from services.contracts.base import Text
from services.kit.db import UnitOfWork

MOST_ITEMS: Final = 20_000
"""Items that are followed in search of a cycle; beyond them, what they demand counts as to be had."""


class FactsStore:
    """Reads for the lint in one unit of work."""

    def __init__(self, work: UnitOfWork) -> None:
        self._work = work

    async def known(self, codes: Iterable[str]) -> frozenset[str]:
        """Those of `codes` that are items, or stand for items, not retired."""
        wanted = sorted(set(codes))
        if not wanted:
            return frozenset()
        live = items.c.status != "retired"
        direct = select(items.c.code).where(items.c.code.in_(wanted), live)
        joined = item_aliases.join(items, items.c.code == item_aliases.c.code)
        aliased = select(item_aliases.c.alias).select_from(joined).where(item_aliases.c.alias.in_(wanted), live)
        return frozenset((await self._work.execute(direct.union(aliased))).scalars())

    async def proofs(self, needs: Iterable[str]) -> tuple[dict[str, frozenset[str]], dict[str, frozenset[str]]]:
        """What `needs` ("item:CODE", "licence:CODE") lead to: the demands of items, the givers of licence types.

        Level by level, each in a statement or two. A licence type that an item without demands gives is not followed.
        """
        demands: dict[str, set[str]] = {}
        givers: dict[str, set[str]] = {}
        todo = set(needs)
        while todo and len(demands) < MOST_ITEMS:
            licences = {need.removeprefix("licence:") for need in todo if need.startswith("licence:")}
            giving = await self._givers(licences)
            givers |= {licence: giving.get(licence, set()) for licence in licences}
            wanted = {need.removeprefix("item:") for need in todo if need.startswith("item:")}
            wanted = (wanted | {item for found in giving.values() for item in found}) - demands.keys()
            found = await self._demands(wanted)
            demands |= {item: found.get(item, set()) for item in wanted}
            free = {
                licence
                for licence, found_items in giving.items()
                if any(not demands[i] - {f"licence:{licence}"} for i in found_items)
            }
            open_items = wanted - {item for licence in free for item in giving[licence]}
            open_items |= {need.removeprefix("item:") for need in todo if need.startswith("item:")}
            following = {need for item in open_items for need in demands.get(item, ())}
            todo = {
                need
                for need in following
                if need.partition(":")[2] not in (givers if need.startswith("licence:") else demands)
            }
        return (
            {item: frozenset(found) for item, found in demands.items()},
            {licence: frozenset(found) for licence, found in givers.items()},
        )

    async def _givers(self, licences: set[str]) -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        wanted = sorted(licences)
        for at in range(0, len(wanted), CHUNK):
            query = self._links(GIVES).where(item_links.c.target.in_(wanted[at : at + CHUNK]))
            for row in await self._work.execute(query):
                found.setdefault(row.target, set()).add(row.code)
        return found

    async def _demands(self, codes: set[str]) -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        wanted = sorted(codes)
        for at in range(0, len(wanted), CHUNK):
            query = self._links(NEEDS_ITEM, NEEDS_LICENCE).where(item_links.c.code.in_(wanted[at : at + CHUNK]))
            for row in await self._work.execute(query):
                kind = "item" if row.link == NEEDS_ITEM else "licence"
                found.setdefault(row.code, set()).add(f"{kind}:{row.target}")
        return found

    @staticmethod
    def _links(*links: str) -> Select[Any]:
        # Base items are not applied for: their results come from the items that implement them.
        columns = (item_links.c.code, item_links.c.link, item_links.c.target)
        joined = item_links.join(items, items.c.code == item_links.c.code)
        live = (items.c.status != "retired", items.c.kind.in_(("implementation", "handling")))
        return select(*columns).select_from(joined).where(item_links.c.link.in_(links), *live)

    async def names(self, codes: Iterable[str]) -> dict[str, Text]:
        """Names of items by code."""
        wanted = sorted(set(codes))
        if not wanted:
            return {}
        joined = items.join(
            item_versions, (item_versions.c.code == items.c.code) & (item_versions.c.version == items.c.version)
        )
        query = select(items.c.code, item_versions.c.document["name"].label("name")).select_from(joined)
        rows = await self._work.execute(query.where(items.c.code.in_(wanted)))
        return {row.code: Text.model_validate(row.name) for row in rows}
