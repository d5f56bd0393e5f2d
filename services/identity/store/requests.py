"""Authorization requests that wait under a reference (RFC 9126), encrypted."""

from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import delete, insert, select, update

from services.identity.domain.parameters import Parameters
from services.identity.domain.requests import PushedRequest
from services.identity.domain.tokens import fingerprint
from services.identity.store.tables import PUSHED
from services.kit.columns import sealed_place

if TYPE_CHECKING:
    from services.identity.store.work import Work


class RequestStore:
    """Waiting requests by reference; what has expired is not there."""

    def __init__(self, work: "Work") -> None:
        self._work = work

    async def add(self, request: PushedRequest) -> None:
        key = fingerprint(request.request_uri)
        await self._work.execute(
            insert(PUSHED).values(
                request_hash=key,
                client_id=request.client_id,
                parameters=self._work.crypto.encrypt_json(request.parameters.pairs(), _place(key)),
                expires_at=request.expires_at,
                opened=request.opened,
            )
        )

    async def find(self, request_uri: str, now: datetime) -> PushedRequest | None:
        key = fingerprint(request_uri)
        statement = select(PUSHED).where(PUSHED.c.request_hash == key, PUSHED.c.expires_at > now)
        row = (await self._work.execute(statement)).first()
        if row is None:
            return None
        pairs = self._work.crypto.decrypt_json(row.parameters, _place(key))
        parameters = Parameters([(name, value) for name, value in pairs])
        return PushedRequest(request_uri, row.client_id, parameters, row.expires_at, row.opened)

    async def open(self, request_uri: str, until: datetime) -> None:
        """A browser has come: let the person take their time, counted from now and once."""
        key = fingerprint(request_uri)
        statement = update(PUSHED).where(PUSHED.c.request_hash == key, PUSHED.c.opened.is_(False))
        await self._work.execute(statement.values(opened=True, expires_at=until))

    async def take(self, request_uri: str, now: datetime) -> bool:
        """Use the request up; True for exactly one of any number of parallel calls."""
        key = fingerprint(request_uri)
        statement = delete(PUSHED).where(PUSHED.c.request_hash == key, PUSHED.c.expires_at > now)
        return (await self._work.execute(statement.returning(PUSHED.c.request_hash))).first() is not None


def _place(key: str) -> str:
    return sealed_place("pushed_requests", "parameters", key)
