"""Two members of one consumer group: partitions change hands in the middle of a batch, and nothing happens twice."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from sqlalchemy import select

from services.contracts.identity_sessions import SessionEnded
from services.kit.inbox import Message
from services.kit.service import Context
from tests.kit.conftest import event, work
from tests.kit.spine import consumer, consumers_that, effects, parked, relay, running, until

KEYS, BEFORE, AFTER = 12, 20, 25


async def _publish(context: Context, first: int, last: int) -> None:
    for version in range(first, last + 1):
        async with work(context) as unit:
            for key in range(KEYS):
                unit.publish(event(f"k{key}", version))


async def test_a_rebalance_in_mid_batch_loses_and_doubles_nothing(
    wired: Context, make_context: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A connection of its own for each, as two processes have: they meet in the database and in the group only.
    settings = {"kafka": ",".join(wired.settings.kafka), "topic_prefix": wired.settings.topic_prefix}
    contexts = [await make_context(wired.settings.database_url, **settings) for _ in range(2)]
    in_hand, taken_over = asyncio.Event(), asyncio.Event()
    handlers = consumers_that()

    @handlers.on(SessionEnded)
    async def hold(_: Any, __: Any) -> None:
        in_hand.set()
        await asyncio.wait_for(taken_over.wait(), 60)

    first, second = consumer(contexts[0], handlers), consumer(contexts[1], consumers_that())
    process = second.process

    async def take_over(messages: Sequence[Message]) -> None:
        taken_over.set()  # the same events as those that the first has in hand: it has acknowledged none yet
        await process(messages)

    monkeypatch.setattr(second, "process", take_over)

    def there(last: int) -> Any:
        async def all_there() -> bool:
            return len(await effects(wired)) >= KEYS * last

        return all_there

    await _publish(wired, 1, BEFORE)
    async with running(relay(wired), first):
        await asyncio.wait_for(in_hand.wait(), 40)
        async with running(second):
            await until(there(BEFORE), 60)
            await _publish(wired, BEFORE + 1, AFTER)
            await until(there(AFTER), 60)
    found = await effects(wired)
    assert len(found) == KEYS * AFTER
    for key in range(KEYS):
        assert [v for k, v in found if k == f"k{key}"] == list(range(1, AFTER + 1))
    versions = wired.tables.inbox.versions
    async with work(wired) as unit:
        kept = {row.key: row.version for row in await unit.execute(select(versions))}
    assert kept == {f"k{key}": AFTER for key in range(KEYS)}
    assert await parked(wired) == []
