"""Versions across what this release does not know or cannot read, and what an operator does about it."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import insert, select

from services.kit import consumers as consumers_module
from services.kit import dead_letters
from services.kit.consumers import KEEP_DONE_DAYS, Consumer
from services.kit.dead_letters import NotFirst
from services.kit.errors import Invalid, NotFound
from services.kit.inbox import Message
from services.kit.service import Context
from tests.kit.conftest import event, work
from tests.kit.spine import consumer, consumers_that, effects, message, parked, retrying, unknown, until


async def last_version(context: Context, key: str = "a") -> int | None:
    versions = context.tables.inbox.versions
    async with work(context) as unit:
        found = await unit.execute(select(versions.c.version).where(versions.c.key == key))
        return found.scalar_one_or_none()


async def settled(context: Context, reader: Consumer, versions: Sequence[int]) -> None:
    """Return when exactly these versions of "a" have had their effect and nothing is parked any more."""

    async def there() -> bool:
        return await effects(context) == [("a", v) for v in versions] and await parked(context) == []

    async with retrying(reader):
        await until(there)


def refusing(context: Context, *versions: int) -> Consumer:
    def act(received: Any) -> None:
        if received.version in versions:
            raise Invalid("cannot")

    return consumer(context, consumers_that(act))


def unreadable(number: int, version: int) -> Message:
    """An event whose headers are well and whose payload is not."""
    return Message.of("identity.sessions", 0, number, b"a", event("a", version).headers(), b"{}")


async def ids(context: Context) -> dict[int, int]:
    return {row["version"]: row["id"] for row in await parked(context)}


async def test_an_event_of_unknown_type_keeps_its_place(context: Context) -> None:
    reader = consumer(context, consumers_that())
    batch = [message(1, event("a", 1)), unknown(2, event("a", 2)), message(3, event("a", 3))]
    await reader.process(batch)
    await reader.process(batch)
    assert await effects(context) == [("a", 1), ("a", 3)]
    assert await parked(context) == []
    assert await last_version(context) == 3


async def test_an_event_of_unknown_type_waits_for_its_turn(context: Context) -> None:
    reader = consumer(context, consumers_that())
    await reader.process([message(1, event("a", 1)), unknown(3, event("a", 3)), message(4, event("a", 4))])
    assert [row["state"] for row in await parked(context)] == ["gap", "behind"]
    await reader.process([message(5, event("a", 2))])
    await settled(context, reader, [1, 2, 4])


async def test_only_the_first_of_a_key_can_be_dropped_or_jumped_to(context: Context) -> None:
    reader = refusing(context, 2)
    await reader.process([message(n, event("a", n)) for n in range(1, 5)])
    found = await ids(context)
    for act in (
        lambda unit: dead_letters.drop(unit, found[4], actor="operator"),
        lambda unit: dead_letters.replay(unit, found[3], actor="operator", accept_gap=True),
    ):
        with pytest.raises(NotFirst, match=f"waits behind {found[2]}"):
            async with work(context) as unit:
                await act(unit)
    with pytest.raises(NotFound):
        async with work(context) as unit:
            await dead_letters.drop(unit, 4711, actor="operator")
    assert await last_version(context) == 1
    async with work(context) as unit:
        await dead_letters.drop(unit, found[2], actor="operator")
    await settled(context, reader, [1, 3, 4])


async def test_a_dropped_event_that_could_not_be_read_leaves_no_gap(context: Context) -> None:
    reader = consumer(context, consumers_that())
    await reader.process([message(1, event("a", 1)), unreadable(2, 2), message(3, event("a", 3))])
    rows = await parked(context)
    assert [(row["state"], row["version"]) for row in rows] == [("dead", 2), ("behind", 3)]
    assert rows[0]["event_id"] and rows[0]["event_type"] == "cn.tongban.identity.session-ended.v1"
    async with work(context) as unit:
        await dead_letters.drop(unit, rows[0]["id"], actor="operator")
    await settled(context, reader, [1, 3])
    await reader.process([unreadable(9, 2)])  # sent once more
    assert await parked(context) == []


async def test_a_command_never_lowers_a_version(context: Context) -> None:
    reader = consumer(context, consumers_that())
    await reader.process([message(9, event("a", 7))])
    found = await ids(context)
    async with work(context) as unit:
        values = {"consumer": "tiny", "topic": "identity.sessions", "key": "a", "version": 8}
        await unit.execute(insert(context.tables.inbox.versions).values(**values))
    async with work(context) as unit:
        await dead_letters.replay(unit, found[7], actor="operator", accept_gap=True)
    assert await last_version(context) == 8
    async with work(context) as unit:
        await dead_letters.drop(unit, found[7], actor="operator")
    assert await last_version(context) == 8


async def test_what_an_operator_did_is_on_record(context: Context) -> None:
    reader = refusing(context, 1)
    await reader.process([message(5, event("a", 1)), message(6, event("b", 2))])
    rows = {row["key"]: row["id"] for row in await parked(context)}
    async with work(context) as unit:
        await dead_letters.replay(unit, rows["a"], actor="operator")
        await dead_letters.replay(unit, rows["b"], actor="operator", accept_gap=True)
        await dead_letters.drop(unit, rows["b"], actor="operator")
    audit = context.tables.audit.audit
    async with work(context) as unit:
        found = await unit.execute(select(audit.c.actor, audit.c.action, audit.c.object_id).order_by(audit.c.id))
        records = [tuple(row) for row in found]
    assert records == [
        ("operator", "dead-letters.replay", "identity.sessions/0/5"),
        ("operator", "dead-letters.accept-gap", "identity.sessions/0/6"),
        ("operator", "dead-letters.drop", "identity.sessions/0/6"),
    ]


async def test_old_ids_are_forgotten_however_many_they_are(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consumers_module, "PRUNE_ROWS", 10)
    done = context.tables.inbox.done
    old = context.clock() - timedelta(days=KEEP_DONE_DAYS, hours=1)
    async with work(context) as unit:
        for number in range(25):
            unit.add(done, {"consumer": "tiny", "event_id": f"old-{number}", "done_at": old})
        unit.add(done, {"consumer": "tiny", "event_id": "new", "done_at": context.clock()})
        unit.add(done, {"consumer": "another", "event_id": "old-0", "done_at": old})
    await consumer(context, consumers_that()).prune()
    async with work(context) as unit:
        left = (await unit.execute(select(done.c.consumer, done.c.event_id).order_by(done.c.consumer))).all()
    assert [tuple(row) for row in left] == [("another", "old-0"), ("tiny", "new")]
