"""Correction requests."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import insert, or_, select, update

from services.catalog.domain.corrections import WAITING, Correction, CorrectionState
from services.catalog.store.tables import corrections
from services.kit.auth import EVERYWHERE
from services.kit.db import UnitOfWork


@dataclass(frozen=True, slots=True)
class CorrectionFilter:
    """Which requests a list shows: those that `organisations` ({"*"}: all) found or are to answer, and narrower."""

    organisations: frozenset[str]
    state: CorrectionState | None = None
    source: str | None = None
    organisation: str | None = None
    overdue_at: datetime | None = None
    """Only those whose time had passed then."""


class CorrectionStore:
    """Reads and writes of correction requests in one unit of work."""

    def __init__(self, work: UnitOfWork) -> None:
        self._work = work

    async def add(self, request: Correction) -> None:
        await self._work.execute(insert(corrections), _row(request))

    async def one(self, id_: str, *, lock: bool = False) -> Correction | None:
        query = select(corrections).where(corrections.c.id == id_)
        row = (await self._work.execute(query.with_for_update() if lock else query)).one_or_none()
        return _request(row) if row else None

    async def save(self, request: Correction) -> None:
        await self._work.execute(update(corrections).where(corrections.c.id == request.id).values(_row(request)))

    async def listed(self, wanted: CorrectionFilter, before: str | None, limit: int) -> Sequence[Correction]:
        """Requests, the newest first, from the one before `before` on."""
        columns = corrections.c
        query = select(corrections).order_by(columns.id.desc()).limit(limit)
        if EVERYWHERE not in wanted.organisations:
            mine = sorted(wanted.organisations)
            query = query.where(or_(columns.source.in_(mine), columns.organisation_id.in_(mine)))
        if wanted.state is not None:
            query = query.where(columns.state == wanted.state.value)
        if wanted.source is not None:
            query = query.where(columns.source == wanted.source)
        if wanted.organisation is not None:
            query = query.where(columns.organisation_id == wanted.organisation)
        if wanted.overdue_at is not None:
            late = [state.value for state in WAITING]
            query = query.where(columns.due_at < wanted.overdue_at, columns.state.in_(late))
        if before is not None:
            query = query.where(columns.id < before)
        return [_request(row) for row in await self._work.execute(query)]


def _row(request: Correction) -> dict[str, Any]:
    row = asdict(request)
    return row | {"register_name": row.pop("register"), "state": request.state.value}


def _request(row: Any) -> Correction:
    fields = {name: getattr(row, name) for name in Correction.__slots__ if name not in ("register", "state")}
    return Correction(**fields, register=row.register_name, state=CorrectionState(row.state))
