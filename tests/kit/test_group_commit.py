"""Group commit: many jobs, one transaction; what fails harms nobody else."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import func, insert, select

from services.kit import telemetry
from services.kit.audit import AuditEntry
from services.kit.db import UnitOfWork
from services.kit.errors import Invalid
from services.kit.group_commit import MOST, GroupCommit
from services.kit.idempotency import KeyReused, once
from services.kit.service import Context
from tests.kit.conftest import EFFECTS


class Counted(UnitOfWork):
    """Counts transactions."""

    begun: int = 0

    async def __aenter__(self) -> Any:
        type(self).begun += not self._depth
        return await super().__aenter__()


@pytest.fixture
def group(context: Context) -> GroupCommit[UnitOfWork]:
    Counted.begun = 0
    return GroupCommit(lambda: Counted(context))


def adding(name: str) -> Any:
    async def act(work: UnitOfWork) -> str:
        work.add(EFFECTS, {"event_id": name, "key": name, "version": 1})
        return name

    return act


async def names(context: Context) -> list[str]:
    async with UnitOfWork(context, readonly=True) as work:
        return sorted((await work.execute(select(EFFECTS.c.event_id))).scalars())


async def test_jobs_that_come_together_share_transactions(group: GroupCommit[UnitOfWork], context: Context) -> None:
    wanted = [f"{number:03}" for number in range(MOST * 3)]
    assert await asyncio.gather(*(group.run(adding(name)) for name in wanted)) == wanted
    assert await names(context) == wanted
    assert Counted.begun == 3


async def test_one_that_raises_is_told_and_the_others_are_written(
    group: GroupCommit[UnitOfWork], context: Context
) -> None:
    async def refuse(work: UnitOfWork) -> None:
        work.add(EFFECTS, {"event_id": "refused", "key": "refused", "version": 1})
        raise Invalid("no")

    async def break_it(work: UnitOfWork) -> None:
        await work.execute(insert(EFFECTS), {"event_id": None, "key": "broken", "version": 1})

    jobs = [adding("a"), refuse, adding("b"), break_it, adding("c")]
    answers = await asyncio.gather(*(group.run(job) for job in jobs), return_exceptions=True)
    assert [answers[0], answers[2], answers[4]] == ["a", "b", "c"]
    assert isinstance(answers[1], Invalid)
    assert isinstance(answers[3], Exception)
    assert await names(context) == ["a", "b", "c"]


async def test_a_key_used_twice_in_one_group_takes_effect_once(
    group: GroupCommit[UnitOfWork], context: Context
) -> None:
    def submitting(key: str, name: str) -> Any:
        async def act(work: UnitOfWork) -> Any:
            async def add() -> str:
                return str(await adding(name)(work))

            return await once(work, caller="c", key=key, request="same", act=add, keep=str, answer=name)

        return act

    jobs = [submitting("k1", "first"), submitting("k2", "other"), submitting("k1", "second")]
    answers = await asyncio.gather(*(group.run(job) for job in jobs))
    assert answers == [("first", False), ("other", False), ("first", True)]
    assert await names(context) == ["first", "other"]

    async def another(work: UnitOfWork) -> Any:
        return await once(work, caller="c", key="k1", request="other", act=None, keep=str, answer="x")  # type: ignore[arg-type]

    told = await asyncio.gather(*(group.run(job) for job in (adding("d"), another)), return_exceptions=True)
    assert told[0] == "d"
    assert isinstance(told[1], KeyReused)


async def test_each_job_keeps_the_trace_of_its_caller(group: GroupCommit[UnitOfWork], context: Context) -> None:
    async def call(number: int) -> str:
        telemetry.begin_trace()

        async def act(work: UnitOfWork) -> None:
            work.audit(AuditEntry(f"actor-{number}", "did", "thing", "1"))

        await group.run(act)
        return telemetry.trace_id()

    traces = await asyncio.gather(*(call(number) for number in range(5)))
    audit = context.tables.audit.audit
    async with UnitOfWork(context, readonly=True) as work:
        rows = (await work.execute(select(audit.c.actor, audit.c.trace_id).order_by(audit.c.actor))).all()
    assert [tuple(row) for row in rows] == [(f"actor-{number}", trace) for number, trace in enumerate(traces)]


async def test_a_caller_that_has_gone_stops_nobody(group: GroupCommit[UnitOfWork], context: Context) -> None:
    gone = asyncio.create_task(group.run(adding("gone")))
    others = [asyncio.create_task(group.run(adding(name))) for name in ("a", "b")]
    await asyncio.sleep(0)
    gone.cancel()
    assert await asyncio.gather(*others) == ["a", "b"]
    async with UnitOfWork(context, readonly=True) as work:
        assert (await work.execute(select(func.count()).select_from(EFFECTS))).scalar_one() == 3


async def test_who_comes_again_at_once_is_not_left_to_a_leader_that_is_gone(
    group: GroupCommit[UnitOfWork],
) -> None:
    async with asyncio.timeout(20):
        assert [await group.run(adding(f"e{number}")) for number in range(3)] == ["e0", "e1", "e2"]
