"""Codes, token families, refresh tokens, revoked tokens and used assertions."""

from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, delete, exists, select, update

from services.identity.domain.sessions import SsoSession
from services.identity.domain.tokens import AuthorizationCode, Family, Presented, RefreshToken
from services.identity.store.sessions import joining, session_of
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
from services.kit.statements import Statement

if TYPE_CHECKING:
    from services.identity.store.work import Work


def _code(row: Any) -> AuthorizationCode:
    values = {name: getattr(row, f"code_{name}") for name in AuthorizationCode.__slots__}
    return AuthorizationCode(**values | {"resources": tuple(row.code_resources)})


_FAMILY = [FAMILIES.c[name].label(f"family_{name}") for name in Family.__slots__]


def _family(row: Any) -> Family:
    values = {name: getattr(row, f"family_{name}") for name in Family.__slots__}
    return Family(**values | {"resources": tuple(row.family_resources)})


_ADD_CODE = Statement(lambda insert: insert(CODES), AuthorizationCode.__slots__)
_CODE = Statement(
    lambda _: (
        select(*(c.label(f"code_{c.name}") for c in CODES.c), SESSIONS)
        .join_from(CODES, SESSIONS, SESSIONS.c.id == CODES.c.session_id)
        .where(CODES.c.code_hash == bindparam("code_hash"))
        .with_for_update(read=True, of=SESSIONS)
    )
)
_USE_CODE = Statement(
    lambda _: (
        update(CODES)
        .where(CODES.c.code_hash == bindparam("hash"), CODES.c.used_at.is_(None))
        .values(used_at=bindparam("now"))
        .returning(CODES.c.code_hash)
    )
)
_ADD_FAMILY = Statement(lambda insert: insert(FAMILIES), Family.__slots__)
_FAMILY_OF_TOKEN = Statement(
    lambda _: (
        select(*_FAMILY, SESSIONS, exists().where(REVOKED.c.token_id == bindparam("token_id")).label("token_revoked"))
        .join_from(FAMILIES, SESSIONS, SESSIONS.c.id == FAMILIES.c.session_id)
        .where(FAMILIES.c.id == bindparam("family_id"))
    )
)
_SUCCESSOR = REFRESH.alias("successor")
_PRESENTED = Statement(
    lambda _: (
        select(
            REFRESH.c.token_hash,
            REFRESH.c.successor_hash,
            REFRESH.c.used_at,
            REFRESH.c.replayed_at,
            exists()
            .where(_SUCCESSOR.c.token_hash == REFRESH.c.successor_hash, _SUCCESSOR.c.used_at.is_not(None))
            .label("successor_used"),
            *_FAMILY,
            SESSIONS,
        )
        .join_from(REFRESH, FAMILIES, FAMILIES.c.id == REFRESH.c.family_id)
        .join(SESSIONS, SESSIONS.c.id == FAMILIES.c.session_id)
        .where(REFRESH.c.token_hash == bindparam("token_hash"))
    )
)
_ADD_REFRESH = Statement(lambda insert: insert(REFRESH), ("token_hash", "family_id"))
_USE_REFRESH = Statement(
    lambda _: (
        update(REFRESH)
        .where(REFRESH.c.token_hash == bindparam("hash"), REFRESH.c.used_at.is_(None))
        .values(used_at=bindparam("now"), successor_hash=bindparam("successor"))
        .returning(REFRESH.c.token_hash)
    )
)
_IS_REVOKED = Statement(lambda _: select(REVOKED.c.token_id).where(REVOKED.c.token_id == bindparam("token_id")))
_USE_ASSERTION = Statement(
    lambda insert: insert(ASSERTIONS).on_conflict_do_nothing().returning(ASSERTIONS.c.assertion_hash),
    ("assertion_hash", "expires_at"),
)


class TokenStore:
    """Everything that is issued; of secrets only fingerprints."""

    def __init__(self, work: "Work") -> None:
        self._work = work

    async def add_code(self, code: AuthorizationCode) -> None:
        values = {name: getattr(code, name) for name in AuthorizationCode.__slots__}
        await self._work.run(_ADD_CODE, **values | {"resources": list(code.resources)})

    async def code(self, code_hash: str) -> tuple[AuthorizationCode, SsoSession] | None:
        """The code and its session, which nobody can end before this transaction ends (SQLite has one writer anyway):
        who ends it must find the family and the client that join it here.
        """
        rows = await self._work.run(_CODE, code_hash=code_hash)
        return (_code(rows[0]), session_of(rows[0])) if rows else None

    async def use_code(self, code_hash: str, now: datetime) -> bool:
        """Take the code; True for exactly one of any number of parallel calls."""
        return bool(await self._work.run(_USE_CODE, hash=code_hash, now=now))

    async def add_family(self, family: Family, refresh_hash: str | None) -> None:
        """Store a family with its first refresh token, and that its client takes part in the session."""
        values = {name: getattr(family, name) for name in Family.__slots__}
        statements = [(_ADD_FAMILY, values | {"resources": list(family.resources)})]
        if refresh_hash is not None:
            statements.append((_ADD_REFRESH, {"token_hash": refresh_hash, "family_id": family.id}))
        await self._work.run_together(*statements, joining(family.session_id, family.client_id, self._work.now()))

    async def family(self, family_id: str, token_id: str) -> tuple[Family, SsoSession, bool] | None:
        """A family with its session, and whether one token of it was revoked by itself."""
        rows = await self._work.run(_FAMILY_OF_TOKEN, family_id=family_id, token_id=token_id)
        return (_family(rows[0]), session_of(rows[0]), bool(rows[0].token_revoked)) if rows else None

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
        rows = await self._work.run(_PRESENTED, token_hash=token_hash)
        if not rows:
            return None
        row = rows[0]
        token = RefreshToken(
            row.token_hash, row.family_id, row.successor_hash, row.used_at, row.replayed_at, bool(row.successor_used)
        )
        return Presented(token, _family(row), session_of(row))

    async def add_refresh(self, token_hash: str, family_id: str) -> None:
        await self._work.run(_ADD_REFRESH, token_hash=token_hash, family_id=family_id)

    async def exchange_refresh(self, token: RefreshToken, successor_hash: str, now: datetime) -> bool:
        """Exchange the token for its successor; True for exactly one of any number of parallel calls."""
        used = await self._work.run_together(
            (_ADD_REFRESH, {"token_hash": successor_hash, "family_id": token.family_id}),
            (_USE_REFRESH, {"hash": token.token_hash, "now": now, "successor": successor_hash}),
        )
        if not used:  # nobody was told of it
            await self._work.execute(delete(REFRESH).where(REFRESH.c.token_hash == successor_hash))
        return bool(used)

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
        return bool(await self._work.run(_IS_REVOKED, token_id=token_id))

    async def use_assertion(self, assertion_hash: str, expires_at: datetime) -> bool:
        """Note a client assertion; False where it was used before (on whichever replica)."""
        return bool(await self._work.run(_USE_ASSERTION, assertion_hash=assertion_hash, expires_at=expires_at))

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
