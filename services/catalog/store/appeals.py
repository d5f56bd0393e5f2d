"""Appeals against refusals of the lint, and what they let pass."""

import datetime
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from sqlalchemy import insert, select, update

from services.catalog.store.tables import appeals
from services.kit.db import UnitOfWork

AppealState = Literal["open", "granted", "refused"]


@dataclass(frozen=True, slots=True)
class Appeal:
    """A request to let a refusal pass; once granted, it exempts the item up to and with the day `until`."""

    id: str
    code: str
    revision_id: str | None
    rule: str
    field: str
    state: AppealState
    author: str
    author_name: str
    reason: str
    created_at: datetime.datetime
    decided_by: str | None = None
    decision: str | None = None
    until: datetime.date | None = None
    decided_at: datetime.datetime | None = None


class AppealStore:
    """Reads and writes of appeals in one unit of work."""

    def __init__(self, work: UnitOfWork) -> None:
        self._work = work

    async def add(self, appeal: Appeal) -> None:
        await self._work.execute(insert(appeals), asdict(appeal))

    async def one(self, id_: str, *, locked: bool = False) -> Appeal | None:
        query = select(appeals).where(appeals.c.id == id_)
        row = (await self._work.execute(query.with_for_update() if locked else query)).one_or_none()
        return _appeal(row) if row else None

    async def decided(self, appeal: Appeal) -> None:
        values = {name: getattr(appeal, name) for name in ("state", "decided_by", "decision", "until", "decided_at")}
        await self._work.execute(update(appeals).where(appeals.c.id == appeal.id).values(**values))

    async def open_for(self, code: str, rule: str, field: str) -> Appeal | None:
        """The appeal about the same refusal that nobody has decided yet."""
        same = (appeals.c.code == code, appeals.c.rule == rule, appeals.c.field == field)
        query = select(appeals).where(*same, appeals.c.state == "open").limit(1)
        row = (await self._work.execute(query)).one_or_none()
        return _appeal(row) if row else None

    async def listed(
        self, state: AppealState | None, code: str | None, after: str | None, limit: int
    ) -> Sequence[Appeal]:
        """Appeals, the newest first."""
        query = select(appeals).order_by(appeals.c.id.desc()).limit(limit)
        if state is not None:
            query = query.where(appeals.c.state == state)
        if code is not None:
            query = query.where(appeals.c.code == code)
        if after is not None:
            query = query.where(appeals.c.id < after)
        return [_appeal(row) for row in await self._work.execute(query)]

    async def granted(self, codes: Iterable[str], today: datetime.date) -> dict[str, list[Appeal]]:
        """Of each code, the appeals that let something pass today, the oldest first."""
        query = select(appeals).where(appeals.c.state == "granted", appeals.c.until >= today)
        found: dict[str, list[Appeal]] = {}
        for row in await self._work.execute(query.where(appeals.c.code.in_(set(codes))).order_by(appeals.c.id)):
            found.setdefault(row.code, []).append(_appeal(row))
        return found


def _appeal(row: Any) -> Appeal:
    return Appeal(**{name: getattr(row, name) for name in Appeal.__slots__})
