"""The relay alone and the consumer alone, on PostgreSQL and a real Kafka."""

import asyncio
import time
from datetime import UTC, datetime
from typing import Any
from unittest.mock import patch

from sqlalchemy import func, insert, select

from services.contracts.base import EVENT_TYPES
from services.contracts.topics import CASES_EVENTS, all_topics
from services.kit import broker
from services.kit.consumers import Consumer
from services.kit.db import UnitOfWork
from services.kit.events import event_of
from services.kit.outbox import Relay, Row
from services.kit.service import Context
from tests.bench import effects
from tests.bench.machine import Machine


async def _context(machine: Machine, name: str) -> Context:
    database = await machine.database(name)
    environment = machine.environment("notify", database, f"{name}-")
    with patch.dict("os.environ", environment, clear=True):
        settings = effects.EffectSettings.load()
    await effects.create_tables(settings)
    await broker.apply_topics(settings)
    return Context.of(settings, effects.TABLES)


def _row(number: int, prefix: str) -> Row:
    example = next(e for e in all_topics()[CASES_EVENTS].examples if e.type.endswith("submitted.v1"))
    data = EVENT_TYPES[example.type].model_validate(example.data)
    return Row.of(
        event_of(data, subject=f"case-{number}", version=1, time=datetime.now(UTC)), datetime.now(UTC), prefix
    )


async def _fill(context: Context, count: int) -> None:
    prefix = context.settings.topic_prefix
    for first in range(0, count, 5000):
        rows = [_row(number, prefix).values() for number in range(first, first + 5000)]
        async with context.database.engine.begin() as connection:
            await connection.execute(insert(context.tables.outbox), rows)


async def relay_alone(machine: Machine, events: int = 50_000) -> float:
    """Events a second from a full outbox to Kafka's acknowledgement and deletion."""
    context = await _context(machine, "relay")
    await _fill(context, events + 5000)
    producer = await broker.start_producer(context.settings)
    relay = Relay(context, lambda: broker.start_producer(context.settings))
    try:
        sent = 0
        while sent < 5000:  # warm-up
            sent += await relay.send_waiting(producer)
        began, sent = time.perf_counter(), 0
        while found := await relay.send_waiting(producer):
            sent += found
        return sent / (time.perf_counter() - began)
    finally:
        await producer.stop()
        await context.database.close()


async def consumer_alone(machine: Machine, events: int = 40_000) -> float:
    """Events a second from Kafka into inbox and effect, the topic filled beforehand."""
    context = await _context(machine, "consumer")
    await _fill(context, events)
    producer = await broker.start_producer(context.settings)
    relay = Relay(context, lambda: broker.start_producer(context.settings))
    while await relay.send_waiting(producer):
        pass
    await producer.stop()
    reader = Consumer(
        context,
        effects.consumers,
        lambda: broker.faststream_broker(context.settings),
        lambda: UnitOfWork(context),
    )
    task = asyncio.create_task(reader.run())
    try:
        first = await _count(context)
        while first == 0:
            await asyncio.sleep(0.01)
            first = await _count(context)
        began = time.perf_counter()
        while (done := await _count(context)) < events:
            if task.done():
                task.result()
            await asyncio.sleep(0.25)
        return (done - first) / (time.perf_counter() - began)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await context.database.close()


async def _count(context: Context) -> int:
    async with context.database.engine.connect() as connection:
        found: Any = await connection.execute(select(func.count()).select_from(effects.EFFECTS))
        return int(found.scalar_one())
