"""Outbox to inbox over a real Kafka: nothing lost, nothing doubled, order kept for each key."""

import asyncio
from typing import Any

import pytest
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from sqlalchemy import select

from services.kit import broker, dead_letters, inbox, outbox
from services.kit.errors import Invalid, Unavailable
from services.kit.inbox import Message
from services.kit.outbox import depth
from services.kit.service import Context
from tests.kit.conftest import event, work
from tests.kit.spine import consumer, consumers_that, effects, message, parked, relay, running, until


async def test_events_arrive_once_and_in_order_for_each_key(wired: Context) -> None:
    async with running(relay(wired), consumer(wired, consumers_that())):
        for version in range(1, 41):
            async with work(wired) as unit:
                for key in ("a", "b", "c"):
                    unit.publish(event(key, version))

        async def all_there() -> bool:
            return len(await effects(wired)) == 120

        await until(all_there)
    found = await effects(wired)
    for key in ("a", "b", "c"):
        assert [v for k, v in found if k == key] == list(range(1, 41))
    assert (await depth(wired))[0] == 0


async def test_a_second_relay_waits_and_takes_over(wired: Context, make_context: Any) -> None:
    other = Context(wired.settings, type(wired.database)(wired.settings.database_url), wired.tables)
    first, second = relay(wired), relay(other)
    async with running(consumer(wired, consumers_that())):
        async with running(first):
            async with work(wired) as unit:
                unit.publish(event("a", 1))

            async def sent() -> bool:
                return (await depth(wired))[0] == 0

            await until(sent)
            async with running(second):
                await asyncio.sleep(1.5)
                assert wired.wake.leading and not other.wake.leading
        async with running(second):
            async with work(wired) as unit:
                unit.publish(event("a", 2))

            async def both() -> bool:
                return await effects(wired) == [("a", 1), ("a", 2)]

            await until(both)
    await other.database.close()


async def test_a_second_delivery_changes_nothing(context: Context) -> None:
    reader = consumer(context, consumers_that())
    batch = [message(n, event("a", n)) for n in range(1, 6)]
    await reader.process(batch)
    await reader.process(batch)
    await reader.process(batch[2:])
    assert await effects(context) == [("a", n) for n in range(1, 6)]


async def test_poison_holds_up_only_its_own_key(context: Context) -> None:
    def refuse(received: Any) -> None:
        if received.subject == "bad" and received.version == 2:
            raise Invalid("cannot")

    reader = consumer(context, consumers_that(refuse))
    await reader.process([message(n * 2 + i, event(k, n)) for n in range(1, 5) for i, k in enumerate(("bad", "good"))])
    found = await effects(context)
    assert [v for k, v in found if k == "good"] == [1, 2, 3, 4]
    assert [v for k, v in found if k == "bad"] == [1]
    rows = await parked(context)
    assert [(r["key"], r["version"], r["state"]) for r in rows] == [
        ("bad", 2, "waiting"),
        ("bad", 3, "behind"),
        ("bad", 4, "behind"),
    ]
    assert rows[0]["cause"] == "invalid: cannot"


async def test_a_parked_event_is_tried_again_and_then_those_behind_it(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbox, "RETRY_SECONDS", (0, 0, 0, 0))
    tries = []

    def fail_twice(received: Any) -> None:
        if received.version == 1:
            tries.append(1)
            if len(tries) < 4:
                raise Unavailable("away")

    reader = consumer(context, consumers_that(fail_twice))
    await reader.process([message(n, event("a", n)) for n in (1, 2, 3)])
    assert await effects(context) == []
    retry = asyncio.create_task(reader._retry_parked())

    async def done() -> bool:
        return await parked(context) == []

    await until(done)
    retry.cancel()
    assert await effects(context) == [("a", 1), ("a", 2), ("a", 3)]


