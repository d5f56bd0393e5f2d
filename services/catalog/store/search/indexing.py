"""Keeping the documents that items are found by: at once for a few, by a queue for many."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Column, and_, bindparam, case, delete, func, literal, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from services.catalog.domain.items import Content
from services.catalog.domain.life import ItemStatus
from services.catalog.domain.search.dictionary import LONGEST_NAME
from services.catalog.domain.search.documents import LAST_TIER, TIERS, SearchDocument, document_of, place_of
from services.catalog.domain.terms import fold
from services.catalog.store.tables import items, search_documents, search_names, search_queue
from services.kit.db import UnitOfWork

AT_ONCE: Final = 20
"""More than this many at a time wait for the indexer, so that single publications go before bulk changes."""


class IndexingStore:
    """The documents, in one unit of work."""

    def __init__(self, work: UnitOfWork) -> None:
        self._work = work

    async def index(self, contents: Sequence[Content]) -> None:
        """Let `contents` be found as they and their items stand now, by what they were found by before no longer."""
        if len(contents) > AT_ONCE:
            rows = [{"code": content.code} for content in contents]
            await self._work.insert_many(search_queue, rows)
        else:
            await self.index_now(contents)

    async def index_now(self, contents: Iterable[Content]) -> None:
        """The same, without waiting. Contents that are not those in force any more are passed over."""
        given = {content.code: content for content in sorted(contents, key=lambda content: content.code)}
        wanted = (items.c.code, items.c.digest, items.c.status, items.c.version, items.c.uses)
        standing = {row.code: row for row in await self._work.execute(select(*wanted).where(items.c.code.in_(given)))}
        found: list[dict[str, Any]] = []
        gone: list[str] = []
        names: list[dict[str, Any]] = []
        for code, content in given.items():
            row = standing.get(code)
            document = document_of(content, row.version) if row is not None else None
            if row is None or document is None or row.status != ItemStatus.PUBLISHED.value:
                gone.append(code)
            elif row.digest == content.digest:
                place = place_of(document.rank, row.uses)
                found.append(_row(document, place))
                keys = {"name_key": fold(document.name), "english_key": fold(document.name_en)[:200]}
                names.append({"name": document.name, "place": place, "code": code, **keys})
        await self._count_names(found, gone, names)
        if gone:
            await self._work.execute(delete(search_documents).where(search_documents.c.code.in_(gone)))
        if found:
            postgres = self._work.context.database.dialect == "postgresql"
            add: Any = (postgresql.insert if postgres else sqlite.insert)(search_documents)
            kept = {name: add.excluded[name] for name in found[0] if name not in ("code", "tier")}
            newer = search_documents.c.version <= add.excluded.version
            await self._work.execute(add.on_conflict_do_update(index_elements=["code"], set_=kept, where=newer), found)

    async def _count_names(
        self, found: Sequence[Mapping[str, Any]], gone: Sequence[str], names: Sequence[Mapping[str, Any]]
    ) -> None:
        """Count for each name how many items have it."""
        codes = [row["code"] for row in found] + list(gone)
        old = select(search_documents.c.code, search_documents.c.name).where(search_documents.c.code.in_(codes))
        before = {row.code: row.name for row in await self._work.execute(old)}
        less = Counter(name for code, name in before.items())
        more = Counter(row["name"] for row in names)
        changed = {name: more[name] - less[name] for name in sorted(more | less) if 0 < len(name) <= LONGEST_NAME}
        for name in (name for name, by in changed.items() if by < 0):
            taken = update(search_names).where(search_names.c.name == name)
            await self._work.execute(taken.values(times=search_names.c.times + changed[name]))
        rows: dict[str, dict[str, Any]] = {}
        for row in names:
            if changed.get(row["name"], -1) < 0:
                continue
            kept = rows.setdefault(row["name"], {**row, "times": changed[row["name"]], "pinyin": "", "initials": ""})
            kept["place"] = max(kept["place"], row["place"])
        if rows:
            postgres = self._work.context.database.dialect == "postgresql"
            add: Any = (postgresql.insert if postgres else sqlite.insert)(search_names)
            greater = case((add.excluded.place > search_names.c.place, add.excluded.place), else_=search_names.c.place)
            kept_columns = {
                "times": search_names.c.times + add.excluded.times,
                "english_key": add.excluded.english_key,
                "code": add.excluded.code,
                "place": greater,
            }
            statement = add.on_conflict_do_update(index_elements=["name"], set_=kept_columns)
            await self._work.execute(statement, [{**row, "is_read": False} for _, row in sorted(rows.items())])

    async def queued(self, limit: int) -> tuple[list[int], list[str]]:
        """The first of the queue: ids of its rows and their codes, each once."""
        columns = (search_queue.c.id, search_queue.c.code)
        rows = (await self._work.execute(select(*columns).order_by(search_queue.c.id).limit(limit))).all()
        return [row.id for row in rows], list(dict.fromkeys(row.code for row in rows))

    async def dequeue(self, ids: Sequence[int]) -> None:
        await self._work.execute(delete(search_queue).where(search_queue.c.id.in_(ids)))

    async def opened(self, times: Mapping[str, int]) -> None:
        """Count opened guides: their items' uses and, where those reach a next step, their place."""
        wanted = select(items.c.code, items.c.rank, items.c.uses).where(items.c.code.in_(times))
        found = (await self._work.execute(wanted.order_by(items.c.code))).all()
        uses = {row.code: row.uses + times[row.code] for row in found}
        await self._set(items.c.code, items.c.uses, uses)
        places = {row.code: place_of(row.rank, uses[row.code]) for row in found}
        moved = {row.code: places[row.code] for row in found if places[row.code] != place_of(row.rank, row.uses)}
        await self._set(search_documents.c.code, search_documents.c.place, moved)
        named = select(search_documents.c.name, search_documents.c.place).where(search_documents.c.code.in_(moved))
        names = {row.name: row.place for row in await self._work.execute(named.order_by(search_documents.c.place))}
        await self._set(search_names.c.name, search_names.c.place, dict(sorted(names.items())), rising=True)

    async def _set(
        self, key: Column[str], column: Column[int], values: Mapping[str, int], *, rising: bool = False
    ) -> None:
        """Give rows another number each, in one turn; with `rising` those that have a smaller one."""
        if not values:
            return
        new = bindparam("new", type_=column.type)
        statement = update(key.table).where(key == bindparam("of", type_=key.type))
        if rising:
            statement = statement.where(column < new)
        changed = [{"of": of, "new": value} for of, value in values.items()]
        await self._work.execute(statement.values({column: new}), changed)

    async def borders(self) -> list[tuple[int, int]]:
        """Place and id of the last document of each tier but the last; few documents have no borders."""
        order = func.row_number().over(order_by=(search_documents.c.place.desc(), search_documents.c.id))
        numbered = select(search_documents.c.place, search_documents.c.id, order.label("number")).subquery()
        wanted = select(numbered.c.place, numbered.c.id).where(numbered.c.number.in_(TIERS)).order_by(numbered.c.number)
        return [(row.place, row.id) for row in await self._work.execute(wanted)]

    async def last_id(self) -> int:
        last = await self._work.execute(select(func.max(search_documents.c.id)))
        return last.scalar_one() or 0

    async def retier(self, borders: Sequence[tuple[int, int]], first: int, last: int) -> int:
        """Put the documents with ids from `first` to `last` into their tiers. How many changed theirs."""
        place, id_ = search_documents.c.place, search_documents.c.id
        within = [
            (or_(place > least, and_(place == least, id_ <= number)), tier)
            for tier, (least, number) in enumerate(borders)
        ]
        tier = case(*within, else_=LAST_TIER) if within else literal(LAST_TIER)
        statement = update(search_documents).where(id_.between(first, last), search_documents.c.tier != tier)
        changed: Any = await self._work.execute(statement.values(tier=tier))
        return int(changed.rowcount)


def _row(document: SearchDocument, place: int) -> dict[str, Any]:
    return {
        "code": document.code,
        "version": document.version,
        "tier": LAST_TIER,
        "place": place,
        "name": document.name,
        "name_key": document.name_key,
        "facets": document.facets,
        "words": document.words,
        "summary": document.summary,
    }
