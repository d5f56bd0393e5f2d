"""A tiny service of the kit's own tests: one table, one topic of the contracts."""

import base64
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import Any, ClassVar

import pytest
from sqlalchemy import Column, Integer, MetaData, String, Table
from sqlmodel import AutoString

from services.contracts.base import Envelope
from services.contracts.identity_sessions import SessionEnded
from services.kit import broker
from services.kit.columns import JsonColumn
from services.kit.database import Database
from services.kit.db import KitTables, UnitOfWork, kit_tables
from services.kit.ids import new_id
from services.kit.service import Context
from services.kit.settings import ServiceSettings

MASTER = base64.b64encode(b"m" * 32).decode()
METADATA = MetaData()
TABLES: KitTables = kit_tables(METADATA, with_deliveries=True)
EFFECTS = Table(
    "effects",
    METADATA,
    Column("number", Integer().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("event_id", String(64), nullable=False),
    Column("key", String(64), nullable=False),
    Column("version", Integer, nullable=False),
)
BATCHES = Table(
    "batches",
    METADATA,
    Column("key", AutoString(4), primary_key=True),
    Column("place", Integer, nullable=False),
    Column("value", JsonColumn, nullable=False),
)


class TinySettings(ServiceSettings):
    service: ClassVar[str] = "notify"
    required: ClassVar[tuple[str, ...]] = ()


def event(key: str, version: int, **given: Any) -> Envelope:
    """One event of a gapless topic."""
    data = SessionEnded(session_id=key, account_id="a", realm="citizen", reason="expired")
    fields: dict[str, Any] = {"id": new_id(), "source": "urn:tongban:identity", "time": datetime.now(UTC)}
    return Envelope(subject=key, version=version, data=data, **(fields | given))


@pytest.fixture
async def make_context() -> AsyncIterator[Callable[..., Any]]:
    """Make contexts on fresh databases; closes them."""
    made: list[Database] = []

    async def make(url: str, **settings: Any) -> Context:
        found = TinySettings(profile="test", database_url=url, **settings)
        context = Context.of(found, TABLES)
        made.append(context.database)
        async with context.database.engine.begin() as connection:
            await connection.run_sync(METADATA.create_all)
        return context

    yield make
    for database in made:
        await database.close()


@pytest.fixture
async def context(database_url: str, make_context: Callable[..., Any]) -> Context:
    """A context without a broker, once on each database."""
    found: Context = await make_context(database_url)
    return found


@pytest.fixture
async def wired(database_url: str, kafka: str, topic_prefix: str, make_context: Callable[..., Any]) -> Context:
    """A context with the session's Kafka and topics of its own."""
    found: Context = await make_context(database_url, kafka=kafka, topic_prefix=topic_prefix)
    await broker.apply_topics(found.settings)
    return found


def work(context: Context) -> UnitOfWork:
    return UnitOfWork(context)
