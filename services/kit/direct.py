"""Connections of asyncpg itself, for statements that are each whole by themselves: taking one costs no turn.

SQLAlchemy's pool asks several greenlets and events for a connection, sets it to AUTOCOMMIT and back: as much CPU as the
statement itself. One is made when it is first needed; what the server has closed is left out.
"""

import asyncio
import json
from typing import Any

import asyncpg
from sqlalchemy.engine import URL

from services.kit import postgres

WAIT_SECONDS = 10


class Direct:
    """At most `size` connections; the one used last is taken first."""

    def __init__(self, url: URL, size: int) -> None:
        self._url = url
        self._places = asyncio.Semaphore(size)
        self._free: list[asyncpg.Connection[Any]] = []

    async def take(self) -> "asyncpg.Connection[Any]":
        """A connection, to be given back. Raises TimeoutError, OSError, asyncpg.PostgresError."""
        async with asyncio.timeout(WAIT_SECONDS):
            await self._places.acquire()
            try:
                while self._free:
                    connection = self._free.pop()
                    if not connection.is_closed():
                        return connection
                return await self._connect()
            except BaseException:
                self._places.release()
                raise

    def give(self, connection: "asyncpg.Connection[Any]", *, sound: bool) -> None:
        """Give it back; one that a statement failed or was cancelled on is `sound` no more."""
        if sound and not connection.is_closed():
            self._free.append(connection)
        else:
            connection.terminate()
        self._places.release()

    async def close(self) -> None:
        free, self._free = self._free, []
        for connection in free:
            await connection.close()

    async def _connect(self) -> "asyncpg.Connection[Any]":
        connection = await postgres.connect(self._url, WAIT_SECONDS)
        # As SQLAlchemy's dialect has it: statements give JSON as text.
        await connection.set_type_codec(
            "jsonb",
            schema="pg_catalog",
            format="binary",
            encoder=lambda text: b"\x01" + text.encode(),
            decoder=lambda value: json.loads(value[1:]),
        )
        return connection
