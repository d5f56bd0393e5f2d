"""Bitemporal periods: when which version was in force, and when the catalogue knew it so (see `domain.periods`)."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import or_, select, update

from services.catalog.domain import periods
from services.catalog.domain.life import ItemStatus
from services.catalog.domain.periods import Period
from services.catalog.store.tables import item_periods, items
from services.kit.db import UnitOfWork


@dataclass(frozen=True, slots=True)
class Held:
    """What held at some instant as it was known at another."""

    period: Period
    known_from: datetime
    known_to: datetime | None


class PeriodStore:
    """Reads and writes of periods in one unit of work."""

    def __init__(self, work: UnitOfWork) -> None:
        self._work = work

    async def known(self, codes: Iterable[str]) -> dict[str, list[Period]]:
        """What is known now of each of `codes`, in order."""
        return {code: [period for _, period in rows] for code, rows in (await self._known(codes)).items()}

    async def _known(self, codes: Iterable[str]) -> dict[str, list[tuple[int, Period]]]:
        statement = (
            select(item_periods)
            .where(self._work.among(item_periods.c.code, set(codes)), item_periods.c.known_to.is_(None))
            .order_by(item_periods.c.code, item_periods.c.valid_from)
        )
        found: dict[str, list[tuple[int, Period]]] = defaultdict(list)
        for row in await self._work.execute(statement):
            found[row.code].append((row.id, _period(row)))
        return found

    async def mark(self, states: Sequence[tuple[str, int, ItemStatus]], at: datetime) -> None:
        """From `at` on (now or later) each code's (version, status) holds, and is known to; nothing else is to come."""
        known = await self._known(code for code, _, _ in states)
        wanted = {
            code: periods.marked([period for _, period in known.get(code, ())], version, status, at)
            for code, version, status in states
        }
        await self._save(known, wanted)

    async def forget_future(self, codes: Sequence[str]) -> None:
        """A version of `codes` that was to come, or whose day has come and which may not be published, is to come no
        more; what held before it goes on."""
        known = await self._known(codes)
        statement = select(items.c.code, items.c.version).where(items.c.code.in_(set(codes)))
        versions = {row.code: row.version for row in await self._work.execute(statement)}
        wanted = {code: periods.up_to([p for _, p in rows], versions.get(code, 0)) for code, rows in known.items()}
        await self._save(known, wanted)

    async def _save(self, known: dict[str, list[tuple[int, Period]]], wanted: dict[str, tuple[Period, ...]]) -> None:
        now = self._work.now()
        ended, begun = [], []
        for code, after in wanted.items():
            before = known.get(code, [])
            ended += [id_ for id_, period in before if period not in after]
            kept = {period for _, period in before}
            begun += [_row(code, period, now) for period in after if period not in kept]
        if ended:
            await self._work.execute(update(item_periods).where(item_periods.c.id.in_(ended)).values(known_to=now))
        if begun:
            await self._work.insert_many(item_periods, begun)

    async def held(self, code: str, valid_at: datetime, known_at: datetime) -> Held | None:
        """What held of `code` at `valid_at`, as it was known at `known_at`."""
        table = item_periods.c
        statement = select(item_periods).where(
            table.code == code,
            table.valid_from <= valid_at,
            or_(table.valid_to.is_(None), table.valid_to > valid_at),
            table.known_from <= known_at,
            or_(table.known_to.is_(None), table.known_to > known_at),
        )
        row = (await self._work.execute(statement)).one_or_none()
        return Held(_period(row), row.known_from, row.known_to) if row is not None else None


def _period(row: Any) -> Period:
    return Period(row.version, ItemStatus(row.status), row.valid_from, row.valid_to)


def _row(code: str, period: Period, now: datetime) -> dict[str, Any]:
    return {
        "code": code,
        "version": period.version,
        "status": period.status.value,
        "valid_from": period.valid_from,
        "valid_to": period.valid_to,
        "known_from": now,
    }
