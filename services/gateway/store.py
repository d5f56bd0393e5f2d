"""Tables of the gateway and every statement on them: sessions, used logout tokens, forms held over a sign-in."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, delete, insert, or_, select, update
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel

from services.kit.columns import SealedBytes, UtcDateTime
from services.kit.db import UnitOfWork, kit_tables


class Table(SQLModel, registry=registry()):
    """Base of the gateway's tables: a registry of its own."""


class SessionRow(Table, table=True):
    """One signed-in browser at one surface; `sealed` holds name and tokens, encrypted."""

    __tablename__ = "sessions"
    id: str = Field(primary_key=True, max_length=64)
    surface: str = Field(max_length=20)
    subject: str = Field(max_length=64)
    provider_sid: str = Field(max_length=128, index=True)
    created_at: datetime = Field(sa_type=UtcDateTime)
    seen_at: datetime = Field(sa_type=UtcDateTime)
    ends_at: datetime = Field(sa_type=UtcDateTime, index=True)
    idle_seconds: int
    absolute_seconds: int
    sealed: bytes = Field(sa_type=SealedBytes)
    tokens_version: int
    refreshing_until: datetime | None = Field(default=None, sa_type=UtcDateTime)


class UsedLogoutTokenRow(Table, table=True):
    """Logout tokens seen, until they expire: one is taken once."""

    __tablename__ = "used_logout_tokens"
    id: str = Field(primary_key=True, max_length=255)
    surface: str = Field(primary_key=True, max_length=20)
    expires_at: datetime = Field(sa_type=UtcDateTime, index=True)


class HeldFormRow(Table, table=True):
    """What somebody typed when their session had run out, until they are signed in again; encrypted."""

    __tablename__ = "held_forms"
    id: str = Field(primary_key=True, max_length=32)
    subject: str = Field(max_length=64)
    sealed: bytes = Field(sa_type=SealedBytes)
    expires_at: datetime = Field(sa_type=UtcDateTime, index=True)


metadata = Table.metadata
TABLES = kit_tables(metadata)

_sessions = SessionRow.__table__  # type: ignore[attr-defined]
_used = UsedLogoutTokenRow.__table__  # type: ignore[attr-defined]
_held = HeldFormRow.__table__  # type: ignore[attr-defined]


class Sessions:
    """Browser sessions."""

    def __init__(self, work: UnitOfWork) -> None:
        self._work = work

    async def add(self, row: SessionRow) -> None:
        await self._work.execute(insert(_sessions).values(row.model_dump()))

    async def find(self, id_: str) -> SessionRow | None:
        found = (await self._work.execute(select(_sessions).where(_sessions.c.id == id_))).mappings().first()
        return SessionRow(**found) if found else None

    async def touch(self, id_: str, seen_at: datetime, ends_at: datetime) -> None:
        """Note the last use; never backwards, for requests overtake each other."""
        later = and_(_sessions.c.id == id_, _sessions.c.seen_at < seen_at)
        await self._work.execute(update(_sessions).where(later).values(seen_at=seen_at, ends_at=ends_at))

    async def lease_refresh(self, id_: str, tokens_version: int, now: datetime, seconds: int) -> bool:
        """Take the right to refresh this session's tokens, if nobody has it and they are still those seen."""
        free = or_(_sessions.c.refreshing_until.is_(None), _sessions.c.refreshing_until < now)
        mine = and_(_sessions.c.id == id_, _sessions.c.tokens_version == tokens_version, free)
        until = now + timedelta(seconds=seconds)
        statement = update(_sessions).where(mine).values(refreshing_until=until).returning(_sessions.c.id)
        return (await self._work.execute(statement)).scalar_one_or_none() is not None

    async def keep_tokens(self, id_: str, tokens_version: int, sealed: bytes) -> None:
        """Store refreshed tokens and give the lease back."""
        values = {"sealed": sealed, "tokens_version": tokens_version, "refreshing_until": None}
        await self._work.execute(update(_sessions).where(_sessions.c.id == id_).values(**values))

    async def free_lease(self, id_: str) -> None:
        await self._work.execute(update(_sessions).where(_sessions.c.id == id_).values(refreshing_until=None))

    async def remove(self, id_: str) -> None:
        await self._work.execute(delete(_sessions).where(_sessions.c.id == id_))

    async def end(self, surface: str, *, provider_sid: str | None, subject: str | None) -> int:
        """Remove the sessions of a provider session, or every one of a subject; how many."""
        if provider_sid is None and subject is None:
            raise ValueError("whose sessions?")
        of: list[ColumnElement[bool]] = [_sessions.c.surface == surface]
        if provider_sid is not None:
            of.append(_sessions.c.provider_sid == provider_sid)
        if subject is not None:
            of.append(_sessions.c.subject == subject)
        ended = await self._work.execute(delete(_sessions).where(and_(*of)).returning(_sessions.c.id))
        return len(ended.scalars().all())

    async def logout_token_is_new(self, id_: str, surface: str, expires_at: datetime) -> bool:
        """Remember a logout token's id; False when it was seen before."""
        row = {"id": id_, "surface": surface, "expires_at": expires_at}
        return bool(await self._work.insert_ignore(_used, [row], _used.c.id))


class HeldForms:
    """Forms held over a sign-in."""

    def __init__(self, work: UnitOfWork) -> None:
        self._work = work

    async def add(self, row: HeldFormRow) -> None:
        await self._work.execute(insert(_held).values(row.model_dump()))

    async def take(self, id_: str, subject: str, now: datetime) -> bytes | None:
        """What was held for this subject; it is taken once."""
        mine = and_(_held.c.id == id_, _held.c.subject == subject, _held.c.expires_at > now)
        statement = delete(_held).where(mine).returning(_held.c.sealed)
        return (await self._work.execute(statement)).scalar_one_or_none()


class Work(UnitOfWork):
    """The gateway's unit of work."""

    @property
    def sessions(self) -> Sessions:
        return Sessions(self)

    @property
    def held_forms(self) -> HeldForms:
        return HeldForms(self)

    async def prune(self, kept: Mapping[str, int]) -> None:
        """Remove what has ended; sessions of the surfaces in `kept` so many seconds later."""
        now = self.now()
        for table in (_used, _held):
            await self.execute(delete(table).where(table.c.expires_at < now))
        ended = _sessions.c.ends_at < now
        await self.execute(delete(_sessions).where(ended, _sessions.c.surface.not_in(kept)))
        for surface, seconds in kept.items():
            long_ago = _sessions.c.ends_at < now - timedelta(seconds=seconds)
            await self.execute(delete(_sessions).where(long_ago, _sessions.c.surface == surface))
