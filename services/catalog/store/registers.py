"""The registers of data elements, resources and licence types: latest states, every state before, and who uses them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import and_, delete, exists, func, insert, or_, select

from services.catalog.domain.items import Content
from services.catalog.domain.links import ELEMENT, GIVES, LICENCE, links_of
from services.catalog.domain.registers import CONTENTS, Register, RegisterContent, elements_of, name_key
from services.catalog.store.tables import (
    item_links,
    items,
    register_entries,
    register_supplies,
    register_versions,
)
from services.kit.db import UnitOfWork

CHUNK = 5_000
"""Values in one IN: below the parameters that a statement may have (SQLite 32,766, PostgreSQL 32,767)."""
_LINKS: Mapping[str, tuple[str, ...]] = {"element": (ELEMENT,), "licence": (LICENCE, GIVES), "resource": ()}


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a register as it stands."""

    register: Register
    content: RegisterContent
    version: int
    updated_at: datetime


class RegisterStore:
    """Reads and writes of the registers in one unit of work."""

    def __init__(self, work: UnitOfWork) -> None:
        self._work = work

    async def many(self, wanted: Mapping[Register, Iterable[str]]) -> dict[tuple[Register, str], Entry]:
        """Those of the `wanted` codes that are registered."""
        columns = register_entries.c
        found: dict[tuple[Register, str], Entry] = {}
        asked = {register: sorted(set(codes)) for register, codes in wanted.items()}
        most = max((len(codes) for codes in asked.values()), default=0)
        for at in range(0, most, CHUNK):
            parts = [
                and_(columns.register_name == register, columns.code.in_(codes[at : at + CHUNK]))
                for register, codes in asked.items()
                if codes[at : at + CHUNK]
            ]
            rows = await self._work.execute(select(register_entries).where(or_(*parts)))
            found |= {(row.register_name, row.code): _entry(row) for row in rows}
        return found

    async def one(self, register: Register, code: str) -> Entry | None:
        return (await self.many({register: [code]})).get((register, code))

    async def named(self, register: Register, name: str) -> Entry | None:
        """The entry with this name, whatever its code."""
        columns = register_entries.c
        query = select(register_entries).where(columns.register_name == register, columns.name_key == name_key(name))
        row = (await self._work.execute(query)).one_or_none()
        return _entry(row) if row else None

    async def save(self, entry: Entry, digest: str, actor: str, reason: str) -> None:
        """Insert or replace an entry with its new version, and keep the state. The caller holds `one_writer`."""
        content, now = entry.content, entry.updated_at
        document = content.model_dump(mode="json")
        key = {"register_name": entry.register, "code": content.code}
        row = {
            **key,
            "name_key": name_key(content.name.zh),
            "source": content.source.id,
            "status": content.status,
            "document": document,
            "digest": digest,
            "version": entry.version,
            "updated_at": now,
        }
        await self._work.upsert(register_entries, [row], ["register_name", "code"])
        kept = {**key, "version": entry.version, "document": document, "actor": actor, "reason": reason, "at": now}
        await self._work.execute(insert(register_versions), kept)
        columns = register_supplies.c
        await self._work.execute(
            delete(register_supplies).where(columns.register_name == entry.register, columns.code == content.code)
        )
        if supplies := [{**key, "element": element} for element in elements_of(content)]:
            await self._work.execute(insert(register_supplies), supplies)

    async def listed(
        self, register: Register, words: str, source: str | None, after: str | None, limit: int
    ) -> Sequence[Entry]:
        """Entries by code, those whose code or name holds `words` (folded)."""
        columns = register_entries.c
        query = select(register_entries).where(columns.register_name == register).order_by(columns.code).limit(limit)
        if words:
            query = query.where(
                or_(
                    columns.name_key.contains(words, autoescape=True),
                    func.lower(columns.code).contains(words, autoescape=True),
                )
            )
        if source is not None:
            query = query.where(columns.source == source)
        if after is not None:
            query = query.where(columns.code > after)
        return [_entry(row) for row in await self._work.execute(query)]

    async def suppliers(self, elements: Iterable[str]) -> list[Entry]:
        """Resources and licence types in use that give or prove any of the data `elements`, by code."""
        supplied, columns = register_supplies.c, register_entries.c
        joined = and_(supplied.register_name == columns.register_name, supplied.code == columns.code)
        found: dict[tuple[str, str], Entry] = {}
        wanted = sorted(set(elements))
        for at in range(0, len(wanted), CHUNK):
            giving = exists().where(joined, supplied.element.in_(wanted[at : at + CHUNK]))
            for row in await self._work.execute(select(register_entries).where(giving, columns.status == "active")):
                found[(row.register_name, row.code)] = _entry(row)
        return [found[key] for key in sorted(found)]

    async def users(self, register: Register, code: str, limit: int) -> list[str]:
        """Codes of items in force (or suspended) that name the entry, the first `limit` of them."""
        if not (links := _LINKS[register]):
            return []
        query = (
            select(item_links.c.code)
            .join(items, items.c.code == item_links.c.code)
            .where(item_links.c.link.in_(links), item_links.c.target == code, items.c.status != "retired")
        )
        query = query.distinct().order_by(item_links.c.code).limit(limit)
        return list((await self._work.execute(query)).scalars())

    async def dependants(self, code: str, limit: int) -> list[str]:
        """Codes of resources and licence types in use that give or prove the data element `code`."""
        supplied, columns = register_supplies.c, register_entries.c
        joined = and_(supplied.register_name == columns.register_name, supplied.code == columns.code)
        query = select(supplied.code).join(register_entries, joined).order_by(supplied.code).limit(limit)
        found = await self._work.execute(query.where(supplied.element == code, columns.status == "active"))
        return list(found.scalars())

    async def link(self, contents: Sequence[tuple[Content, bool]]) -> None:
        """Keep what versions now in force name, instead of what their codes named before; True: the code is new."""
        before = [content.code for content, new in contents if not new]
        for at in range(0, len(before), CHUNK):
            await self._work.execute(delete(item_links).where(item_links.c.code.in_(before[at : at + CHUNK])))
        rows: list[dict[str, Any]] = [
            {"code": content.code, "link": link, "target": target}
            for content, _ in contents
            for link, target in sorted(links_of(content))
        ]
        if rows:
            await self._work.insert_many(item_links, rows)


def _entry(row: Any) -> Entry:
    content = CONTENTS[row.register_name].model_validate(row.document)
    return Entry(row.register_name, content, row.version, row.updated_at)
