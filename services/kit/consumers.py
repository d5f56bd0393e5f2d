"""Reading events: `@consumers.on(ItemPublished)` and the worker that feeds the handlers.

A fetched batch runs in one transaction with its inbox rows, then the offset is committed. If a handler fails, the batch
is done again one savepoint an event, and the failing event is parked (see `inbox`); if even that fails, one transaction
an event. If the database is away, the batch is tried again with back-off; nothing is acknowledged before its effect has
committed.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from aiokafka.errors import KafkaError
from faststream.kafka import KafkaBroker
from sqlalchemy import delete, select

from services.contracts.base import Envelope, EventData
from services.contracts.topics import all_topics
from services.kit import telemetry
from services.kit.broker import batch_subscriber
from services.kit.database import is_outage
from services.kit.db import UnitOfWork
from services.kit.errors import TongbanError
from services.kit.inbox import Inbox, Ledger, Message, State
from services.kit.progress import Progress, Stuck
from services.kit.telemetry import cause_of, log, metrics
from services.kit.testing import failpoint

if TYPE_CHECKING:
    from services.kit.service import Context

Received = Envelope
"""An event as a handler sees it: `.data` is the payload, `.subject` the aggregate, `.version` its version."""
Handler = Callable[[Envelope, Any], Awaitable[None]]
BATCH = 500
RETRY_POLL_SECONDS = 1.0
TOGETHER = {"postgresql": BATCH, "sqlite": 50}
"""Events of one transaction: SQLite has one writer, and requests wait for it meanwhile."""
KEEP_DONE_DAYS = 30
PRUNE_ROWS = 1000
WATCH_SECONDS = 2.0


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
        self.progress = Progress(context.service)

    async def run(self) -> None:
        broker = self._make_broker()
        prefix = self.context.settings.topic_prefix
        names = [prefix + topic for topic in self.consumers.topics]
        subscriber = batch_subscriber(broker, names, f"{prefix}{self.consumers.group}", BATCH)
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
                self.progress.end()
                await broker.stop()

    async def _take(self, records: Sequence[Any], kafka: Any) -> None:
        self.progress.took()
        await self.process([_read(record) for record in records])
        await failpoint("consumer.before_ack")
        try:
            await kafka.commit()
        except KafkaError as error:  # a rebalance, say: the inbox knows what comes again
            log.warning("consumer.commit_failed", cause=type(error).__name__)
        self.progress.done()

    async def process(self, messages: Sequence[Message]) -> None:
        """Handle a batch; returns once all of it is done or parked."""
        size = TOGETHER[self.context.database.dialect]
        for first in range(0, len(messages), size):
            await self._process(messages[first : first + size])

    async def _process(self, messages: Sequence[Message]) -> None:
        delay = 0.1
        while True:
            try:
                await self._in_some_way(messages)
                break
            except Exception as error:
                if not is_outage(error):
                    raise
                metrics.retries.labels(self.context.service).inc()
                log.warning("consumer.outage", cause=type(error).__name__, retry_seconds=delay)
                self.progress.alive()
                await asyncio.sleep(delay)
                delay = min(delay * 2, 5.0)

    async def _in_some_way(self, messages: Sequence[Message]) -> None:
        for way in (self._together, self._one_by_one):
            try:
                await way(messages)
                return
            except Exception as error:
                if is_outage(error):
                    raise
                log.warning("consumer.batch_failed", cause=cause_of(error))
        await self._each_alone(messages)

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
                        await work.flush()
                except Exception as error:
                    if is_outage(error):
                        raise
                    ledger.versions = before
                    await self._park(box, ledger, message, "waiting", error)
            await box.save_versions(ledger)
            await failpoint("consumer.before_commit")

    async def _each_alone(self, messages: Sequence[Message]) -> None:
        """The last resort, when what fails does so where no savepoint catches it (at the commit, say)."""
        for message in messages:
            try:
                await self._one_by_one([message])
            except Exception as error:
                if is_outage(error):
                    raise
                async with self._make_work() as work:
                    await self._park(Inbox(work, self.consumers.group), Ledger(), message, "dead", error)

    async def _one(self, work: UnitOfWork, box: Inbox, ledger: Ledger, message: Message, new: set[str]) -> None:
        self.progress.alive()
        if message.heading is None:
            await self._bury(box, ledger, message)
            return
        if message.event is not None:
            if message.event.id not in new:
                self._count(box, message, "repeated")
                return
            new.discard(message.event.id)
        verdict, state, cause = box.judge(message, ledger)
        if verdict != "skip" and message.problem is not None:
            await self._bury(box, ledger, message)
        elif verdict == "park":
            await box.park(message, state, cause)
            ledger.hold(message)
            self._count(box, message, "parked")
            if state == "gap":
                log.error("consumer.gap", topic=message.topic, key=message.key, cause=cause)
        elif message.event is None and message.problem is None:
            self._count(box, message, "unknown")
            if verdict == "do":
                ledger.versions[message.at] = message.heading.version
        elif verdict == "do" and message.event is not None:
            await self._handle(work, message.event)
            ledger.versions[message.at] = message.heading.version
            self._count(box, message, "done")
        else:
            self._count(box, message, "repeated")

    async def _bury(self, box: Inbox, ledger: Ledger, message: Message) -> None:
        await box.park(message, "dead", message.problem or "cannot be decoded")
        ledger.hold(message)
        self._count(box, message, "dead")
        log.error("consumer.undecodable", topic=message.topic, offset=message.offset, cause=message.problem)

    async def _handle(self, work: UnitOfWork, event: Envelope) -> None:
        telemetry.begin_trace(event.traceparent)
        for handler in self.consumers.handlers(event):
            await handler(event, work)

    async def _park(self, box: Inbox, ledger: Ledger, message: Message, state: State, error: Exception) -> None:
        await box.park(message, state, _cause(error))
        ledger.hold(message)
        self._count(box, message, "parked")
        log.error("consumer.parked", topic=message.topic, key=message.key, state=state, cause=_cause(error))

    def _count(self, box: Inbox, message: Message, result: str) -> None:
        box.work.after_commit(metrics.consumed.labels(self.context.service, message.topic, result).inc)

    async def _retry_parked(self) -> None:
        while True:
            came_on = False
            try:
                async with self._reading() as work:
                    messages = await Inbox(work, self.consumers.group).due(work.now())
                for message in messages:
                    try:
                        came_on = await self._retry(message) or came_on
                    except Exception as error:
                        # Counted in a transaction of its own; when that fails too, the database is away.
                        await self._failed_again(message, error)
            except Exception as error:
                log.warning("consumer.retry_failed", cause=type(error).__name__)
            if not came_on:
                await asyncio.sleep(RETRY_POLL_SECONDS)

    def _reading(self) -> UnitOfWork:
        work = self._make_work()
        work.readonly = True
        return work

    async def _retry(self, message: Message) -> bool:
        """Try a parked message again. False when another process has it in hand."""
        async with self._make_work() as work:
            box = Inbox(work, self.consumers.group)
            row = await box.locked(message)
            if row is None:
                return False
            if message.heading is None or message.problem is not None:
                await box.postpone(row, message.problem or "cannot be decoded", state="dead")
                return True
            ledger = await box.ledger([message])
            ledger.held.clear()
            verdict, state, cause = box.judge(message, ledger)
            if verdict == "park":
                await box.postpone(row, cause, state=state)
                return True
            if verdict == "do":
                if message.event is not None:
                    await self._handle(work, message.event)
                ledger.versions[message.at] = message.heading.version
                await box.save_versions(ledger)
            await box.unpark(message)
        return True

    async def _failed_again(self, message: Message, error: Exception) -> None:
        async with self._make_work() as work:
            box = Inbox(work, self.consumers.group)
            row = await box.locked(message)
            if row is not None:
                state = await box.postpone(row, _cause(error))
                log.error("consumer.retry_parked", key=message.key, state=state, cause=_cause(error))

    async def _prune(self) -> None:
        while True:
            await asyncio.sleep(600)
            try:
                await self.prune()
            except Exception as error:
                log.warning("consumer.prune_failed", cause=type(error).__name__)

    async def prune(self) -> None:
        """Forget the ids of events done long ago, some at a time so that nobody waits for it."""
        done = self.context.tables.inbox.done
        mine = done.c.consumer == self.consumers.group
        count = PRUNE_ROWS
        while count == PRUNE_ROWS:
            async with self._make_work() as work:
                limit = work.now() - timedelta(days=KEEP_DONE_DAYS)
                old = select(done.c.event_id).where(mine, done.c.done_at < limit).limit(PRUNE_ROWS)
                count = len(
                    (
                        await work.execute(
                            delete(done).where(mine, done.c.event_id.in_(old)).returning(done.c.event_id)
                        )
                    ).all()
                )

    async def _watch(self) -> None:
        """Measure lag; end with Stuck when nothing moves any more, so that the worker is begun anew."""
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            await self.watch()

    async def watch(self) -> None:
        """Measure lag and progress. Raises Stuck."""
        kafka = getattr(self._subscriber, "consumer", None)
        if kafka is None:
            return
        await self.progress.measure(kafka)
        trouble = self._trouble()
        if trouble:
            raise Stuck(trouble)

    def _trouble(self) -> str | None:
        # FastStream appends a new task where one failed: only the last one counts.
        tasks = getattr(self._subscriber, "tasks", [])
        return "the reading task has ended" if tasks and tasks[-1].done() else self.progress.trouble()

    async def health(self) -> str | None:
        """None when well, else what is wrong."""
        if self._subscriber is None:
            return "not started"
        if getattr(self._subscriber, "consumer", None) is None:
            return "not connected"
        return self._trouble()


def _cause(error: BaseException) -> str:
    # A message may quote values of the event: only our own errors' words are kept, else the type.
    return f"{error.slug}: {error.detail}" if isinstance(error, TongbanError) else type(error).__name__


def _read(record: Any) -> Message:
    return Message.of(record.topic, record.partition, record.offset, record.key, record.headers, record.value)
