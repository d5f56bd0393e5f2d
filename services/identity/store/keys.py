"""Signing keys."""

from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, select, update

from services.identity.domain.keys import KeyState, SigningKey
from services.identity.store.tables import KEYS

if TYPE_CHECKING:
    from services.identity.store.work import Work


def _key(row: Any) -> SigningKey:
    return SigningKey(
        row.kid,
        row.algorithm,
        KeyState(row.state),
        dict(row.public),
        row.published_at,
        row.signing_at,
        row.retired_at,
    )


class KeyStore:
    """Keys with their states; the private part stays encrypted here."""

    def __init__(self, work: "Work") -> None:
        self._work = work

    async def all(self, *, lock: bool = False) -> list[SigningKey]:
        """Every key, oldest first; `lock` holds them until the end of the transaction."""
        statement = select(KEYS).order_by(KEYS.c.published_at, KEYS.c.kid)
        return [_key(row) for row in await self._work.execute(statement.with_for_update() if lock else statement)]

    async def private_parts(self, kids: list[str]) -> dict[str, bytes]:
        """The encrypted private parts of keys."""
        rows = await self._work.execute(select(KEYS.c.kid, KEYS.c.private).where(KEYS.c.kid.in_(kids)))
        return {row.kid: row.private for row in rows}

    async def add(self, key: SigningKey, private: bytes) -> bool:
        """Store a new key; False where another replica was first."""
        row = {
            "kid": key.kid,
            "algorithm": key.algorithm,
            "state": key.state.value,
            "public": key.public,
            "private": private,
            "published_at": key.published_at,
            "signing_at": key.signing_at,
            "retired_at": key.retired_at,
        }
        return bool(await self._work.insert_ignore(KEYS, [row], KEYS.c.kid))

    async def set_signing(self, kid: str, now: datetime) -> None:
        await self._set(kid, state=KeyState.SIGNING.value, signing_at=now)

    async def set_retired(self, kid: str, now: datetime) -> None:
        await self._set(kid, state=KeyState.RETIRED.value, retired_at=now)

    async def remove(self, kid: str) -> None:
        """Take the key out of the JWKS for good."""
        await self._work.execute(delete(KEYS).where(KEYS.c.kid == kid))

    async def _set(self, kid: str, **values: Any) -> None:
        await self._work.execute(update(KEYS).where(KEYS.c.kid == kid).values(**values))
