"""The outbox: events wait beside the state that they tell of until Kafka has them.

One relay a service sends them in order: it holds an advisory lock (PostgreSQL) or a file lock (SQLite), reads the
oldest rows, sends one batch for each partition, and deletes what Kafka acknowledged. Killed anywhere it loses nothing;
killed between acknowledgement and deletion it sends again, and the readers' inbox lets the second one pass.
"""

import asyncio
import fcntl
import os
import zlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import asyncpg
import orjson
from aiokafka import AIOKafkaProducer
from aiokafka.partitioner import murmur2
from sqlalchemy import ARRAY, BigInteger, Column, LargeBinary, MetaData, String, Table, bindparam, func, select, text

from services.contracts.base import Envelope
from services.kit import postgres
from services.kit.columns import BigId, UtcDateTime
from services.kit.errors import TooLarge
from services.kit.telemetry import cause_of, log, metrics
from services.kit.testing import failpoint

if TYPE_CHECKING:
    from services.kit.service import Context

MAX_BYTES = 900_000
"""Largest payload that is taken: Kafka's default message limit less room for headers."""
BATCH_ROWS = 1000
POLL_SECONDS = 2.0
PACE_SECONDS = 0.05
"""From one round to the next at the soonest: under load each carries more, and costs broker and readers no more."""
STOP_SECONDS = 2.0


def outbox_table(metadata: MetaData) -> Table:
    """Events that wait for the relay, in the order in which they were written."""
    return Table(
        "outbox",
        metadata,
        Column("id", BigId, primary_key=True, autoincrement=True),
        Column("topic", String(200), nullable=False),
        Column("key", String(200), nullable=False),
        Column("headers", LargeBinary, nullable=False),
        Column("value", LargeBinary, nullable=False),
        Column("created_at", UtcDateTime, nullable=False),
    )


# Statements of constant text for any number of ids: a list of parameters would be built anew for each round.
_DELETE = {
    "postgresql": text("DELETE FROM outbox WHERE id = ANY(:ids)").bindparams(bindparam("ids", type_=ARRAY(BigInteger))),
    "sqlite": text("DELETE FROM outbox WHERE id IN (SELECT value FROM json_each(:ids))"),
}


@dataclass(frozen=True, slots=True)
class Row:
    """One message on its way: where to, its key, its headers and bytes."""

    topic: str
    key: str
    headers: list[tuple[str, str]]
    value: bytes
    created_at: datetime

    @classmethod
    def of(cls, event: Envelope, now: datetime, prefix: str) -> "Row":
        value = event.value()
        if len(value) > MAX_BYTES:
            raise TooLarge(f"an event of {len(value)} bytes cannot be sent (limit {MAX_BYTES})")
        return cls(prefix + event.topic, event.subject, [(n, v.decode()) for n, v in event.headers()], value, now)

    def values(self) -> dict[str, Any]:
        return {
            "topic": self.topic,
            "key": self.key,
            "headers": orjson.dumps(self.headers),
            "value": self.value,
            "created_at": self.created_at,
        }


@dataclass
class Wake:
    """Tells a relay that something was committed: in this process by an event, elsewhere by NOTIFY.

    NOTIFY goes out after commit and for many commits at once: inside the transaction it would take a global lock.
    """

    context: "Context"
    event: asyncio.Event = field(default_factory=asyncio.Event)
    leading: bool = False
    _notify: asyncio.Task[None] | None = None
    _again: bool = False

    def set(self) -> None:
        if self.leading or self.context.database.dialect != "postgresql":
            self.event.set()
            return
        self._again = True
        if self._notify is None or self._notify.done():
            self._notify = asyncio.create_task(self._send())

    async def close(self) -> None:
        """Let what is being told be told: else its connection is left behind, and the event waits for the next poll."""
        if self._notify is not None:
            await asyncio.wait({self._notify}, timeout=2)

    async def _send(self) -> None:
        while self._again:
            self._again = False
            try:
                await self.context.database.execute(text(f"NOTIFY {channel_of(self.context)}"))
            except Exception as error:  # the relay polls besides: a lost wake-up costs two seconds, not an event
                log.warning("outbox.notify_failed", cause=type(error).__name__)


def channel_of(context: "Context") -> str:
    return f"tongban_outbox_{context.service}"


