"""Reading events: `@consumers.on(ItemPublished)` and the worker that feeds the handlers.

A fetched batch runs in one transaction with its inbox rows, then the offset is committed. If a handler fails, the batch
is done again one savepoint an event, and the failing event is parked (see `inbox`). If the database is away, the batch
is tried again with back-off; nothing is acknowledged before its effect has committed.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from aiokafka.errors import KafkaError
from faststream import AckPolicy
from faststream.kafka import KafkaBroker
from faststream.kafka.message import FAKE_CONSUMER, KafkaMessage
from sqlalchemy import delete, func, select

from services.contracts.base import Envelope, EventData
from services.contracts.topics import all_topics
from services.kit import telemetry
from services.kit.db import UnitOfWork, is_outage
from services.kit.errors import TongbanError
from services.kit.inbox import Inbox, Ledger, Message
from services.kit.telemetry import log, metrics
from services.kit.testing import failpoint

if TYPE_CHECKING:
    from services.kit.service import Context

Received = Envelope
"""An event as a handler sees it: `.data` is the payload, `.subject` the aggregate, `.version` its version."""
Handler = Callable[[Envelope, Any], Awaitable[None]]
BATCH = 500
TOGETHER = {"postgresql": BATCH, "sqlite": 50}
"""Events of one transaction: SQLite has one writer, and requests wait for it meanwhile."""
KEEP_DONE_DAYS = 30


@dataclass
class Consumers:
    """The handlers of one service's consumer group."""

    group: str
    by_type: dict[str, list[Handler]] = field(default_factory=dict)
    by_topic: dict[str, list[Handler]] = field(default_factory=dict)

    def on(self, model: type[EventData]) -> Callable[[Handler], Handler]:
        """Handle events of one type."""

        def register(handler: Handler) -> Handler:
            self.by_type.setdefault(model.event_type, []).append(handler)
            return handler

        return register

    def on_topic(self, topic: str) -> Callable[[Handler], Handler]:
        """Handle every event of a topic."""

        def register(handler: Handler) -> Handler:
            self.by_topic.setdefault(topic, []).append(handler)
            return handler

        return register

    @property
    def topics(self) -> list[str]:
        """Topics that some handler needs, by contract name."""
        wanted = set(self.by_topic)
        wanted |= {t.topic for t in all_topics().values() for e in t.events if e.event_type in self.by_type}
        return sorted(wanted)

    def handlers(self, event: Envelope) -> list[Handler]:
        return self.by_topic.get(event.topic, []) + self.by_type.get(event.type, [])