async def test_out_of_tries_it_is_dead_announced_and_can_be_replayed(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbox, "RETRY_SECONDS", (0, 0))
    well: list[bool] = []

    def refuse(_: Any) -> None:
        if not well:
            raise Invalid("cannot")

    reader = consumer(context, consumers_that(refuse))
    await reader.process([message(1, event("a", 1)), message(2, event("a", 2))])
    retry = asyncio.create_task(reader._retry_parked())

    async def dead() -> bool:
        return [r["state"] for r in await parked(context)] == ["dead", "behind"]

    await until(dead)
    async with work(context) as unit:
        announced = (await unit.execute(select(context.tables.outbox))).all()
    assert [row.topic for row in announced] == ["identity.sessions.dead"]
    well.append(True)
    first = (await parked(context))[0]["id"]
    async with work(context) as unit:
        await dead_letters.replay(unit, first, actor="operator")

    async def done() -> bool:
        return await effects(context) == [("a", 1), ("a", 2)]

    await until(done)
    retry.cancel()


async def test_what_cannot_be_decoded_is_kept_whole(context: Context) -> None:
    reader = consumer(context, consumers_that())
    good = event("a", 1)
    bad = [
        Message.of("identity.sessions", 0, 1, b"x", [("ce_id", b"\xff")], b"{"),
        Message.of("identity.sessions", 0, 2, b"y", good.headers(), b"{}"),
    ]
    await reader.process([*bad, message(3, good)])
    assert await effects(context) == [("a", 1)]
    rows = await parked(context)
    assert [(r["state"], r["partition"], r["offset"]) for r in rows] == [("dead", 0, 1), ("dead", 0, 2)]
    async with work(context) as unit:
        table = context.tables.inbox.parked
        assert (await unit.execute(select(table.c.value).where(table.c.offset == 1))).scalar_one() == b"{"


async def test_a_gap_is_parked_and_filled(context: Context) -> None:
    reader = consumer(context, consumers_that())
    await reader.process([message(1, event("a", 1)), message(3, event("a", 3)), message(4, event("a", 4))])
    assert await effects(context) == [("a", 1)]
    assert [r["state"] for r in await parked(context)] == ["gap", "behind"]
    await reader.process([message(5, event("a", 2))])
    retry = asyncio.create_task(reader._retry_parked())

    async def done() -> bool:
        return await effects(context) == [("a", n) for n in (1, 2, 3, 4)]

    await until(done)
    retry.cancel()


async def test_a_gap_can_be_accepted_by_command(context: Context) -> None:
    reader = consumer(context, consumers_that())
    await reader.process([message(9, event("a", 7))])
    first = (await parked(context))[0]["id"]
    async with work(context) as unit:
        await dead_letters.replay(unit, first, actor="operator", accept_gap=True)
    retry = asyncio.create_task(reader._retry_parked())

    async def done() -> bool:
        return await effects(context) == [("a", 7)]

    await until(done)
    retry.cancel()


async def test_services_refuse_topics_that_are_missing_or_different(
    kafka: str, topic_prefix: str, sqlite_url: str, make_context: Any
) -> None:
    context = await make_context(sqlite_url, kafka=kafka, topic_prefix=topic_prefix)
    with pytest.raises(broker.TopicsMissing, match="run `tongban topics apply`"):
        await broker.check_topics(context.settings)
    assert len(await broker.apply_topics(context.settings)) == 14
    assert await broker.apply_topics(context.settings) == []
    await broker.check_topics(context.settings)
    for setting, value in (("retention.ms", "1000"), ("cleanup.policy", "compact")):
        await _configure(context, "identity.sessions", setting, value)
        with pytest.raises(broker.TopicsMissing, match=f"{setting} {value}, the contract says"):
            await broker.check_topics(context.settings, ["identity.sessions"])


async def test_a_relay_that_is_stopped_while_the_broker_hangs_leaves_nothing_running(
    wired: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "STOP_SECONDS", 0.2)
    producer = await broker.start_producer(wired.settings)
    never = asyncio.get_running_loop().create_future()
    monkeypatch.setattr(producer.client, "send", lambda *_, **__: asyncio.shield(never))
    await producer.send_batch(_batch_of(producer), f"{wired.settings.topic_prefix}identity.sessions", partition=0)
    await outbox._stop(producer)
    assert producer._sender.sender_task.done()
    assert producer.client._sync_task is None


def _batch_of(producer: Any) -> Any:
    batch = producer.create_batch()
    batch.append(key=b"k", value=b"v", timestamp=None, headers=[])
    return batch


async def _configure(context: Context, topic: str, setting: str, value: str) -> None:
    name = context.settings.topic_prefix + topic
    async with broker._Admin(context.settings) as admin:
        await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, name, {setting: value})])
