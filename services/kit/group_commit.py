"""Group commit: small independent writes that come at the same time share one transaction.

    group = GroupCommit(lambda: Work(context))
    answer = await group.run(lambda work: submit(work, …))     # returned once its transaction has committed

A transaction alone costs a dozen turns between service and database and a flush to disk; under load many share them.
Nobody is waited for: what comes while a transaction runs goes into the next.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from contextvars import Context, copy_context
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from services.kit.db import UnitOfWork
from services.kit.telemetry import cause_of, log

W = TypeVar("W", bound=UnitOfWork)
T = TypeVar("T")
MOST = 64
"""Jobs of one transaction: a long one would keep the locks of its first jobs, and SQLite's one writer, too long."""


@dataclass(eq=False, slots=True)
class _Job:
    act: Callable[[Any], Awaitable[Any]]
    outcome: asyncio.Future[Any]
    context: Context = field(default_factory=copy_context)
    """The caller's, with the trace that its events and audit records carry."""

    async def run(self, work: UnitOfWork) -> Any:
        return await asyncio.get_running_loop().create_task(self._awaited(work), context=self.context)

    async def _awaited(self, work: UnitOfWork) -> Any:
        return await self.act(work)


class GroupCommit(Generic[W]):
    """Runs jobs of one process in shared transactions, one job after the other in each."""

    def __init__(self, make_work: Callable[[], W]) -> None:
        self._make_work = make_work
        self._waiting: deque[_Job] = deque()
        self._leader: asyncio.Task[None] | None = None

    async def run(self, act: Callable[[W], Awaitable[T]]) -> T:
        """What `act` returns, after its commit; raises what it raises, with nothing of it written.

        A job that raises undoes the whole group, whose jobs are then run one by one: so `act` may be called twice and
        must do nothing outside its unit of work that a second call would do again. What is likely to be refused had
        better go alone.
        """
        job = _Job(act, asyncio.get_running_loop().create_future())
        self._waiting.append(job)
        if self._leader is None:
            self._leader = asyncio.create_task(self._lead(), context=Context())
        return await job.outcome  # type: ignore[no-any-return]

    async def _lead(self) -> None:
        try:
            while self._waiting:
                group = [self._waiting.popleft() for _ in range(min(MOST, len(self._waiting)))]
                try:
                    await self._commit(group)
                finally:
                    for job in group:  # only when this task was cancelled
                        job.outcome.cancel()
        finally:
            # In the same step in which nothing was found waiting: a callback would run later than the caller whose
            # job is done, who may bring the next one and would leave it to a leader that is gone.
            self._leader = None

    async def _commit(self, group: list[_Job]) -> None:
        if len(group) > 1:
            try:
                async with self._make_work() as work:
                    work.in_group = True
                    answers = [await job.run(work) for job in group]
            except Exception as error:
                log.info("group_commit.one_by_one", jobs=len(group), cause=cause_of(error))
            else:
                for job, answer in zip(group, answers, strict=True):
                    _settle(job, answer)
                return
        for job in group:
            try:
                async with self._make_work() as work:
                    answer = await job.run(work)
            except Exception as error:
                _settle(job, error=error)
            else:
                _settle(job, answer)


def _settle(job: _Job, answer: Any = None, error: Exception | None = None) -> None:
    if job.outcome.done():  # its caller has gone
        return
    if error is None:
        job.outcome.set_result(answer)
    else:
        job.outcome.set_exception(error)
