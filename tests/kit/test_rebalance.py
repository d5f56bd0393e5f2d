"""Two members of one consumer group: partitions change hands in the middle of a batch, and nothing happens twice."""

import asyncio
from typing import Any

from sqlalchemy import select

from services.contracts.identity_sessions import SessionEnded
from services.kit import consumers as consumers_module
from services.kit.consumers import Consumers
from services.kit.outbox import depth
from services.kit.service import Context
from tests.kit.conftest import event, work
from tests.kit.spine import consumer, consumers_that, effects, parked, relay, running, until

KEYS, VERSIONS = 12, 40


def _slow_until(other: list[str], taken: list[str]) -> Consumers:
    """Notes what it takes; each event lasts as long as the other member has taken nothing."""
    consumers = consumers_that(lambda received: taken.append(received.id))

    @consumers.on(SessionEnded)
    async def slowly(_: Any, __: Any) -> None:
        if not other:
            await asyncio.sleep(0.05)

    return consumers


async def _grows(taken: list[str]) -> None:
    async def some() -> bool:
        return bool(taken)

    await until(some, 40)


async def test_a_rebalance_in_mid_batch_loses_and_doubles_nothing(
    wired: Context, make_context: Any, monkeypatch: Any
) -> None:
    monkeypatch.setattr(consumers_module, "BATCH", 60)
    async with running(relay(wired)):
        for version in range(1, VERSIONS + 1):
            async with work(wired) as unit:
                for key in range(KEYS):
                    unit.publish(event(f"k{key}", version))

        async def all_sent() -> bool:
            return (await depth(wired))[0] == 0

        await until(all_sent)
    # A connection of its own for each, as two processes have: they meet in the database and in the group only.
    settings = {"kafka": ",".join(wired.settings.kafka), "topic_prefix": wired.settings.topic_prefix}
    contexts = [await make_context(wired.settings.database_url, **settings) for _ in range(2)]
    by_first: list[str] = []
    by_second: list[str] = []
    first = consumer(contexts[0], _slow_until(by_second, by_first))
    second = consumer(contexts[1], consumers_that(lambda received: by_second.append(received.id)))

    async def all_there() -> bool:
        return len(await effects(wired)) >= KEYS * VERSIONS

    async with running(first):
        await _grows(by_first)
        async with running(second):  # its coming takes partitions from a batch that the first has in hand
            await _grows(by_second)
            await until(all_there, 60)
    found = await effects(wired)
    assert len(found) == KEYS * VERSIONS
    for key in range(KEYS):
        assert [v for k, v in found if k == f"k{key}"] == list(range(1, VERSIONS + 1))
    versions = wired.tables.inbox.versions
    async with work(wired) as unit:
        kept = {row.key: row.version for row in await unit.execute(select(versions))}
    assert kept == {f"k{key}": VERSIONS for key in range(KEYS)}
    assert await parked(wired) == []
