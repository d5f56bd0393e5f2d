"""Appeals against refusals of the lint, and what they let pass."""

import datetime
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

from sqlalchemy import insert, select, update

from services.catalog.store.tables import appeals, revisions
from services.contracts.base import Text
from services.contracts.catalog_items import Exemption
from services.kit.auth import EVERYWHERE
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


@dataclass(frozen=True, slots=True)
class ListedAppeal:
    """An appeal with the item's name, as its revision has it, and the organisation that appeals."""

    appeal: Appeal
    name: Text
    organisation: str
    organisation_name: Text


_WITH_REVISION: Final = select(appeals, revisions.c.document, revisions.c.organisation_id).join(
    revisions, revisions.c.id == appeals.c.revision_id
)


class AppealStore:
    """Reads and writes of appeals in one unit of work."""

    def __init__(self, work: UnitOfWork) -> None:
        self._work = work

    async def add(self, appeal: Appeal) -> None:
        await self._work.execute(insert(appeals), asdict(appeal))

    async def one(self, id_: str, *, lock: bool = False) -> ListedAppeal | None:
        query = _WITH_REVISION.where(appeals.c.id == id_)
        row = (await self._work.execute(query.with_for_update(of=appeals) if lock else query)).one_or_none()
        return _listed(row) if row else None

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
        self, organisations: frozenset[str], state: AppealState | None, code: str | None, before: str | None, limit: int
    ) -> Sequence[ListedAppeal]:
        """Appeals of `organisations` ({"*"}: of all), the newest first, from the one before `before` on."""
        query = _WITH_REVISION.order_by(appeals.c.id.desc()).limit(limit)
        if EVERYWHERE not in organisations:
            query = query.where(revisions.c.organisation_id.in_(sorted(organisations)))
        if state is not None:
            query = query.where(appeals.c.state == state)
        if code is not None:
            query = query.where(appeals.c.code == code)
        if before is not None:
            query = query.where(appeals.c.id < before)
        return [_listed(row) for row in await self._work.execute(query)]

    async def granted(self, codes: Iterable[str], today: datetime.date) -> dict[str, list[Appeal]]:
        """Of each code, the appeals that let something pass today, the oldest first."""
        query = select(appeals).where(appeals.c.state == "granted", appeals.c.until >= today)
        found: dict[str, list[Appeal]] = {}
        query = query.where(self._work.among(appeals.c.code, set(codes))).order_by(appeals.c.id)
        for row in await self._work.execute(query):
            found.setdefault(row.code, []).append(_appeal(row))
        return found

    async def exemptions(self, codes: Iterable[str], today: datetime.date) -> dict[str, tuple[Exemption, ...]]:
        """What is let pass of each code today, as its guide page tells it."""
        return {
            code: tuple(
                Exemption(rule=each.rule, field=each.field, reason=each.decision or "", until=each.until)
                for each in passed
                if each.until is not None
            )
            for code, passed in (await self.granted(codes, today)).items()
        }


def _appeal(row: Any) -> Appeal:
    return Appeal(**{name: getattr(row, name) for name in Appeal.__slots__})


def _listed(row: Any) -> ListedAppeal:
    document = row.document
    names = Text.model_validate(document["name"]), Text.model_validate(document["organisation"]["name"])
    return ListedAppeal(_appeal(row), names[0], row.organisation_id, names[1])
