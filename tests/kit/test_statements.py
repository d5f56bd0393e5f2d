"""Statements that asyncpg runs itself: the same rows and the same transaction as by SQLAlchemy, on both databases."""

import asyncio
from collections.abc import Callable
from typing import Any

import asyncpg
import pytest
from sqlalchemy import bindparam, func, select, text, update

from services.kit.database import is_outage
from services.kit.db import UnitOfWork
from services.kit.service import Context
from services.kit.statements import Statement
from tests.kit.conftest import EFFECTS, work

ADD = Statement(lambda insert: insert(EFFECTS), ("event_id", "key", "version"))
BY_KEY = Statement(lambda _: select(EFFECTS).where(EFFECTS.c.key == bindparam("name")))
RAISE = Statement(
    lambda _: (
        update(EFFECTS)
        .where(EFFECTS.c.key == bindparam("name"))
        .values(version=EFFECTS.c.version + 1)
        .returning(EFFECTS.c.version)
    )
)
BREAK = Statement(lambda _: select(text("1 / (SELECT 0)")))
"""SQLite gives NULL."""
END_ALL = text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()")


async def _count(context: Context) -> int:
    async with work(context) as unit:
        return int((await unit.execute(select(func.count()).select_from(EFFECTS))).scalar_one())


async def test_they_share_the_transaction(context: Context) -> None:
    with pytest.raises(ZeroDivisionError):
        async with work(context) as unit:
            await unit.run(ADD, event_id="e", key="a", version=1)
            assert [row.version for row in await unit.run(RAISE, name="a")] == [2]
            assert (await unit.execute(select(EFFECTS.c.version))).scalars().all() == [2]
            raise ZeroDivisionError
    assert await _count(context) == 0
    async with work(context) as unit:
        await unit.run(ADD, event_id="e", key="a", version=1)
    async with UnitOfWork(context, readonly=True) as unit:
        (row,) = await unit.run(BY_KEY, name="a")
        assert (row.event_id, row.key, row.version) == ("e", "a", 1)
        with pytest.raises(AttributeError):
            _ = row.nothing
        assert await unit.run(BY_KEY, name="b") == []
        assert (await unit.execute(select(EFFECTS.c.key))).scalars().all() == ["a"]


async def test_several_go_in_one_turn(context: Context) -> None:
    async with work(context) as unit:
        await unit.run(ADD, event_id="e", key="a", version=1)
        rows = await unit.run_together(
            (ADD, {"event_id": "f", "key": "b", "version": 5}),
            (RAISE, {"name": "a"}),
            (BY_KEY, {"name": "a"}),
        )
        assert [row.event_id for row in rows] == ["e"]
    async with work(context) as unit:
        found = (await unit.execute(select(EFFECTS.c.key, EFFECTS.c.version).order_by(EFFECTS.c.key))).all()
    assert [tuple(row) for row in found] == [("a", 2), ("b", 5)]


async def test_single_statements_commit_each_by_itself_on_postgresql(
    postgres_url: str, make_context: Callable[..., Any]
) -> None:
    context: Context = await make_context(postgres_url)
    with pytest.raises(ZeroDivisionError):
        async with UnitOfWork(context, single=True) as unit:
            await unit.run(ADD, event_id="e", key="a", version=1)
            assert await _count(context) == 1
            async with unit:
                await unit.run(RAISE, name="a")
            raise ZeroDivisionError
    assert await _count(context) == 1


async def test_what_the_server_closed_fails_nobody_afterwards(
    postgres_url: str, make_context: Callable[..., Any]
) -> None:
    context: Context = await make_context(postgres_url, database_pool=3)

    async def read() -> int:
        async with UnitOfWork(context, readonly=True) as unit:
            return len(await unit.run(BY_KEY, name="a"))

    async def write() -> None:
        async with work(context) as unit:
            await unit.run(RAISE, name="a")

    await asyncio.gather(*(read() for _ in range(6)), *(write() for _ in range(6)))
    with pytest.raises(Exception) as caught:
        async with context.database.engine.connect() as connection:
            await connection.execute(END_ALL)
    assert is_outage(caught.value)
    await asyncio.sleep(0.05)
    await asyncio.gather(*(read() for _ in range(6)), *(write() for _ in range(6)))


async def test_a_statement_that_fails_or_is_cancelled_takes_no_place(
    postgres_url: str, make_context: Callable[..., Any]
) -> None:
    context: Context = await make_context(postgres_url, database_pool=1)
    slow = Statement(lambda _: select(func.pg_sleep(30)))
    for readonly in (True, False):

        def make(readonly: bool = readonly) -> UnitOfWork:
            return UnitOfWork(context, readonly=readonly)

        for _ in range(2):
            with pytest.raises(asyncpg.PostgresError) as caught:
                async with make() as unit:
                    await unit.run(BREAK)
            assert not is_outage(caught.value)

            async def hang(make: Callable[[], UnitOfWork] = make) -> None:
                async with make() as unit:
                    await unit.run(slow)

            task = asyncio.create_task(hang())
            await asyncio.sleep(0.05)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            async with make() as unit:
                assert await unit.run(BY_KEY, name="a") == []
