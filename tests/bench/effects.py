"""A reader on our kit with the smallest effect: one row an event. `python -m tests.bench.effects`."""

import asyncio
import sys
from typing import Any, ClassVar

from sqlalchemy import Column, MetaData, String, Table

from services.contracts.topics import CASES_EVENTS
from services.kit import broker
from services.kit.columns import BigId, UtcDateTime
from services.kit.consumers import Consumer, Consumers
from services.kit.db import UnitOfWork, kit_tables
from services.kit.service import Context, Role, Service, serve
from services.kit.settings import ServiceSettings

METADATA = MetaData()
TABLES = kit_tables(METADATA)
EFFECTS = Table(
    "effects",
    METADATA,
    Column("id", BigId, primary_key=True, autoincrement=True),
    Column("event_id", String(64), nullable=False),
    Column("key", String(64), nullable=False),
    Column("at", UtcDateTime, nullable=False),
)
consumers = Consumers("effects")


class EffectSettings(ServiceSettings):
    service: ClassVar[str] = "notify"


@consumers.on_topic(CASES_EVENTS)
async def note(event: Any, work: UnitOfWork) -> None:
    """The effect."""
    work.add(EFFECTS, {"event_id": event.id, "key": event.subject, "at": work.now()})


async def _app(scope: Any, receive: Any, send: Any) -> None:
    raise RuntimeError("this worker answers no HTTP")


def build(settings: ServiceSettings) -> Service:
    context = Context.of(settings, TABLES)
    consumer = Consumer(context, consumers, lambda: broker.faststream_broker(settings), lambda: UnitOfWork(context))
    return Service(context, _app, workers=[consumer], topics=consumers.topics, migrated=False)


async def create_tables(settings: ServiceSettings) -> None:
    context = Context.of(settings, TABLES)
    async with context.database.engine.begin() as connection:
        await connection.run_sync(METADATA.create_all)
    await context.database.close()


if __name__ == "__main__":
    found = EffectSettings.load()
    asyncio.run(create_tables(found))
    sys.exit(serve(build(found), Role.WORKER))
