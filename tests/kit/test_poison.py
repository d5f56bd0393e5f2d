"""What cannot be taken in is set aside, whatever is wrong with it: the batch around it and other keys go on."""

from typing import Any

import pytest
from sqlalchemy import text

from services.contracts.base import Envelope
from services.contracts.identity_sessions import SessionEnded
from services.kit import broker, inbox
from services.kit.consumers import Consumers
from services.kit.errors import Unavailable
from services.kit.service import Context
from tests.kit.conftest import EFFECTS, event
from tests.kit.spine import consumer, consumers_that, effects, message, parked, retrying, running, until

Raw = tuple[bytes | None, list[tuple[str, bytes | None]], bytes | None]


def raw(received: Envelope, *, key: bytes | None = None, **headers: bytes | None) -> Raw:
    """The event as Kafka holds it, some headers changed."""
    found = dict[str, bytes | None](received.headers()) | headers
    return received.subject.encode() if key is None else key, list(found.items()), received.value()


def consumers_with_a_late_row() -> Consumers:
    """Queues a row that the database refuses for the key "bad"; an effect for every other one."""
    consumers = Consumers("tiny")

    @consumers.on(SessionEnded)
    async def note(received: Any, unit: Any) -> None:
        bad = received.subject == "bad"
        unit.add(EFFECTS, {"event_id": received.id, "key": None if bad else received.subject, "version": 1})

    return consumers


async def test_poison_of_every_sort_comes_through_kafka_and_stops_nothing(wired: Context) -> None:
    messages: dict[str, Raw] = {
        "first": raw(event("good", 1)),
        "not utf-8": raw(event("a", 1), ce_source=b"\xff"),
        "long id": raw(event("b", 1, id="x" * 65)),
        "NUL in id": raw(event("c", 1, id="x\0")),
        "long type": raw(event("d", 1), ce_type=b"x" * 201),
        "long subject": raw(event("e" * 201, 1)),
        "NUL in subject and key": raw(event("f\0", 1)),
        "NUL in a header's name": raw(event("g", 1), **{"a\0": b"\xff"}),
        "large version": raw(event("h", 2**31)),
        "version zero": raw(event("i", 0)),
        "header without a value": raw(event("j", 1), ce_source=None),
        "no value": (b"k", [], None),
        "no key": (None, event("l", 1).headers(), event("l", 1).value()),  # type: ignore[list-item]
        "late row": raw(event("bad", 1)),
        "last": raw(event("good", 2)),
    }
    producer = await broker.start_producer(wired.settings)
    topic = f"{wired.settings.topic_prefix}identity.sessions"
    for key, headers, value in messages.values():
        await producer.send(topic, value, key=key, partition=0, headers=headers)
    await producer.flush()
    await producer.stop()

    async def last_came() -> bool:
        return len(await effects(wired)) == 2

    async with running(consumer(wired, consumers_with_a_late_row())):
        await until(last_came)
    assert {key for key, _ in await effects(wired)} == {"good"}
    rows = await parked(wired)
    names = list(messages)
    assert {names[row["offset"]] for row in rows} == set(names) - {"first", "last"}
    assert {names[row["offset"]] for row in rows if row["state"] != "dead"} == {"late row"}


async def test_a_row_refused_late_parks_its_own_event_only(context: Context) -> None:
    reader = consumer(context, consumers_with_a_late_row())
    await reader.process([message(n, event(key, 1)) for n, key in enumerate(("a", "b", "bad", "c"))])
    assert [key for key, _ in await effects(context)] == ["a", "b", "c"]
    assert [(row["key"], row["state"], row["cause"]) for row in await parked(context)] == [
        ("bad", "waiting", "IntegrityError")
    ]


async def test_a_retry_that_fails_at_its_commit_counts_and_starves_nobody(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbox, "RETRY_SECONDS", (0, 0, 0))
    away = [True]

    def fail_at_first(received: Any) -> None:
        if received.subject == "late" and away:
            raise Unavailable("away")

    consumers = consumers_that(fail_at_first)

    @consumers.on(SessionEnded)
    async def refused(received: Any, unit: Any) -> None:
        if received.subject == "bad":
            unit.add(EFFECTS, {"event_id": received.id, "key": None, "version": 1})

    reader = consumer(context, consumers)
    await reader.process([message(1, event("bad", 1)), message(2, event("late", 1))])
    away.clear()

    async def settled() -> bool:
        return [(row["key"], row["state"]) for row in await parked(context)] == [("bad", "dead")]

    async with retrying(reader):
        await until(settled)
    assert await effects(context) == [("late", 1)]
    assert (await parked(context))[0]["attempts"] == 4


async def test_what_only_the_commit_refuses_is_dead_by_itself(context: Context) -> None:
    statement = (
        "CREATE TABLE pairs (id INTEGER PRIMARY KEY, other INTEGER REFERENCES pairs DEFERRABLE INITIALLY DEFERRED)"
    )
    async with context.database.engine.begin() as connection:
        await connection.execute(text(statement))
    consumers = consumers_that()

    @consumers.on(SessionEnded)
    async def pair(received: Any, unit: Any) -> None:
        if received.subject == "alone":
            await unit.execute(text("INSERT INTO pairs VALUES (1, 2)"))
        if received.subject == "away":
            raise Unavailable("away")

    reader = consumer(context, consumers)
    batch = (("a", 1), ("alone", 1), ("away", 1), ("a", 2))
    await reader.process([message(n, event(*of)) for n, of in enumerate(batch)])
    assert await effects(context) == [("a", 1), ("a", 2)]
    assert [(row["key"], row["state"]) for row in await parked(context)] == [("alone", "dead"), ("away", "waiting")]
