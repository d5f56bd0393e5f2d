"""Codes, token families, refresh tokens, revoked tokens and used assertions."""

from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, exists, insert, select, update

from services.identity.domain.sessions import SsoSession
from services.identity.domain.tokens import AuthorizationCode, Family, Presented, RefreshToken
from services.identity.store.sessions import session_of
from services.identity.store.tables import (
    ASSERTIONS,
    CODES,
    ENROLMENTS,
    FAMILIES,
    INITIAL_TOKENS,
    PUSHED,
    REFRESH,
    REVOKED,
    SESSIONS,
)

if TYPE_CHECKING:
    from services.identity.store.work import Work


def _code(row: Any) -> AuthorizationCode:
    values = {name: getattr(row, name) for name in AuthorizationCode.__slots__}
    return AuthorizationCode(**values | {"resources": tuple(row.resources)})


_FAMILY = [FAMILIES.c[name].label(f"family_{name}") for name in Family.__slots__]


def _family(row: Any) -> Family:
    values = {name: getattr(row, f"family_{name}") for name in Family.__slots__}
    return Family(**values | {"resources": tuple(row.family_resources)})


class TokenStore:
    """Everything that is issued; of secrets only fingerprints."""

    def __init__(self, work: "Work") -> None:
        self._work = work

    async def add_code(self, code: AuthorizationCode) -> None:
        await self._work.execute(insert(CODES).values(**asdict(code) | {"resources": list(code.resources)}))

    async def code(self, code_hash: str) -> AuthorizationCode | None:
        row = (await self._work.execute(select(CODES).where(CODES.c.code_hash == code_hash))).first()
        return _code(row) if row is not None else None

    async def use_code(self, code_hash: str, now: datetime) -> bool:
        """Take the code; True for exactly one of any number of parallel calls."""
        found = await self._work.execute(
            update(CODES)
            .where(CODES.c.code_hash == code_hash, CODES.c.used_at.is_(None))
            .values(used_at=now)
            .returning(CODES.c.code_hash)
        )
        return found.first() is not None

    async def add_family(self, family: Family) -> None:
        await self._work.execute(insert(FAMILIES).values(**asdict(family) | {"resources": list(family.resources)}))

    async def family(self, family_id: str, token_id: str) -> tuple[Family, SsoSession, bool] | None:
        """A family with its session, and whether one token of it was revoked by itself."""
        revoked = exists().where(REVOKED.c.token_id == token_id)
        statement = (
            select(*_FAMILY, SESSIONS, revoked.label("token_revoked"))
            .join_from(FAMILIES, SESSIONS, SESSIONS.c.id == FAMILIES.c.session_id)
            .where(FAMILIES.c.id == family_id)
        )
        row = (await self._work.execute(statement)).first()
        return (_family(row), session_of(row), bool(row.token_revoked)) if row is not None else None

    async def revoke_family(self, family_id: str, now: datetime) -> bool:
        """End every token of the family; False where it had ended."""
        found = await self._work.execute(
            update(FAMILIES)
            .where(FAMILIES.c.id == family_id, FAMILIES.c.revoked_at.is_(None))
            .values(revoked_at=now)
            .returning(FAMILIES.c.id)
        )
        return found.first() is not None

    async def revoke_session(self, session_id: str, now: datetime) -> None:
        """End every token of the session, and codes of it that were not redeemed yet."""
        await self._work.execute(
            update(FAMILIES)
            .where(FAMILIES.c.session_id == session_id, FAMILIES.c.revoked_at.is_(None))
            .values(revoked_at=now)
        )

    async def presented(self, token_hash: str) -> Presented | None:
        """A refresh token with its family and session, in one query."""
        successor = REFRESH.alias("successor")
        used = exists().where(successor.c.token_hash == REFRESH.c.successor_hash, successor.c.used_at.is_not(None))
        statement = (
            select(
                REFRESH.c.token_hash,
                REFRESH.c.successor_hash,
                REFRESH.c.used_at,
                REFRESH.c.replayed_at,
                used.label("successor_used"),
                *_FAMILY,
                SESSIONS,
            )
            .join_from(REFRESH, FAMILIES, FAMILIES.c.id == REFRESH.c.family_id)
            .join(SESSIONS, SESSIONS.c.id == FAMILIES.c.session_id)
            .where(REFRESH.c.token_hash == token_hash)
        )
        row = (await self._work.execute(statement)).first()
        if row is None:
            return None
        token = RefreshToken(
            row.token_hash, row.family_id, row.successor_hash, row.used_at, row.replayed_at, bool(row.successor_used)
        )
        return Presented(token, _family(row), session_of(row))

    async def add_refresh(self, token_hash: str, family_id: str) -> None:
        await self._work.execute(insert(REFRESH).values(token_hash=token_hash, family_id=family_id))

    async def use_refresh(self, token_hash: str, successor_hash: str, now: datetime) -> bool:
        """Exchange the token for its successor; True for exactly one of any number of parallel calls."""
        return await self._use(REFRESH.c.used_at.is_(None), token_hash, used_at=now, successor_hash=successor_hash)

    async def replay_refresh(self, token_hash: str, successor_hash: str, now: datetime) -> bool:
        """Make good a lost reply, once: another successor in the place of the one that was lost."""
        return await self._use(
            REFRESH.c.replayed_at.is_(None), token_hash, replayed_at=now, successor_hash=successor_hash
        )

    async def spend_refresh(self, token_hash: str, now: datetime) -> bool:
        """Mark a token as used without a successor of its own (it was lost on its way)."""
        return await self._use(REFRESH.c.used_at.is_(None), token_hash, used_at=now, replayed_at=now)

    async def _use(self, unused: Any, token_hash: str, **values: Any) -> bool:
        found = await self._work.execute(
            update(REFRESH)
            .where(REFRESH.c.token_hash == token_hash, unused)
            .values(**values)
            .returning(REFRESH.c.token_hash)
        )
        return found.first() is not None

    async def revoke_token(self, token_id: str, expires_at: datetime) -> bool:
        """End one access token before its time; False where that was done before."""
        row = {"token_id": token_id, "expires_at": expires_at}
        return bool(await self._work.insert_ignore(REVOKED, [row], REVOKED.c.token_id))

    async def is_revoked(self, token_id: str) -> bool:
        statement = select(REVOKED.c.token_id).where(REVOKED.c.token_id == token_id)
        return (await self._work.execute(statement)).first() is not None

    async def use_assertion(self, assertion_hash: str, expires_at: datetime) -> bool:
        """Note a client assertion; False where it was used before (on whichever replica)."""
        row = {"assertion_hash": assertion_hash, "expires_at": expires_at}
        return bool(await self._work.insert_ignore(ASSERTIONS, [row], ASSERTIONS.c.assertion_hash))

    async def prune(self, now: datetime, codes_before: datetime, limit: int) -> int:
        """Remove at most `limit` rows of each kind that expired. Refresh tokens go with their family."""
        count = 0
        for table, key, condition in (
            (CODES, CODES.c.code_hash, CODES.c.expires_at < codes_before),
            (FAMILIES, FAMILIES.c.id, FAMILIES.c.expires_at < now),
            (REVOKED, REVOKED.c.token_id, REVOKED.c.expires_at < now),
            (ASSERTIONS, ASSERTIONS.c.assertion_hash, ASSERTIONS.c.expires_at < now),
            (PUSHED, PUSHED.c.request_hash, PUSHED.c.expires_at < now),
            (INITIAL_TOKENS, INITIAL_TOKENS.c.token_hash, INITIAL_TOKENS.c.expires_at < now),
            (ENROLMENTS, ENROLMENTS.c.token_hash, ENROLMENTS.c.expires_at < now),
        ):
            old = select(key).where(condition).limit(limit)
            found = await self._work.execute(delete(table).where(key.in_(old)).returning(key))
            count += len(found.all())
        return count
