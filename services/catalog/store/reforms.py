"""What a reform of organisations reads and moves."""

from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import bindparam, case, select, update

from services.catalog.domain.corrections import WAITING
from services.catalog.domain.life import OPEN
from services.catalog.domain.reform import SourceItem
from services.catalog.domain.registers import Register
from services.catalog.store.tables import appeals, corrections, item_versions, items, register_entries, revisions
from services.kit.db import UnitOfWork

# An implementation before its handling items, whose base it is.
_ORDER = case((items.c.kind == "handling", 1), (items.c.kind == "bundle", 2), else_=0)


class ReformStore:
    """Reads and writes of reforms in one unit of work."""

    def __init__(self, work: UnitOfWork) -> None:
        self._work = work

    async def items_of(self, organisations: Iterable[str], limit: int) -> list[SourceItem]:
        """The items and bundles of `organisations` that are not retired."""
        version = (item_versions.c.code == items.c.code) & (item_versions.c.version == items.c.version)
        function = item_versions.c.document["function"].as_string().label("function")
        statement = (
            select(items.c.code, items.c.kind, items.c.base, items.c.organisation_id, function)
            .join(item_versions, version)
            .where(items.c.organisation_id.in_(set(organisations)), items.c.status != "retired")
            .order_by(_ORDER, items.c.code)
            .limit(limit)
        )
        rows = await self._work.execute(statement)
        return [SourceItem(row.code, row.kind, row.organisation_id, row.function, row.base) for row in rows]

    async def codes_at(self, organisations: Iterable[str]) -> set[str]:
        """The codes of the items of `organisations` that are not retired."""
        wanted = (items.c.organisation_id.in_(set(organisations)), items.c.status != "retired")
        return set((await self._work.execute(select(items.c.code).where(*wanted))).scalars())

    async def bundles(self) -> list[str]:
        """The codes of all bundles that are not retired: few, and any may name an item whose code changes."""
        wanted = (items.c.kind == "bundle", items.c.status != "retired")
        return list((await self._work.execute(select(items.c.code).where(*wanted).order_by(items.c.code))).scalars())

    async def open_revisions(self, organisations: Iterable[str], codes: Iterable[str]) -> Sequence[str]:
        """The ids of revisions under way at `organisations` or of `codes`."""
        states = [state.value for state in OPEN]
        found: dict[str, None] = {}
        for column, values in ((revisions.c.organisation_id, set(organisations)), (revisions.c.open_code, set(codes))):
            statement = select(revisions.c.id).where(column.in_(values), revisions.c.state.in_(states))
            found |= dict.fromkeys((await self._work.execute(statement.order_by(revisions.c.id))).scalars())
        return list(found)

    async def entries_of(self, organisation: str) -> Sequence[tuple[Register, str]]:
        """Register and code of the entries whose source is an organisation."""
        columns = register_entries.c
        statement = select(columns.register_name, columns.code).where(columns.source == organisation)
        ordered = statement.order_by(columns.register_name, columns.code)
        return [(row.register_name, row.code) for row in await self._work.execute(ordered)]

    async def hand_over(self, source: str, heir: str) -> None:
        """Correction requests (异议) that wait for a source wait for its heir; those that it filed are the heir's."""
        table = corrections.c
        waiting = table.state.in_([state.value for state in WAITING])
        for column in (table.source, table.organisation_id):
            changed = {column.key: heir, "version": table.version + 1}
            await self._work.execute(update(corrections).where(column == source, waiting).values(changed))

    async def follow(self, codes: Mapping[str, str]) -> None:
        """What hangs on a code hangs on the new one: how often it was used, what was let pass."""
        used = select(items.c.code, items.c.uses).where(items.c.code.in_(set(codes)), items.c.uses > 0)
        for row in (await self._work.execute(used)).all():
            more = update(items).where(items.c.code == codes[row.code]).values(uses=items.c.uses + row.uses)
            await self._work.execute(more)
        appealed = select(appeals.c.code).distinct().where(appeals.c.code.in_(set(codes)))
        for code in list((await self._work.execute(appealed)).scalars()):
            await self._work.execute(update(appeals).where(appeals.c.code == code).values(code=codes[code]))

    async def retire(self, told: Mapping[str, tuple[int, str]]) -> None:
        """Each of these codes is retired; its last event's number, and why."""
        changed = update(items).where(items.c.code == bindparam("of"))
        values = {"status": "retired", "sequence": bindparam("last"), "status_reason": bindparam("why")}
        rows = [{"of": code, "last": sequence, "why": reason} for code, (sequence, reason) in told.items()]
        if rows:
            await self._work.execute(changed.values(values), rows)
