"""A reader and a sender on the tiny service's databases, and what they leave behind."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import insert, select

from services.contracts.identity_sessions import SessionEnded
from services.kit import broker, dead_letters
from services.kit.consumers import Consumer, Consumers
from services.kit.inbox import Message
from services.kit.outbox import Relay
from services.kit.service import Context
from tests.kit.conftest import EFFECTS, work


async def until(condition: Callable[[], Awaitable[bool]], seconds: float = 20) -> None:
    async with asyncio.timeout(seconds):
        while not await condition():  # noqa: ASYNC110 (what is waited for lies in a database)
            await asyncio.sleep(0.05)


async def effects(context: Context) -> list[tuple[str, int]]:
    async with work(context) as unit:
        rows = await unit.execute(select(EFFECTS.c.key, EFFECTS.c.version).order_by(EFFECTS.c.number))
        return [(row.key, row.version) for row in rows]


async def parked(context: Context) -> list[dict[str, Any]]:
    async with work(context) as unit:
        return await dead_letters.listed(unit, everything=True)


def consumers_that(act: Callable[[Any], None] = lambda _: None) -> Consumers:
    consumers = Consumers("tiny")

    @consumers.on(SessionEnded)
    async def note(received: Any, unit: Any) -> None:
        act(received)
        values = {"event_id": received.id, "key": received.subject, "version": received.version}
        await unit.execute(insert(EFFECTS).values(**values))

    return consumers


def consumer(context: Context, consumers: Consumers) -> Consumer:
    return Consumer(context, consumers, lambda: broker.faststream_broker(context.settings), lambda: work(context))


@asynccontextmanager
async def running(*workers: Any) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(worker.run()) for worker in workers]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def relay(context: Context) -> Relay:
    return Relay(context, lambda: broker.start_producer(context.settings))


def message(number: int, received: Any, topic: str = "identity.sessions") -> Message:
    headers = received.headers()
    return Message.of(topic, 0, number, received.subject.encode(), headers, received.value())


def unknown(number: int, received: Any) -> Message:
    """The message of an event whose type this release does not know."""
    headers = [(n, b"cn.tongban.identity.session-moved.v7" if n == "ce_type" else v) for n, v in received.headers()]
    return Message.of("identity.sessions", 0, number, received.subject.encode(), headers, b"{}")


@asynccontextmanager
async def retrying(reader: Consumer) -> AsyncIterator[None]:
    """The reader's task that tries parked events again."""
    task = asyncio.create_task(reader._retry_parked())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
