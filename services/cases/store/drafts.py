"""Drafts: the statements."""

from dataclasses import fields
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Row, delete, func, insert, select, update

from services.cases.domain.drafts import Draft
from services.cases.errors import DraftNotFound
from services.cases.store.sealing import Sealing
from services.cases.store.tables import drafts
from services.kit.db import UnitOfWork

_STATE: Final = [field.name for field in fields(Draft) if field.name != "answers"]


class DraftStore:
    """Reads and writes of drafts in one unit of work. A draft of someone else is as none: DraftNotFound."""

    def __init__(self, work: UnitOfWork, sealing: Sealing) -> None:
        self._work = work
        self._seal = sealing

    async def add(self, draft: Draft) -> None:
        """Write a new draft."""
        await self._work.execute(insert(drafts).values(**self._values(draft)))

    async def save(self, draft: Draft) -> None:
        """Write a draft over the version before. The row is locked by `locked`."""
        statement = update(drafts).where(drafts.c.id == draft.id, drafts.c.version == draft.version - 1)
        changed = await self._work.execute(statement.values(**self._values(draft)).returning(drafts.c.id))
        if changed.first() is None:
            raise RuntimeError("a draft was saved without its lock")

    async def locked(self, draft_id: str, owner: str) -> Draft:
        """The draft, to be changed: nobody else changes it before this transaction ends. Raises DraftNotFound."""
        return await self._get(draft_id, owner, lock=True)

    async def get(self, draft_id: str, owner: str) -> Draft:
        """The draft, to be read. Raises DraftNotFound."""
        return await self._get(draft_id, owner, lock=False)

    async def _get(self, draft_id: str, owner: str, *, lock: bool) -> Draft:
        statement = select(drafts).where(drafts.c.id == draft_id, drafts.c.owner == owner)
        row = (await self._work.execute(statement.with_for_update() if lock else statement)).first()
        # An expired draft is gone for its owner at once, whenever the worker comes to remove it.
        if row is None or row.expires_at <= self._work.now():
            raise DraftNotFound
        return self._draft(row)

    async def amending(self, case_id: str) -> Draft | None:
        """The amendment of a case that is not handed in yet, and whose time is not over."""
        statement = select(drafts).where(
            drafts.c.amends == case_id, drafts.c.case_id.is_(None), drafts.c.expires_at > self._work.now()
        )
        row = (await self._work.execute(statement)).first()
        return None if row is None else self._draft(row)

    async def lock_amendment(self, case_id: str) -> None:
        """Lock the amendment of a case that is not handed in yet, if there is one."""
        statement = select(drafts.c.id).where(drafts.c.amends == case_id, drafts.c.case_id.is_(None))
        await self._work.execute(statement.with_for_update())

    async def expired_amendment(self, case_id: str) -> list[str]:
        """The id of the amendment of a case whose time is over, if it is not swept yet; locked."""
        statement = select(drafts.c.id).where(
            drafts.c.amends == case_id, drafts.c.case_id.is_(None), drafts.c.expires_at <= self._work.now()
        )
        return list((await self._work.execute(statement.with_for_update())).scalars())

    async def open_count(self, owner: str) -> int:
        """How many open drafts a person has."""
        statement = select(func.count()).where(drafts.c.owner == owner, drafts.c.case_id.is_(None))
        return int((await self._work.execute(statement)).scalar_one())

    async def of_owner(self, owner: str, after: str | None, limit: int) -> list[Draft]:
        """A person's open drafts without their answers, newest first, after the draft of id `after`."""
        statement = select(*(drafts.c[name] for name in _STATE)).where(
            drafts.c.owner == owner, drafts.c.case_id.is_(None), drafts.c.expires_at > self._work.now()
        )
        if after is not None:
            statement = statement.where(drafts.c.id < after)
        rows = await self._work.execute(statement.order_by(drafts.c.id.desc()).limit(limit))
        return [Draft(**{name: getattr(row, name) for name in _STATE}) for row in rows]

    async def expired(self, now: datetime, limit: int) -> list[str]:
        """Ids of drafts whose time is over, some at a time."""
        statement = select(drafts.c.id).where(drafts.c.expires_at <= now).order_by(drafts.c.expires_at).limit(limit)
        return list((await self._work.execute(statement.with_for_update(skip_locked=True))).scalars())

    async def remove(self, ids: list[str]) -> None:
        """Delete drafts. Their files are the file store's."""
        await self._work.execute(delete(drafts).where(drafts.c.id.in_(ids)))

    def _values(self, draft: Draft) -> dict[str, Any]:
        sealed = self._seal.json(draft.answers, "drafts.answers_sealed", draft.id) if draft.answers else None
        return {name: getattr(draft, name) for name in _STATE} | {"answers_sealed": sealed}

    def _draft(self, row: Row[Any]) -> Draft:
        answers = self._seal.open_json(row.answers_sealed, "drafts.answers_sealed", row.id) or {}
        return Draft(**{name: getattr(row, name) for name in _STATE}, answers=answers)
