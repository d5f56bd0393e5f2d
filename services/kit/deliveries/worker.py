"""The worker that delivers: claims what is due, sends it, records what came of it.

Rows are claimed with a lease, so that several processes share the work and a dead one's part is taken up. For each
endpoint and key only the oldest waiting content is ever claimed; an endpoint has its own cap and its own circuit, so
that a slow or dead one costs the others nothing.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, delete, exists, func, or_, select, update

from services.kit.deliveries import book
from services.kit.deliveries.outbound import Outbound, OutboundFailed
from services.kit.deliveries.outcome import Result, record
from services.kit.deliveries.rules import Policy, Verdict, judge, retry_after
from services.kit.deliveries.types import Builder, Outgoing, Owner
from services.kit.ids import new_id
from services.kit.telemetry import begin_trace, cause_of, log, metrics, traceparent
from services.kit.testing import failpoint

if TYPE_CHECKING:
    from services.kit.db import UnitOfWork
    from services.kit.service import Context

AT_ONCE = 256
"""Attempts that one process makes at a time, over all endpoints."""


@dataclass(frozen=True, slots=True)
class _Claim:
    row: Any
    url: str
    lease: str


class Deliveries:
    """One service's deliveries. `run` until cancelled."""

    name = "deliveries"

    def __init__(
        self,
        context: "Context",
        *,
        make_work: "Callable[[], UnitOfWork]",
        builders: Mapping[str, Builder],
        owner: Owner | None = None,
        policy: Policy | None = None,
    ) -> None:
        self.context = context
        self.policy = policy or Policy()
        self._make_work = make_work
        self._builders = builders
        self._owner = owner or Owner()
        self._outbound = Outbound(context.settings, timeout=self.policy.timeout)
        self._running: set[asyncio.Task[None]] = set()
        self._failing = ""
        self._round = 0

    async def run(self) -> None:
        measuring = asyncio.create_task(self._measure())
        delay = 0.1
        try:
            while True:
                self.context.delivering.clear()
                try:
                    claimed = await self.claim()
                    self._failing, delay = "", 0.1
                except Exception as error:
                    self._failing = type(error).__name__
                    log.warning("deliveries.claim_failed", cause=cause_of(error), retry_seconds=delay)
                    await asyncio.sleep(delay)
                    delay = min(delay * 2, 5.0)
                    continue
                for claim in claimed:
                    task = asyncio.create_task(self._deliver(claim))
                    self._running.add(task)
                    task.add_done_callback(self._running.discard)
                if not claimed:
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(self.policy.poll):
                            await self.context.delivering.wait()
        finally:
            measuring.cancel()
            for task in self._running:
                task.cancel()
            await asyncio.gather(measuring, *self._running, return_exceptions=True)
            await self._outbound.close()

    async def health(self) -> str | None:
        """None when well, else what is wrong."""
        return f"cannot claim ({self._failing})" if self._failing else None

    def _reading(self) -> "UnitOfWork":
        work = self._make_work()
        work.readonly = True
        return work

    # Claiming.

    async def claim(self) -> list[_Claim]:
        """Take what is due, in one transaction. Empty when there is nothing or no room."""
        room = AT_ONCE - len(self._running)
        if room <= 0:
            return []
        reading = self._reading()
        async with reading:
            ready = await self._ready(reading)
        if not ready:
            return []
        self._round += 1
        turn = self._round % len(ready)
        claimed: list[_Claim] = []
        async with self._make_work() as work:
            for endpoint_id in ready[turn:] + ready[:turn]:
                claimed += await self._claim_from(work, endpoint_id, room - len(claimed))
                if len(claimed) >= room:
                    break
        return claimed

    async def _ready(self, work: "UnitOfWork") -> list[str]:
        tables = book.tables_of(work)
        points, waiting = tables.endpoints, tables.deliveries
        now = work.now()
        something = exists().where(
            waiting.c.endpoint_id == points.c.id,
            waiting.c.state == "waiting",
            or_(points.c.probe_at.is_not(None), waiting.c.due_at <= now),
            or_(waiting.c.leased_until.is_(None), waiting.c.leased_until < now),
        )
        open_ = or_(points.c.probe_at.is_(None), points.c.probe_at <= now)
        statement = select(points.c.id).where(points.c.state == "active", open_, something).order_by(points.c.id)
        return list((await work.execute(statement)).scalars())

    async def _claim_from(self, work: "UnitOfWork", endpoint_id: str, room: int) -> list[_Claim]:
        tables = book.tables_of(work)
        points, waiting = tables.endpoints, tables.deliveries
        older = waiting.alias("older")
        now = work.now()
        # The endpoint's row is the lock under which its contents are counted and claimed; FOR NO KEY UPDATE, so that
        # whoever queues meanwhile (and holds it by foreign key) is neither waited for nor a reason to pass it over.
        statement = select(points).where(points.c.id == endpoint_id, points.c.state == "active")
        point = (await work.execute(statement.with_for_update(skip_locked=True, key_share=True))).one_or_none()
        if point is None or (point.probe_at is not None and point.probe_at > now):
            return []
        mine = and_(waiting.c.endpoint_id == endpoint_id, waiting.c.state == "waiting")
        busy = select(func.count()).where(mine, waiting.c.leased_until >= now)
        free = min(room, point.max_in_flight - (await work.execute(busy)).scalar_one())
        if point.probe_at is not None:
            free = min(free, 1)
        if free <= 0:
            return []
        head = ~exists().where(
            older.c.endpoint_id == endpoint_id,
            older.c.state == "waiting",
            older.c.order_key == waiting.c.order_key,
            older.c.id < waiting.c.id,
        )
        due = select(waiting).where(mine, head, or_(waiting.c.leased_until.is_(None), waiting.c.leased_until < now))
        if point.probe_at is None:
            due = due.where(waiting.c.due_at <= now).order_by(waiting.c.id)
        else:
            # The probe is for the endpoint: one content that it cannot take must not stand for all the others.
            due = due.order_by(waiting.c.attempts, waiting.c.id)
        rows = (await work.execute(due.limit(free))).all()
        if not rows:
            return []
        lease = new_id()
        taken = {"lease": lease, "leased_until": now + timedelta(seconds=self.policy.lease)}
        await work.execute(update(waiting).where(waiting.c.id.in_([row.id for row in rows])).values(taken))
        if point.probe_at is not None:
            later = now + timedelta(seconds=self.policy.probe)
            await work.execute(update(points).where(points.c.id == endpoint_id).values(probe_at=later))
        return [_Claim(row, point.url, lease) for row in rows]

    # Sending.

    async def _deliver(self, claim: _Claim) -> None:
        begin_trace(claim.row.traceparent)
        began = time.perf_counter()
        try:
            result = await self._attempt(claim)
        except asyncio.CancelledError:
            await self._give_back(claim)
            raise
        seconds = time.perf_counter() - began
        metrics.delivery_seconds.labels(self.context.service, result.verdict.value).observe(seconds)
        await failpoint("deliveries.before_record")
        await self._record(claim, result, int(seconds * 1000))
        self.context.delivering.set()

    async def _attempt(self, claim: _Claim) -> Result:
        row, now = claim.row, self.context.clock()
        names = ("endpoint_id", "order_key", "event_id", "body", "content_type", "traceparent")
        outgoing = Outgoing(**{name: getattr(row, name) for name in names}, attempt=row.attempts + 1, now=now)
        try:
            reading = self._reading()
            async with reading:
                content = await self._builders[row.builder](reading, outgoing)
        except Exception as error:
            log.error("deliveries.cannot_build", endpoint=row.endpoint_id, builder=row.builder, cause=cause_of(error))
            return Result(Verdict.REJECTED, None, "cannot-be-built", now)
        headers = {"content-type": row.content_type, "traceparent": traceparent()}
        headers |= {name.lower(): value for name, value in content.headers.items()}
        try:
            answer = await self._outbound.send("POST", claim.url, headers, content.body)
            verdict = judge(answer.status)
            if verdict is Verdict.DELIVERED:
                return Result(verdict, answer.status, "", now)
            wait = retry_after(answer.headers.get("retry-after"), self.context.clock())
            return Result(verdict, answer.status, f"HTTP {answer.status}", now, wait)
        except OutboundFailed as error:
            return Result(Verdict.FAILED, None, error.cause, now)
        except Exception as error:
            # An attempt that goes unrecorded would be made again with each lease, and no circuit would ever open.
            log.error("deliveries.attempt_broke", endpoint=row.endpoint_id, cause=cause_of(error))
            return Result(Verdict.FAILED, None, "error", now)

    async def _record(self, claim: _Claim, result: Result, milliseconds: int) -> None:
        # What cannot be recorded is sent again when its lease ends: twice rather than never.
        delay = 0.2
        for _ in range(6):
            try:
                async with self._make_work() as work:
                    await record(work, self.policy, self._owner, claim.row, claim.lease, result, milliseconds)
                return
            except Exception as error:
                log.warning("deliveries.record_failed", endpoint=claim.row.endpoint_id, cause=cause_of(error))
                await asyncio.sleep(delay)
                delay *= 2

    async def _give_back(self, claim: _Claim) -> None:
        with contextlib.suppress(Exception):
            async with asyncio.timeout(1), self._make_work() as work:
                table = book.tables_of(work).deliveries
                held = and_(table.c.id == claim.row.id, table.c.lease == claim.lease)
                await work.execute(update(table).where(held).values(lease=None, leased_until=None))

    # Housekeeping.

    async def _measure(self) -> None:
        while True:
            try:
                await self.measure()
                await self._prune()
            except Exception as error:
                log.warning("deliveries.measure_failed", cause=cause_of(error))
            await asyncio.sleep(15)

    async def measure(self) -> None:
        """Set the gauges."""
        reading = self._reading()
        async with reading:
            found = await book.counts(reading)
            points = book.tables_of(reading).endpoints
            open_ = select(func.count()).where(points.c.state == "active", points.c.probe_at.is_not(None))
            circuits = (await reading.execute(open_)).scalar_one()
        for state, count in found.items():
            metrics.deliveries.labels(self.context.service, state).set(count)
        metrics.circuits_open.labels(self.context.service).set(circuits)

    async def _prune(self) -> None:
        reading = self._reading()
        table = book.tables_of(reading).deliveries
        limit = reading.now() - timedelta(days=self.policy.keep_days)
        old = select(table.c.id).where(table.c.state == "delivered", table.c.finished_at < limit).limit(1000)
        async with reading:
            ids = list((await reading.execute(old)).scalars())
        if ids:
            async with self._make_work() as work:
                await work.execute(delete(table).where(table.c.id.in_(ids), table.c.state == "delivered"))
