"""The database of one service: its engine, what only reads, who may write, and what counts as being away."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import asyncpg
from sqlalchemy import Executable, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from services.kit.columns import json_text
from services.kit.direct import Direct
from services.kit.sqlite import sqlite_engine

WAIT_SECONDS = 30
"""Longest wait for the right to write (SQLite) or for a connection of the pool."""


class Database:
    """One service's database: SQLite (WAL, synchronous FULL, one writer) or PostgreSQL."""

    def __init__(self, url: str, *, pool_size: int = 10) -> None:
        self.url = make_url(url)
        self.dialect = self.url.get_backend_name()
        self._pool_size = pool_size
        self._engine: AsyncEngine | None = None
        self._direct: Direct | None = None
        # SQLite has one writer: queue for it here, fairly, instead of in its busy handler, which sleeps.
        self._writer = asyncio.Lock() if self.dialect == "sqlite" else None

    @property
    def engine(self) -> AsyncEngine:
        """The engine, made on first use, so that a warmed parent holds no connection when it forks."""
        if self._engine is None:
            self._engine = self._create()
        return self._engine

    @property
    def direct(self) -> Direct:
        """Connections for single statements (PostgreSQL): as many as the pool has, made when they are needed."""
        if self._direct is None:
            self._direct = Direct(self.url, self._pool_size)
        return self._direct

    def _create(self) -> AsyncEngine:
        if self.dialect != "sqlite":
            return create_async_engine(
                self.url,
                pool_size=self._pool_size,
                max_overflow=0,
                pool_timeout=10,
                pool_use_lifo=True,
                json_serializer=json_text,
                hide_parameters=True,  # an error's text goes to the log; values may be personal
            )
        return sqlite_engine(self.url, WAIT_SECONDS)

    async def connect(self) -> AsyncConnection:
        """A connection that is open: what the server has closed since is seen here, before a statement fails by it."""
        while True:
            connection = await self.engine.connect()
            held: Any = connection.sync_connection
            if self.dialect != "postgresql" or not held.connection.dbapi_connection.driver_connection.is_closed():
                return connection
            await connection.invalidate()
            await connection.close()

    async def ping(self) -> None:
        """Answer or raise: the database can be reached."""
        async with asyncio.timeout(3), self.reading() as connection:
            await connection.execute(text("SELECT 1"))

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """A connection that only reads: it takes no right to write (SQLite) and begins no transaction (PostgreSQL),
        where each statement sees what was committed before it in any case and BEGIN and ROLLBACK cost a turn each."""
        async with self.engine.connect() as connection:
            await self.make_reading(connection)
            yield connection

    async def make_reading(self, connection: AsyncConnection) -> None:
        """Let a fresh connection only read, as `reading` does."""
        option = {"readonly": True} if self.dialect == "sqlite" else {"isolation_level": "AUTOCOMMIT"}
        await connection.execution_options(**option)

    async def execute(self, statement: Executable, parameters: Any = None) -> None:
        """Execute one statement as a transaction of its own."""
        if self.dialect == "sqlite":
            async with self.writing(), self.engine.begin() as connection:
                await connection.execute(statement, parameters)
        else:
            async with self.reading() as connection:  # commits each statement by itself
                await connection.execute(statement, parameters)

    async def close(self) -> None:
        if self._direct is not None:
            await self._direct.close()
            self._direct = None
        if self._engine is not None:
            await self._engine.dispose()
            self._engine = None

    def writing(self) -> AbstractAsyncContextManager[Any]:
        """Hold the right to write (SQLite); nothing to wait for on PostgreSQL."""
        return self._writer if self._writer is not None else _Free()


class _Free(AbstractAsyncContextManager[None]):
    async def __aexit__(self, *_: object) -> None:
        return None


def is_outage(error: BaseException) -> bool:
    """Whether the database is away or shutting down rather than the statement wrong."""
    if isinstance(error, (OSError, PoolTimeout, TimeoutError)):
        return True
    if isinstance(error, asyncpg.InterfaceError):  # from `UnitOfWork.run`
        return not isinstance(error, asyncpg.DataError)
    # 57: operator intervention (shutdown), 53: no resources, 08: connection, 40: serialisation or deadlock.
    state = getattr(error.orig if isinstance(error, DBAPIError) else error, "sqlstate", None) or ""
    outage = state[:2] in ("57", "53", "08", "40")
    if isinstance(error, asyncpg.PostgresError):
        return outage
    if isinstance(error, DBAPIError):
        locked = isinstance(error, OperationalError) and "locked" in str(error.orig)
        return error.connection_invalidated or isinstance(error, InterfaceError) or outage or locked
    return False
