"""Deliveries to a real HTTP receiver, on both databases."""

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select

from services.kit import deliveries
from services.kit.db import UnitOfWork
from services.kit.deliveries import Content, Outgoing, Owner, Policy
from services.kit.deliveries.worker import Deliveries
from services.kit.service import Context
from tests.kit.conftest import work
from tests.kit.receiver import Call, Receiver, Reply

FAST = Policy(poll=0.05, schedule=(0, 0.1, 0.1, 0.3), probe=0.3, timeout=0.5, lease=1.0, give_up=3600)


class Heard(Owner):
    """Remembers what it is told."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, ...]] = []

    async def delivered(self, work: Any, endpoint_id: str, event_id: str, attempts: int) -> None:
        self.heard.append(("delivered", endpoint_id, event_id))

    async def parked(self, work: Any, endpoint_id: str, event_id: str, attempts: int, cause: str) -> None:
        self.heard.append(("parked", endpoint_id, event_id, cause))

    async def disabled(self, work: Any, endpoint_id: str, cause: str) -> None:
        self.heard.append(("disabled", endpoint_id, cause))


async def plain(work: UnitOfWork, outgoing: Outgoing) -> Content:
    return Content({"event": outgoing.event_id, "key": outgoing.order_key}, outgoing.body)


@pytest.fixture
async def running(database_url: str, make_context: Callable[..., Any]) -> AsyncIterator[Callable[..., Any]]:
    """Start workers on one database; `await running(...)` gives (context, owner)."""
    tasks: list[asyncio.Task[None]] = []
    kept: list[Context] = []

    async def start(policy: Policy = FAST, count: int = 1, **settings: Any) -> tuple[Context, Heard]:
        if not kept:
            allowed = {"outbound_allowed_networks": "127.0.0.0/8"} | settings
            kept.append(await make_context(database_url, **allowed))
        context, owner = kept[0], Heard()
        for _ in range(count):
            worker = Deliveries(
                context, make_work=lambda: work(context), builders={"plain": plain}, owner=owner, policy=policy
            )
            tasks.append(asyncio.create_task(worker.run()))
        return context, owner

    yield start
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def put(context: Context, endpoint: str, key: str, event: str) -> None:
    async with work(context) as w:
        await deliveries.queue(w, endpoint_id=endpoint, order_key=key, event_id=event, builder="plain", body=b"{}")


async def register(context: Context, endpoint: str, url: str, **given: Any) -> None:
    async with work(context) as w:
        await deliveries.register(w, endpoint, url, **given)


async def until(condition: Callable[[], bool], seconds: float = 10) -> None:
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - a list tells nobody when it grows
            await asyncio.sleep(0.01)


async def eventually(read: Callable[[], Awaitable[Any]], wanted: Callable[[Any], bool]) -> Any:
    """What `read` gives, once it is as wanted."""
    async with asyncio.timeout(10):
        while not wanted(found := await read()):  # noqa: ASYNC110 - a table tells nobody when it changes
            await asyncio.sleep(0.02)
    return found


def events(receiver: Receiver) -> list[str]:
    return [call.headers["event"] for call in receiver.calls]


async def point(context: Context, endpoint: str) -> Any:
    async with UnitOfWork(context, readonly=True) as w:
        return await deliveries.endpoint(w, endpoint)


async def states(context: Context) -> Counter[str]:
    assert context.tables.deliveries is not None
    async with UnitOfWork(context, readonly=True) as w:
        rows = await w.execute(select(context.tables.deliveries.deliveries.c.state))
        return Counter(rows.scalars())


async def test_delivers_once_soon_after_the_commit_and_never_without_it(running: Any) -> None:
    # The worker looks by itself after a minute only: what arrives sooner was woken by the commit.
    context, owner = await running(replace(FAST, poll=60))
    async with Receiver() as receiver:
        await register(context, "a", receiver.url)
        with contextlib.suppress(ZeroDivisionError):
            async with work(context) as w:
                await deliveries.queue(w, endpoint_id="a", order_key="k", event_id="rolled-back", builder="plain")
                raise ZeroDivisionError
        for number in range(15):
            await put(context, "a", "k", f"e{number}")
            await until(lambda n=number: len(receiver.calls) == n + 1)  # type: ignore[misc]
        await put(context, "a", "k", "e3")  # queued before: nothing happens
        await asyncio.sleep(0.2)
        assert events(receiver) == [f"e{n}" for n in range(15)]
        call = receiver.calls[0]
        assert call.method == "POST" and call.body == b"{}" and call.headers["content-type"] == "application/json"
        assert call.headers["host"] == f"127.0.0.1:{receiver.port}" and call.headers["traceparent"].startswith("00-")
        await until(lambda: len(owner.heard) == 15)
        await asyncio.sleep(0.1)  # heard before the commit
        assert await states(context) == {"delivered": 15}


async def test_an_endpoint_that_was_down_gets_all_in_order_for_each_key(running: Any) -> None:
    context, _ = await running()
    receiver = Receiver()
    await receiver.start()
    await receiver.stop()  # the port is known, nobody is there
    await register(context, "a", receiver.url)
    for number in range(20):
        await put(context, "a", f"case{number % 4}", f"e{number:02}")
    await asyncio.sleep(0.7)
    found = await point(context, "a")
    assert found.failing_since is not None and found.probe_at is not None
    await receiver.start()
    await until(lambda: len(receiver.calls) >= 20)
    for case in range(4):
        got = [call.headers["event"] for call in receiver.calls if call.headers["key"] == f"case{case}"]
        assert got == [f"e{n:02}" for n in range(20) if n % 4 == case]
    found = await point(context, "a")
    assert (found.failing_since, found.probe_at, found.failures) == (None, None, 0)
    await receiver.stop()


async def test_an_open_circuit_lets_one_probe_through_at_a_time(running: Any) -> None:
    async def broken(call: Call) -> Reply:
        return 500, {}

    context, _ = await running(Policy(poll=0.05, schedule=(0, 0.05), probe=0.5, timeout=0.5, lease=1.0))
    async with Receiver(broken) as receiver:
        await register(context, "a", receiver.url, max_in_flight=2)
        for number in range(30):
            await put(context, "a", f"k{number}", f"e{number}")
        await asyncio.sleep(2.0)
        # Two to open it (at most two more on their way by then), then one each half second.
        assert 3 <= len(receiver.calls) <= 9


async def test_a_slow_endpoint_starves_nobody(running: Any) -> None:
    async def slow(call: Call) -> Reply:
        await asyncio.sleep(5)
        return 200, {}

    context, _ = await running()
    async with Receiver(slow) as tortoise, Receiver() as hare:
        await register(context, "a", tortoise.url)
        await register(context, "b", hare.url)
        for number in range(40):
            await put(context, "a", f"k{number}", f"a{number}")
        for number in range(40):
            await put(context, "b", f"k{number}", f"b{number}")
        await until(lambda: len(hare.calls) == 40, seconds=30)
        assert await states(context) >= Counter(waiting=40)  # the tortoise has taken none yet
        await eventually(lambda: point(context, "a"), lambda found: found.failing_since is not None)


async def test_a_slow_endpoint_is_not_asked_for_more_than_its_share_at_once(running: Any) -> None:
    now, most = 0, 0

    async def busy(call: Call) -> Reply:
        nonlocal now, most
        now += 1
        most = max(most, now)
        await asyncio.sleep(0.05)
        now -= 1
        return 200, {}

    context, _ = await running(count=2)
    async with Receiver(busy) as receiver:
        await register(context, "a", receiver.url, max_in_flight=3)
        for number in range(24):
            await put(context, "a", f"k{number}", f"e{number}")
        await until(lambda: len(receiver.calls) == 24)
        await asyncio.sleep(0.3)
        assert most <= 3 and len(set(events(receiver))) == len(receiver.calls) == 24


async def test_two_workers_keep_the_order_and_deliver_each_once(running: Any) -> None:
    context, _ = await running(count=2)
    async with Receiver() as receiver:
        await register(context, "a", receiver.url)
        for number in range(60):
            await put(context, "a", f"k{number % 3}", f"e{number:02}")
        await until(lambda: len(receiver.calls) >= 60)
        await asyncio.sleep(0.3)
        assert len(receiver.calls) == 60
        for key in range(3):
            got = [c.headers["event"] for c in receiver.calls if c.headers["key"] == f"k{key}"]
            assert got == sorted(got)


async def test_what_is_refused_is_tried_to_the_end_then_parked_and_the_next_of_its_key_goes(running: Any) -> None:
    async def picky(call: Call) -> Reply:
        return (422 if call.headers["event"] == "bad" else 200), {}

    context, owner = await running(Policy(poll=0.05, schedule=(0, 0.1), probe=0.3, timeout=0.5, lease=1.0, give_up=2.0))
    async with Receiver(picky) as receiver:
        await register(context, "a", receiver.url)
        await put(context, "a", "k", "bad")
        await put(context, "a", "k", "next")
        await put(context, "a", "other", "free")
        await until(lambda: "free" in events(receiver))
        assert "next" not in events(receiver)
        await until(lambda: "next" in events(receiver))
        assert events(receiver).count("bad") >= 4
        await until(lambda: ("delivered", "a", "next") in owner.heard)
        assert ("parked", "a", "bad", "HTTP 422") in owner.heard
        await asyncio.sleep(0.1)  # heard before the commit
        assert (await point(context, "a")).state == "active"
        assert await states(context) == {"delivered": 2, "parked": 1}
        async with UnitOfWork(context, readonly=True) as w:
            log = await deliveries.attempts(w, "a", limit=100)
        assert {row.status for row in log if row.event_id == "bad"} == {422}
        receiver.answer = None
        async with work(context) as w:
            parked = next(row.delivery_id for row in log if row.event_id == "bad")
            assert await deliveries.redeliver(w, "b", delivery_id=parked) == 0  # another's endpoint
            assert await deliveries.redeliver(w, "a", delivery_id=parked) == 1
        await until(lambda: ("delivered", "a", "bad") in owner.heard)


async def test_redirects_are_failures_and_are_not_followed(running: Any) -> None:
    context, _ = await running()
    async with Receiver() as inside:

        async def away(call: Call) -> Reply:
            return 307, {"location": inside.url}

        async with Receiver(away) as receiver:
            await register(context, "a", receiver.url)
            await put(context, "a", "k", "e")
            await until(lambda: len(receiver.calls) >= 2)
            assert inside.calls == []
            assert (await states(context)) == {"waiting": 1}


async def test_410_disables_tells_the_owner_and_keeps_what_waits(running: Any) -> None:
    async def gone(call: Call) -> Reply:
        return 410, {}

    context, owner = await running()
    async with Receiver(gone) as receiver:
        await register(context, "a", receiver.url, max_in_flight=1)
        await put(context, "a", "k", "e1")
        await until(lambda: ("disabled", "a", "HTTP 410") in owner.heard)
        await put(context, "a", "k", "e2")
        await asyncio.sleep(0.4)
        assert len(receiver.calls) == 1 and (await point(context, "a")).state == "disabled"
        receiver.answer = None
        async with work(context) as w:
            await deliveries.resume(w, "a")
        await until(lambda: events(receiver) == ["e1", "e1", "e2"])


async def test_an_endpoint_that_fails_too_long_is_disabled(running: Any) -> None:
    async def broken(call: Call) -> Reply:
        return 503, {}

    context, owner = await running(Policy(poll=0.05, schedule=(0, 0.1), probe=0.1, timeout=0.5, lease=1.0, give_up=0.5))
    async with Receiver(broken) as receiver:
        await register(context, "a", receiver.url)
        await put(context, "a", "k", "e")
        await until(lambda: ("disabled", "a", "HTTP 503") in owner.heard)
        assert await states(context) == {"waiting": 1}
        assert not [heard for heard in owner.heard if heard[0] == "parked"]


async def test_retry_after_is_honoured(running: Any) -> None:
    async def busy(call: Call) -> Reply:
        return (429, {"retry-after": "1"}) if not receiver.calls else (200, {})

    context, _ = await running(Policy(poll=0.05, schedule=(0, 0.05), probe=0.05, timeout=0.5, lease=2.0))
    async with Receiver(busy) as receiver:
        await register(context, "a", receiver.url)
        await put(context, "a", "k", "e")
        await until(lambda: len(receiver.calls) == 2)
        assert receiver.calls[1].at - receiver.calls[0].at >= 1.0


async def test_an_internal_address_is_refused_even_behind_a_name(running: Any) -> None:
    context, _ = await running(outbound_allowed_networks="192.0.2.0/24")
    async with Receiver() as receiver:
        for name, host in (("a", "127.0.0.1"), ("b", "localhost"), ("c", "[::ffff:127.0.0.1]")):
            await register(context, name, f"http://{host}:{receiver.port}/hook")
            await put(context, name, "k", "e")
        await asyncio.sleep(0.6)
        assert receiver.calls == []
        for name in "abc":
            async with UnitOfWork(context, readonly=True) as w:
                log = await deliveries.attempts(w, name)
            assert log and {row.cause for row in log} <= {"address-refused", "connect"}
            assert name == "b" or {row.cause for row in log} == {"address-refused"}


async def test_pause_lets_rows_wait_and_resume_sends_them(running: Any) -> None:
    context, _ = await running()
    async with Receiver() as receiver:
        await register(context, "a", receiver.url)
        async with work(context) as w:
            await deliveries.pause(w, "a")
        await put(context, "a", "k", "e1")
        await put(context, "a", "k", "e2")
        await asyncio.sleep(0.3)
        assert receiver.calls == []
        async with work(context) as w:
            await deliveries.resume(w, "a")
        await until(lambda: events(receiver) == ["e1", "e2"])
        async with work(context) as w:
            await deliveries.remove(w, "a")
        assert await states(context) == {}


async def test_a_dead_workers_claim_is_taken_up_after_its_lease(running: Any, database_url: str) -> None:
    context, _ = await running(count=0)
    async with Receiver() as receiver:
        await register(context, "a", receiver.url)
        await put(context, "a", "k", "e")
        dead = Deliveries(context, make_work=lambda: work(context), builders={"plain": plain}, policy=FAST)
        began = time.monotonic()
        assert len(await dead.claim()) == 1  # and then it is killed
        await running()
        await until(lambda: len(receiver.calls) == 1)
        assert time.monotonic() - began > 0.9 * FAST.lease
