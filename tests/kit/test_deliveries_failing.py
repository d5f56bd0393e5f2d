"""Endpoints that fail in part or answer with nonsense: every attempt is recorded, and no content stands for all."""

from typing import Any

import pytest

from services.kit import deliveries
from services.kit.db import UnitOfWork
from services.kit.deliveries import Policy
from services.kit.deliveries.worker import Deliveries
from services.kit.service import Context
from tests.kit.conftest import work
from tests.kit.receiver import Call, Receiver, Reply
from tests.kit.test_deliveries import FAST, events, eventually, plain, point, put, register, running, states, until

__all__ = ["running"]  # the fixture

NEVER = "Mon, 01 Jan 99999999999 00:00:00 GMT"
"""A Retry-After that no calendar has."""


async def log(context: Context, endpoint: str) -> list[Any]:
    async with UnitOfWork(context, readonly=True) as w:
        return await deliveries.attempts(w, endpoint, limit=100)


async def picky(call: Call) -> Reply:
    return (500 if call.headers["event"] == "bad" else 200), {}


async def test_one_content_that_fails_does_not_stop_the_others(running: Any) -> None:
    context, owner = await running()
    async with Receiver(picky) as receiver:
        await register(context, "a", receiver.url)
        await put(context, "a", "k", "bad")
        await eventually(lambda: point(context, "a"), lambda found: found.probe_at is not None)
        # Its circuit is open for the one content's sake; all that comes now goes all the same.
        for number in range(10):
            await put(context, "a", f"k{number}", f"good{number}")
        await until(lambda: sum(heard[0] == "delivered" for heard in owner.heard) == 10)
        assert (await point(context, "a")).state == "active"


async def test_a_success_does_not_hurry_what_keeps_failing(running: Any) -> None:
    context, owner = await running(Policy(poll=0.05, schedule=(0, 3600), timeout=0.5, lease=1.0))
    async with Receiver(picky) as receiver:
        await register(context, "a", receiver.url, max_in_flight=1)
        await put(context, "a", "k", "bad")
        await until(lambda: events(receiver) == ["bad"])
        for number in range(5):
            await put(context, "a", f"k{number}", f"good{number}")
        await until(lambda: sum(heard[0] == "delivered" for heard in owner.heard) == 5)
        assert events(receiver).count("bad") == 1
        assert (await point(context, "a")).failing_since is None


@pytest.mark.parametrize("status", [204, 422, 503])
async def test_an_answer_with_a_hostile_retry_after_is_recorded(running: Any, status: int) -> None:
    async def hostile(call: Call) -> Reply:
        return status, {"retry-after": NEVER}

    context, owner = await running(Policy(poll=0.05, schedule=(0, 3600), timeout=0.5, lease=1.0))
    async with Receiver(hostile) as receiver:
        await register(context, "a", receiver.url)
        await put(context, "a", "k", "e")
        (entry,) = await eventually(lambda: log(context, "a"), bool)
        assert (entry.status, entry.cause) == (status, "" if status == 204 else f"HTTP {status}")
        assert len(receiver.calls) == 1
        assert await states(context) == {"delivered" if status == 204 else "waiting": 1}
        assert (status == 204) is bool(owner.heard)


async def test_an_attempt_that_breaks_on_our_side_counts_as_a_failure(running: Any) -> None:
    class Broken:
        async def send(self, *_: Any) -> Any:
            raise RuntimeError("a bug")

    context, _ = await running(count=0)
    await register(context, "a", "http://127.0.0.1:9/hook")
    await put(context, "a", "k", "e")
    worker = Deliveries(context, make_work=lambda: work(context), builders={"plain": plain}, policy=FAST)
    worker._outbound = Broken()  # type: ignore[assignment]
    for claim in await worker.claim():
        await worker._deliver(claim)
    assert [(entry.status, entry.cause) for entry in await log(context, "a")] == [(None, "error")]
    assert (await point(context, "a")).failures == 1
