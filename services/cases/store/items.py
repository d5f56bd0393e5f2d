"""Service items as the catalogue published them."""

from pydantic import TypeAdapter
from sqlalchemy import insert, select, update

from services.cases.domain.items import Item, ItemStatus, Offer
from services.cases.store.tables import item_versions, items
from services.kit.db import UnitOfWork

_BODY = TypeAdapter(Item)
_CACHED = 2048


class ItemCache:
    """Item versions already read. They never change, so nothing is ever stale; the oldest goes when it is full."""

    def __init__(self) -> None:
        self._items: dict[tuple[str, int], Item] = {}
        self._last: dict[str, Item] = {}

    def get(self, code: str, version: int) -> Item | None:
        return self._items.get((code, version))

    def last(self, code: str) -> Item | None:
        """The version of an item that was read last; a guide, not the truth."""
        return self._last.get(code)

    def put(self, item: Item) -> Item:
        if len(self._items) >= _CACHED:
            self._items.pop(next(iter(self._items)))
            self._last.clear()
        kept = self._items.setdefault((item.code, item.version), item)
        self._last[item.code] = kept
        return kept


class ItemStore:
    """Reads and writes of items in one unit of work."""

    def __init__(self, work: UnitOfWork, cache: ItemCache) -> None:
        self._work = work
        self._cache = cache
        self._current: dict[str, Offer | None] = {}

    async def in_force(self, code: str) -> Offer | None:
        """`current`, read once in this unit of work: many applications for one item share a transaction."""
        if code not in self._current:
            self._current[code] = await self.current(code)
        return self._current[code]

    async def current(self, code: str) -> Offer | None:
        """The current version of an item and whether it takes new cases; None when no such item was published."""
        found = (
            await self._work.execute(
                select(items.c.version, items.c.status, items.c.reason).where(items.c.code == code)
            )
        ).first()
        return None if found is None else Offer(found.version, found.status, found.reason)

    async def version(self, code: str, version: int) -> Item | None:
        """One version of an item."""
        known = self._cache.get(code, version)
        if known is not None:
            return known
        statement = select(item_versions.c.body).where(item_versions.c.code == code, item_versions.c.version == version)
        body = (await self._work.execute(statement)).scalar_one_or_none()
        return None if body is None else self._cache.put(_BODY.validate_json(body))

    async def save(self, item: Item) -> None:
        """Keep a published version, and make it the current one unless a later one is."""
        body = _BODY.dump_json(item)
        await self._work.upsert(
            item_versions, [{"code": item.code, "version": item.version, "body": body}], ["code", "version"]
        )
        known = await self.current(item.code)
        if known is None:
            row = {"code": item.code, "version": item.version, "status": "published", "reason": ""}
            await self._work.execute(insert(items), row)
        elif known.version <= item.version:
            changed = {"version": item.version, "status": "published", "reason": ""}
            await self._work.execute(update(items).where(items.c.code == item.code).values(changed))

    async def hold(self, code: str, version: int, status: ItemStatus, reason: str) -> None:
        """Take no new cases of the item, for a time or for good, unless a later version was published since."""
        await self._work.execute(
            update(items).where(items.c.code == code, items.c.version <= version).values(status=status, reason=reason)
        )