class Relay:
    """The one sender of a service's outbox. `run` until cancelled; `leading` while it holds the lock."""

    name = "relay"

    def __init__(self, context: "Context", make_producer: Callable[[], Awaitable[AIOKafkaProducer]]) -> None:
        self.context = context
        self._make_producer = make_producer
        self._producer: AIOKafkaProducer | None = None

    async def run(self) -> None:
        delay = 0.1
        while True:
            try:
                async with _Leadership(self.context):
                    producer = self._producer = await self._make_producer()
                    try:
                        self.context.wake.leading = True
                        delay = 0.1
                        await self._lead(producer)
                    finally:
                        self.context.wake.leading = False
                        self._producer = None
                        await _stop(producer)
            except asyncio.CancelledError:
                raise
            except _NotLeader:
                await asyncio.sleep(POLL_SECONDS)
            except Exception as error:
                metrics.relay_failures.labels(self.context.service).inc()
                log.warning("relay.failed", cause=cause_of(error), retry_seconds=delay)
                await asyncio.sleep(delay)
                delay = min(delay * 2, 5.0)

    async def _lead(self, producer: AIOKafkaProducer) -> None:
        wake = self.context.wake.event
        while True:
            wake.clear()
            began = asyncio.get_running_loop().time()
            sent = await self.send_waiting(producer)
            if sent:
                if sent < BATCH_ROWS:
                    await asyncio.sleep(began + PACE_SECONDS - asyncio.get_running_loop().time())
                continue
            try:
                async with asyncio.timeout(POLL_SECONDS):
                    await wake.wait()
            except TimeoutError:
                pass

    async def send_waiting(self, producer: AIOKafkaProducer) -> int:
        """Send the oldest rows and delete them. Number sent; 0 when nothing waits."""
        table = self.context.tables.outbox
        async with self.context.database.reading() as connection:
            rows = (await connection.execute(select(table).order_by(table.c.id).limit(BATCH_ROWS))).all()
        if not rows:
            return 0
        await failpoint("relay.before_send")
        sent, failure = await self._send(producer, rows)
        await failpoint("relay.after_ack")
        if sent:
            ids = orjson.dumps(sent).decode() if self.context.database.dialect == "sqlite" else sent
            await self.context.database.execute(_DELETE[self.context.database.dialect], {"ids": ids})
            metrics.outbox_sent.labels(self.context.service).inc(len(sent))
        if failure is not None:
            raise failure
        return len(sent)

    async def _send(self, producer: AIOKafkaProducer, rows: Any) -> tuple[list[int], BaseException | None]:
        # One batch for each partition and round: a later message never overtakes an earlier one of its key.
        batches: dict[tuple[str, int], tuple[Any, list[int]]] = {}
        full: set[tuple[str, int]] = set()
        known = {topic: sorted(await producer.partitions_for(topic)) for topic in {row.topic for row in rows}}
        for row in rows:
            partitions = known[row.topic]
            target = (row.topic, partitions[(murmur2(row.key.encode()) & 0x7FFFFFFF) % len(partitions)])
            if target in full:
                continue
            if target not in batches:
                batches[target] = (producer.create_batch(), [])
            batch, ids = batches[target]
            headers = [(name, value.encode()) for name, value in orjson.loads(row.headers)]
            taken = batch.append(
                key=row.key.encode(),
                value=row.value,
                timestamp=int(row.created_at.timestamp() * 1000),
                headers=headers,
            )
            if taken is None:
                full.add(target)
            else:
                ids.append(row.id)
        sent: list[int] = []
        failure: BaseException | None = None
        waiting = []
        for (topic, partition), (batch, ids) in batches.items():
            waiting.append((await producer.send_batch(batch, topic, partition=partition), ids))
        for future, ids in waiting:
            try:
                await future
                sent += ids
            except Exception as error:
                failure = error
        return sent, failure

    async def health(self) -> str | None:
        """None when well (leading, or another replica leads)."""
        return None


async def depth(context: "Context") -> tuple[int, float]:
    """Rows that wait and the age of the oldest in seconds."""
    table = context.tables.outbox
    async with context.database.reading() as connection:
        count, oldest = (await connection.execute(select(func.count(), func.min(table.c.created_at)))).one()
    if oldest is None:
        return 0, 0.0
    return count, max(0.0, (context.clock() - oldest).total_seconds())


async def _stop(producer: AIOKafkaProducer) -> None:
    try:
        async with asyncio.timeout(STOP_SECONDS):
            await producer.stop()
    except Exception as error:
        log.warning("relay.stop_failed", cause=type(error).__name__)
        # aiokafka was waiting for a broker that is away, and does not stop a second time: end what it left running.
        for part in (producer._sender, producer.client):
            try:
                async with asyncio.timeout(STOP_SECONDS):
                    await part.close()
            except Exception as failure:
                log.warning("relay.stop_failed", part=type(part).__name__, cause=type(failure).__name__)


class _NotLeader(Exception):
    """Another process relays; try again later."""


class _Leadership:
    """Exclusive right to relay a service's outbox, held as long as this is entered."""

    def __init__(self, context: "Context") -> None:
        self.context = context
        self._file: int | None = None
        self._connection: asyncpg.Connection | None = None
        self._guard: asyncio.Task[Any] | None = None

    async def __aenter__(self) -> None:
        url = self.context.database.url
        if self.context.database.dialect == "sqlite":
            path = Path(f"{url.database}.relay")
            self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(self._file)
                self._file = None
                raise _NotLeader from None
            return
        connection = self._connection = await postgres.connect(url, 5)
        key = zlib.crc32(f"tongban-relay-{self.context.service}".encode())
        if not await connection.fetchval("SELECT pg_try_advisory_lock($1)", key):
            await connection.close()
            raise _NotLeader
        await connection.add_listener(channel_of(self.context), lambda *_: self.context.wake.event.set())
        # The lock lives and dies with this connection: whoever loses it must stop sending at once.
        task = asyncio.current_task()
        connection.add_termination_listener(lambda *_: self._lost(task))

    def _lost(self, task: asyncio.Task[Any] | None) -> None:
        if self._connection is not None and task is not None:
            self._connection = None
            log.warning("relay.lock_lost")
            self._interrupted = True
            task.cancel()

    _interrupted = False

    async def __aexit__(self, kind: Any, error: Any, trace: Any) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None
        connection, self._connection = self._connection, None
        if connection is not None:
            try:
                await connection.close(timeout=2)
            except Exception as failure:
                log.warning("relay.release_failed", cause=type(failure).__name__)
        task = asyncio.current_task()
        if self._interrupted and kind is asyncio.CancelledError and task is not None:
            task.uncancel()
            raise ConnectionError("the relay's lock was lost with its connection")