class Consumer:
    """The worker that reads a service's topics. `run` until cancelled."""

    name = "consumer"

    def __init__(
        self,
        context: "Context",
        consumers: Consumers,
        make_broker: Callable[[], KafkaBroker],
        make_work: Callable[[], UnitOfWork],
    ) -> None:
        self.context = context
        self.consumers = consumers
        self._make_broker = make_broker
        self._make_work = make_work
        self._subscriber: Any = None
        self._moved_at = 0.0
        self._lagging_since: float | None = None
        self._positions: dict[Any, int] = {}

    async def run(self) -> None:
        broker = self._make_broker()
        prefix = self.context.settings.topic_prefix
        subscriber = broker.subscriber(
            *[prefix + topic for topic in self.consumers.topics],
            group_id=f"{prefix}{self.consumers.group}",
            batch=True,
            max_records=BATCH,
            batch_timeout_ms=500,
            fetch_max_wait_ms=500,
            auto_offset_reset="earliest",
            ack_policy=AckPolicy.MANUAL,
            parser=_parse,
            decoder=_decode,
        )
        broken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        ended = asyncio.Event()

        @subscriber
        async def read(records: Sequence[Any]) -> None:
            try:
                await self._take(records, subscriber.consumer)
            except Exception as error:
                # FastStream would log it and fetch on, and the next commit would pass this batch over: read no further,
                # end, and be begun anew from what was committed.
                if not broken.done():
                    broken.set_exception(error)
                await ended.wait()

        self._subscriber = subscriber
        async with asyncio.TaskGroup() as group:
            try:
                async with asyncio.timeout(30):
                    await broker.start()
                group.create_task(self._retry_parked())
                group.create_task(self._watch())
                group.create_task(self._prune())
                await broken
            finally:
                ended.set()
                self._subscriber = None
                await broker.stop()

    async def _take(self, records: Sequence[Any], kafka: Any) -> None:
        await self.process([_read(record) for record in records])
        await failpoint("consumer.before_ack")
        try:
            await kafka.commit()
        except KafkaError as error:  # a rebalance, say: the inbox knows what comes again
            log.warning("consumer.commit_failed", cause=type(error).__name__)

    async def process(self, messages: Sequence[Message]) -> None:
        """Handle a batch; returns once all of it is done or parked."""
        size = TOGETHER[self.context.database.dialect]
        for first in range(0, len(messages), size):
            await self._process(messages[first : first + size])

    async def _process(self, messages: Sequence[Message]) -> None:
        delay = 0.1
        while True:
            try:
                try:
                    await self._together(messages)
                except Exception as error:
                    if is_outage(error):
                        raise
                    await self._one_by_one(messages)
                break
            except Exception as error:
                if not is_outage(error):
                    raise
                metrics.retries.labels(self.context.service).inc()
                log.warning("consumer.outage", cause=type(error).__name__, retry_seconds=delay)
                await asyncio.sleep(delay)
                delay = min(delay * 2, 5.0)

    async def _together(self, messages: Sequence[Message]) -> None:
        async with self._make_work() as work:
            box = Inbox(work, self.consumers.group)
            ledger, new = await box.open(messages)
            for message in messages:
                await self._one(work, box, ledger, message, new)
            await box.save_versions(ledger)
            await failpoint("consumer.before_commit")
        await failpoint("consumer.after_commit")

    async def _one_by_one(self, messages: Sequence[Message]) -> None:
        async with self._make_work() as work:
            box = Inbox(work, self.consumers.group)
            ledger, new = await box.open(messages)
            for message in messages:
                before = dict(ledger.versions)
                try:
                    async with work:
                        await self._one(work, box, ledger, message, new)
                except Exception as error:
                    if is_outage(error):
                        raise
                    ledger.versions = before
                    await self._park(work, box, ledger, message, error)
            await box.save_versions(ledger)
            await failpoint("consumer.before_commit")

    async def _one(self, work: UnitOfWork, box: Inbox, ledger: Ledger, message: Message, new: set[str]) -> None:
        if message.passed_over:
            self._count(message, "unknown")
            return
        place = (message.topic, message.key)
        if message.event is None:
            await box.park(message, "dead", message.problem or "cannot be decoded")
            ledger.held.setdefault(place, 0)
            self._count(message, "dead")
            log.error("consumer.undecodable", topic=message.topic, offset=message.offset, cause=message.problem)
            return
        if message.event.id not in new:
            self._count(message, "repeated")
            return
        new.discard(message.event.id)
        verdict, state, cause = box.judge(message, ledger)
        if verdict == "park":
            await box.park(message, state, cause)
            ledger.held[place] = min(ledger.held.get(place, message.event.version), message.event.version)
            self._count(message, "parked")
            if state == "gap":
                log.error("consumer.gap", topic=message.topic, key=message.key, cause=cause)
            return
        if verdict == "do":
            await self._handle(work, message.event)
            ledger.versions[place] = message.event.version
        self._count(message, "done" if verdict == "do" else "repeated")

    async def _handle(self, work: UnitOfWork, event: Envelope) -> None:
        telemetry.begin_trace(event.traceparent)
        for handler in self.consumers.handlers(event):
            await handler(event, work)

    async def _park(self, work: UnitOfWork, box: Inbox, ledger: Ledger, message: Message, error: Exception) -> None:
        event = message.event
        await box.park(message, "waiting", _cause(error))
        ledger.held[message.topic, message.key] = event.version if event else 0
        self._count(message, "parked")
        log.error("consumer.parked", topic=message.topic, key=message.key, cause=_cause(error))

    def _count(self, message: Message, result: str) -> None:
        metrics.consumed.labels(self.context.service, message.topic, result).inc()

    async def _retry_parked(self) -> None:
        while True:
            try:
                async with self._reading() as work:
                    messages = await Inbox(work, self.consumers.group).due(work.now())
                for message in messages:
                    await self._retry(message)
                if messages:
                    continue
            except Exception as error:
                log.warning("consumer.retry_failed", cause=type(error).__name__)
            await asyncio.sleep(0.5)

    def _reading(self) -> UnitOfWork:
        work = self._make_work()
        work.readonly = True
        return work

    async def _retry(self, message: Message) -> None:
        async with self._make_work() as work:
            box = Inbox(work, self.consumers.group)
            row = await box.locked(message)
            if row is None:
                return
            if message.passed_over:
                await box.unpark(message)
                return
            if message.event is None:
                await box.postpone(row, message.problem or "cannot be decoded", state="dead")
                return
            ledger = await box.ledger([message])
            ledger.held.clear()
            verdict, state, cause = box.judge(message, ledger)
            if verdict == "park":
                await box.postpone(row, cause, state=state)
                return
            try:
                if verdict == "do":
                    async with work:
                        await self._handle(work, message.event)
                    ledger.versions[message.topic, message.key] = message.event.version
                    await box.save_versions(ledger)
                await box.unpark(message)
            except Exception as error:
                if is_outage(error):
                    raise
                state = await box.postpone(row, _cause(error))
                log.error("consumer.retry_parked", key=message.key, state=state, cause=_cause(error))

    async def _prune(self) -> None:
        done = self.context.tables.inbox.done
        while True:
            await asyncio.sleep(600)
            try:
                async with self._make_work() as work:
                    limit = work.now() - timedelta(days=KEEP_DONE_DAYS)
                    old = select(done.c.event_id).where(done.c.done_at < limit).limit(1000)
                    await work.execute(
                        delete(done).where(done.c.consumer == self.consumers.group, done.c.event_id.in_(old))
                    )
            except Exception as error:
                log.warning("consumer.prune_failed", cause=type(error).__name__)

    async def _watch(self) -> None:
        """Measure lag and progress; aiokafka has no signal of its own for a stuck consumer."""
        while True:
            await asyncio.sleep(2)
            await self.measure()

    async def measure(self) -> None:
        kafka = getattr(self._subscriber, "consumer", None)
        if kafka is None:
            return
        lagging, moved = False, False
        for partition in kafka.assignment():
            high = kafka.highwater(partition)
            position = None
            with contextlib.suppress(Exception):  # not known before the first fetch
                position = await asyncio.wait_for(kafka.position(partition), 1)
            if position is None:
                continue
            moved = moved or self._positions.get(partition) != position
            self._positions[partition] = position
            if high is not None:
                lag = max(0, high - position)
                lagging = lagging or lag > 0
                labels = (self.context.service, partition.topic, str(partition.partition))
                metrics.consumer_lag.labels(*labels).set(lag)
        now = asyncio.get_running_loop().time()
        if not lagging or moved:
            self._lagging_since = None
        elif self._lagging_since is None:
            self._lagging_since = now

    async def health(self) -> str | None:
        """None when well, else what is wrong."""
        if self._subscriber is None:
            return "not started"
        if getattr(self._subscriber, "consumer", None) is None:
            return "not connected"
        if any(task.done() for task in getattr(self._subscriber, "tasks", [])):
            return "the reading task has ended"
        if self._lagging_since and asyncio.get_running_loop().time() - self._lagging_since > 60:
            return "behind and not moving for 60 s"
        return None


async def parked_counts(context: "Context") -> dict[str, int]:
    """Parked events by state."""
    parked = context.tables.inbox.parked
    async with context.database.engine.connect() as connection:
        if context.database.dialect == "sqlite":
            await connection.execution_options(readonly=True)
        rows = await connection.execute(select(parked.c.state, func.count()).group_by(parked.c.state))
        found = {row[0]: row[1] for row in rows}
    return {state: found.get(state, 0) for state in ("waiting", "behind", "gap", "dead")}


def _cause(error: BaseException) -> str:
    # A message may quote values of the event: only our own errors' words are kept, else the type.
    return f"{error.slug}: {error.detail}" if isinstance(error, TongbanError) else type(error).__name__


async def _parse(records: Any) -> KafkaMessage:
    """The batch as it came: FastStream's parser fails on a header that is not UTF-8, and the batch would be lost."""
    return KafkaMessage(raw_message=records, body=records, consumer=FAKE_CONSUMER)


async def _decode(message: Any) -> Any:
    return message.raw_message


def _read(record: Any) -> Message:
    return Message.of(record.topic, record.partition, record.offset, record.key, record.headers, record.value)
