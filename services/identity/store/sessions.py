"""SSO sessions and the clients that take part in them."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, delete, or_, select, update

from services.identity.domain.clients import Realm
from services.identity.domain.sessions import SsoSession
from services.identity.store.tables import SESSION_CLIENTS, SESSIONS
from services.kit.statements import Statement

if TYPE_CHECKING:
    from services.identity.store.work import Work


def session_of(row: Any) -> SsoSession:
    """The session in a row of `sso_sessions`."""
    return SsoSession(
        row.id,
        row.account_id,
        Realm(row.realm),
        row.auth_time,
        row.acr,
        tuple(row.amr.split(" ")),
        row.created_at,
        row.last_seen_at,
        row.expires_at,
        row.ended_at,
        row.version,
    )


_BY_SECRET = Statement(
    lambda _: select(SESSIONS).where(
        SESSIONS.c.secret_hash == bindparam("secret_hash"), SESSIONS.c.realm == bindparam("realm")
    )
)
_BY_ID = Statement(lambda _: select(SESSIONS).where(SESSIONS.c.id == bindparam("id")))
_ADD = Statement(lambda insert: insert(SESSIONS), [column.name for column in SESSIONS.c if column.name != "ended_at"])
_TOUCH = Statement(
    lambda _: (
        update(SESSIONS)
        .where(SESSIONS.c.id == bindparam("session_id"), SESSIONS.c.ended_at.is_(None))
        .values(last_seen_at=bindparam("now"))
    )
)
_JOIN = Statement(
    lambda insert: insert(SESSION_CLIENTS).on_conflict_do_nothing(), ("session_id", "client_id", "joined_at")
)


def joining(session_id: str, client_id: str, now: datetime) -> tuple[Statement, dict[str, Any]]:
    """What notes that a client takes part in a session."""
    return _JOIN, {"session_id": session_id, "client_id": client_id, "joined_at": now}


class SessionStore:
    """Sessions, by id and by the fingerprint of their cookie."""

    def __init__(self, work: "Work") -> None:
        self._work = work

    async def by_secret(self, secret_hash: str, realm: Realm) -> SsoSession | None:
        """The session that a cookie stands for."""
        rows = await self._work.run(_BY_SECRET, secret_hash=secret_hash, realm=realm.value)
        return session_of(rows[0]) if rows else None

    async def by_id(self, session_id: str) -> SsoSession | None:
        rows = await self._work.run(_BY_ID, id=session_id)
        return session_of(rows[0]) if rows else None

    async def add(self, session: SsoSession, secret_hash: str) -> None:
        await self._work.run(
            _ADD,
            id=session.id,
            secret_hash=secret_hash,
            account_id=session.account_id,
            realm=session.realm.value,
            auth_time=session.auth_time,
            acr=session.acr,
            amr=" ".join(session.amr),
            created_at=session.created_at,
            last_seen_at=session.last_seen_at,
            expires_at=session.expires_at,
            version=session.version,
        )

    async def renew(self, session_id: str, secret_hash: str, now: datetime, expires_at: datetime) -> bool:
        """The same person signed in again: a new cookie value for the session (item 9). False where it has ended."""
        return await self._change(
            session_id, secret_hash=secret_hash, auth_time=now, last_seen_at=now, expires_at=expires_at
        )

    async def touch(self, session_id: str, now: datetime) -> None:
        """Note that the session was used."""
        await self._work.run(_TOUCH, session_id=session_id, now=now)

    async def end(self, session: SsoSession, now: datetime) -> bool:
        """Mark the session as ended; False where somebody else did."""
        return await self._change(session.id, ended_at=now, version=session.version + 1)

    async def _change(self, session_id: str, **values: Any) -> bool:
        found = await self._work.execute(
            update(SESSIONS)
            .where(SESSIONS.c.id == session_id, SESSIONS.c.ended_at.is_(None))
            .values(**values)
            .returning(SESSIONS.c.id)
        )
        return found.first() is not None

    async def clients(self, session_id: str) -> list[str]:
        """Ids of the clients that took part."""
        statement = select(SESSION_CLIENTS.c.client_id).where(SESSION_CLIENTS.c.session_id == session_id)
        return list((await self._work.execute(statement)).scalars())

    async def of_account(self, account_id: str) -> list[SsoSession]:
        """Sessions of the account that nobody has marked as ended, the latest used first."""
        statement = (
            select(SESSIONS)
            .where(SESSIONS.c.account_id == account_id, SESSIONS.c.ended_at.is_(None))
            .order_by(SESSIONS.c.last_seen_at.desc(), SESSIONS.c.id)
        )
        return [session_of(row) for row in await self._work.execute(statement)]

    async def timed_out(self, now: datetime, idle: timedelta, limit: int) -> list[SsoSession]:
        """Sessions that time has ended and nobody has marked yet."""
        statement = (
            select(SESSIONS)
            .where(
                SESSIONS.c.ended_at.is_(None),
                or_(SESSIONS.c.last_seen_at <= now - idle, SESSIONS.c.expires_at <= now),
            )
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        return [session_of(row) for row in await self._work.execute(statement)]

    async def prune(self, before: datetime, limit: int) -> int:
        """Remove sessions that ended before `before`."""
        old = select(SESSIONS.c.id).where(SESSIONS.c.ended_at < before).limit(limit)
        found = await self._work.execute(delete(SESSIONS).where(SESSIONS.c.id.in_(old)).returning(SESSIONS.c.id))
        return len(found.all())
