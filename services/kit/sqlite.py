"""SQLite as a service's database: a private file, WAL, synchronous FULL, transactions that we begin ourselves."""

import asyncio
import os
import sqlite3
from pathlib import Path
from typing import Any

import aiosqlite
from sqlalchemy import event
from sqlalchemy.engine import URL
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from services.kit.columns import json_text


class _Connection(aiosqlite.Connection):
    """aiosqlite's connection, which may be stopped twice.

    A statement that is cancelled twice lets SQLAlchemy close the connection and stop it as well; the close then waits
    for an answer of the thread that the stop has ended, for ever (aiosqlite 0.22, SQLAlchemy 2.1).
    """

    _stopped: "asyncio.Future[Any] | None" = None

    def stop(self) -> "asyncio.Future[Any] | None":
        if self._stopped is None:
            self._stopped = super().stop()
        return self._stopped


def _connect(database: str, **given: Any) -> _Connection:
    connection = _Connection(lambda: sqlite3.connect(database, **given), iter_chunk_size=64)
    connection._thread.daemon = True
    return connection


def sqlite_engine(url: URL, wait_seconds: float) -> AsyncEngine:
    """An engine on the file of `url`, made if it is not there; waits up to `wait_seconds` for a connection."""
    path = Path(url.database or "")
    path.parent.mkdir(parents=True, exist_ok=True)
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    engine = create_async_engine(
        url,
        pool_size=4,
        max_overflow=0,
        pool_timeout=wait_seconds,
        json_serializer=json_text,
        hide_parameters=True,  # an error's text goes to the log; values may be personal
        connect_args={"async_creator_fn": _connect},
    )
    event.listen(engine.sync_engine, "connect", _connected)
    event.listen(engine.sync_engine, "begin", _begin)
    return engine


def _connected(connection: Any, _: Any) -> None:
    connection.isolation_level = None  # transactions are begun below, by us
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=15000"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin(connection: Any) -> None:
    readonly = connection.get_execution_options().get("readonly", False)
    connection.exec_driver_sql("BEGIN" if readonly else "BEGIN IMMEDIATE")
