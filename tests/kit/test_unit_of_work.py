"""The unit of work: all or nothing, on both databases."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

import asyncpg
import pytest
from sqlalchemy import func, insert, select
from sqlalchemy.event import listen
from sqlalchemy.exc import DBAPIError, IntegrityError, StatementError
from starlette.applications import Starlette

from services.kit.clock import SHANGHAI
from services.kit.db import UnitOfWork
from services.kit.events import event_of
from services.kit.outbox import channel_of
from services.kit.service import Context, Service
from tests.kit.conftest import BATCHES, EFFECTS, event, work


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


async def test_a_flush_inside_a_savepoint_writes_what_is_its_own(context: Context) -> None:
    async with work(context) as unit:
        unit.add(EFFECTS, _effect("kept"))
        unit.publish(event("kept", 1))
        with pytest.raises(IntegrityError):
            async with unit:
                unit.add(EFFECTS, _effect("refused") | {"key": None})
                await unit.flush()
        async with unit:
            unit.add(EFFECTS, _effect("flushed"))
            unit.publish(event("flushed", 1))
            await unit.flush()
            assert await _keys(unit) == {"flushed"}
    async with work(context) as unit:
        assert await _keys(unit) == {"kept", "flushed"}
    assert await _count(context, context.tables.outbox) == 2


async def test_the_relay_is_woken_for_what_was_flushed_before_the_commit(context: Context) -> None:
    woken = []
    context.wake.set = lambda: woken.append(True)  # type: ignore[method-assign]
    async with work(context) as unit:
        unit.publish(event("a", 1))
        await unit.flush()
        assert not woken
    assert woken == [True]


async def test_a_service_that_ends_tells_first_what_it_committed(context: Context) -> None:
    """Who relays (another process) would else hear of it by its next poll, and a connection would be left behind."""
    if context.database.dialect != "postgresql":
        return
    left_behind: list[object] = []
    listen(context.database.engine.sync_engine, "checkin", lambda *_: left_behind.pop())
    listen(context.database.engine.sync_engine, "checkout", lambda *taken: left_behind.append(taken))
    heard = asyncio.Event()
    listener = await asyncpg.connect(context.database.url.set(drivername="postgresql").render_as_string(False))
    try:
        await listener.add_listener(channel_of(context), lambda *_: heard.set())
        async with work(context) as unit:
            unit.publish(event("a", 1))
        await Service(context, Starlette(), migrated=False).close()
        assert not left_behind
        async with asyncio.timeout(5):
            await heard.wait()
    finally:
        await listener.close()


async def _keys(unit: UnitOfWork) -> set[str]:
    return set((await unit.execute(select(EFFECTS.c.key))).scalars())


async def test_a_time_without_a_zone_is_refused(context: Context) -> None:
    naive = datetime(2026, 11, 9, 12, 0)  # noqa: DTZ001 (the point)
    outbox = context.tables.outbox
    row = {"topic": "t", "key": "k", "headers": b"[]", "value": b"", "created_at": naive}
    with pytest.raises(StatementError, match="a naive datetime cannot be stored"):
        async with work(context) as unit:
            await unit.execute(insert(outbox).values(**row))
    with pytest.raises(StatementError, match="a naive datetime cannot be stored"):
        async with work(context) as unit:
            await unit.execute(select(outbox).where(outbox.c.created_at < naive))
    assert await _count(context, outbox) == 0
    with pytest.raises(ValueError, match="naive"):
        event_of(event("a", 1).data, subject="a", version=1, time=naive)
    shanghai = datetime(2026, 11, 9, 20, 0, tzinfo=SHANGHAI)
    async with work(context) as unit:
        await unit.execute(insert(outbox).values(**row | {"created_at": shanghai}))
    async with work(context) as unit:
        kept = (await unit.execute(select(outbox.c.created_at))).scalar_one()
    assert (kept, kept.utcoffset()) == (shanghai, timedelta(0))


async def test_a_batch_keeps_values_and_order_and_cuts_nothing(context: Context) -> None:
    """On PostgreSQL a batch goes as arrays: a JSON list is one value of them, and VARCHAR(n) would cut."""
    values: list[Any] = [["a", ["b"]], {"a": [1]}, [], "text", 7]
    rows = [{"key": f"{at}", "place": 9 - at, "value": value} for at, value in enumerate(values)]
    async with work(context) as unit:
        await unit.insert_many(BATCHES, rows[:3])
        assert await unit.insert_ignore(BATCHES, rows, BATCHES.c.key) == ["3", "4"]
        await unit.upsert(BATCHES, [row | {"place": 0} for row in rows[:2]], ["key"], keep=["value"])
    async with work(context) as unit:
        found = [tuple(row) for row in await unit.execute(select(BATCHES).order_by(BATCHES.c.key))]
    assert found == [(row["key"], 0 if at < 2 else row["place"], row["value"]) for at, row in enumerate(rows)]
    if context.database.dialect == "postgresql":
        with pytest.raises(DBAPIError, match="too long"):
            async with work(context) as unit:
                await unit.insert_many(BATCHES, [{**rows[0], "key": "longer"}, {**rows[0], "key": "5"}])
