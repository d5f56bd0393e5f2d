"""The unit of work: all or nothing, on both databases."""

import asyncio

import pytest
from sqlalchemy import func, insert, select

from services.kit.service import Context
from tests.kit.conftest import EFFECTS, event, work


async def _count(context: Context, table: object) -> int:
    async with work(context) as unit:
        return int((await unit.execute(select(func.count()).select_from(table))).scalar_one())  # type: ignore[arg-type]


def _effect(key: str) -> dict[str, object]:
    return {"event_id": key, "key": key, "version": 1}


async def test_state_and_event_commit_together(context: Context) -> None:
    async with work(context) as unit:
        await unit.execute(insert(EFFECTS).values(**_effect("a")))
        unit.publish(event("a", 1))
    assert await _count(context, EFFECTS) == 1
    assert await _count(context, context.tables.outbox) == 1


async def test_an_error_leaves_neither_state_nor_event(context: Context) -> None:
    unit = work(context)
    with pytest.raises(ZeroDivisionError):
        async with unit:
            await unit.execute(insert(EFFECTS).values(**_effect("a")))
            unit.publish(event("a", 1))
            raise ZeroDivisionError
    assert await _count(context, EFFECTS) == 0
    assert await _count(context, context.tables.outbox) == 0
    async with unit:  # and the same unit of work can be used again
        unit.publish(event("a", 1))
    assert await _count(context, context.tables.outbox) == 1


async def test_a_failed_savepoint_takes_only_its_own_with_it(context: Context) -> None:
    called = []
    async with work(context) as unit:
        unit.add(EFFECTS, _effect("kept"))
        unit.publish(event("kept", 1))
        unit.after_commit(lambda: called.append("kept"))
        with pytest.raises(ZeroDivisionError):
            async with unit:
                unit.add(EFFECTS, _effect("lost"))
                await unit.execute(insert(EFFECTS).values(**_effect("lost")))
                unit.publish(event("lost", 1))
                unit.after_commit(lambda: called.append("lost"))
                raise ZeroDivisionError
        async with unit:
            unit.add(EFFECTS, _effect("kept-too"))
    async with work(context) as unit:
        keys = set((await unit.execute(select(EFFECTS.c.key))).scalars())
        topics = (await unit.execute(select(context.tables.outbox.c.key))).scalars().all()
    assert keys == {"kept", "kept-too"}
    assert topics == ["kept"]
    assert called == ["kept"]


async def test_writers_wait_for_each_other(context: Context) -> None:
    async def write(number: int) -> None:
        async with work(context) as unit:
            seen = (await unit.execute(select(func.count()).select_from(EFFECTS))).scalar_one()
            await asyncio.sleep(0.001)
            await unit.execute(insert(EFFECTS).values(**_effect(f"{number}-{seen}")))

    await asyncio.gather(*(write(n) for n in range(25)))
    assert await _count(context, EFFECTS) == 25


async def test_a_cancelled_unit_gives_its_connection_back(context: Context) -> None:
    async def hang() -> None:
        async with work(context) as unit:
            await unit.execute(insert(EFFECTS).values(**_effect("x")))
            await asyncio.sleep(60)

    for _ in range(15):  # more than the pool holds
        task = asyncio.create_task(hang())
        await asyncio.sleep(0.02)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert await _count(context, EFFECTS) == 0
