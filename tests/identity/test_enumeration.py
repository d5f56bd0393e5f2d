"""OWASP Authentication Cheat Sheet, "Authentication and Error Messages": nobody learns here which accounts exist.

By text and status: test_lockout.py. By the work done, counted: here, in every run. By the clock: here, under `deep`.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import sqrt

import pytest
from sqlalchemy import event

from services.identity.handlers import passwords
from tests.identity.conftest import Starter, World
from tests.identity.party import Browser


@dataclass
class Work:
    """What one sign-in made the provider do."""

    statements: list[str] = field(default_factory=list)
    hashes: int = 0


@contextmanager
def counted(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[Work]:
    found = Work()
    verify = passwords._verify

    def hashed(encoded: str, password: str) -> bool:
        found.hashes += 1
        return verify(encoded, password)

    def stated(_: object, __: object, statement: str, *___: object) -> None:
        found.statements.append(statement)

    engine = world.service.context.database.engine.sync_engine
    event.listen(engine, "before_cursor_execute", stated)
    with monkeypatch.context() as patch:
        patch.setattr(passwords, "_verify", hashed)
        yield found
    event.remove(engine, "before_cursor_execute", stated)


async def test_a_known_and_an_unknown_name_make_the_same_work(start: Starter, monkeypatch: pytest.MonkeyPatch) -> None:
    world: World = await start(lockout_failures=3)
    browser = world.browser()
    page = (await browser.http.get(world["portal"].address())).text
    await browser.post_sign_in(page, "warm", "up")  # the decoy's hash is made once
    # Refused twice, the try that locks, then locked.
    for _ in range(4):
        works, answers = [], []
        for name in ("lin", "nil"):
            with counted(world, monkeypatch) as work:
                answers.append(await browser.post_sign_in(page, name, "wrong password"))
            works.append(work)
        known, unknown = works
        assert known.statements == unknown.statements
        assert known.hashes == unknown.hashes
        first, second = answers
        assert first.status_code == second.status_code
        assert first.headers.keys() == second.headers.keys()
        assert len(first.content) == len(second.content)


def superiority(left: list[float], right: list[float]) -> float:
    """How likely a value of `left` is the larger (Mann and Whitney's U over its maximum); 0.5: no difference."""
    ranked = sorted([(value, 0) for value in left] + [(value, 1) for value in right])
    ranks = sum(rank for rank, (_, side) in enumerate(ranked, 1) if side == 0)
    return (ranks - len(left) * (len(left) + 1) / 2) / (len(left) * len(right))


async def sampled(world: World, browser: Browser, page: str, count: int) -> float:
    """Times of a known and of an unknown name, one by one in turn."""
    times: dict[str, list[float]] = {"lin": [], "nil": []}
    for number in range(2 * count):
        # Now the one first, now the other: no drift of the machine falls on one of them.
        name = ("lin", "nil", "nil", "lin")[number % 4]
        begun = time.perf_counter()
        answer = await browser.post_sign_in(page, name, "wrong password")
        times[name].append(time.perf_counter() - begun)
        assert answer.status_code == 422
    return superiority(times["lin"], times["nil"])


@pytest.mark.deep
@pytest.mark.timeout(600)
async def test_the_clock_tells_nothing_either(start: Starter, monkeypatch: pytest.MonkeyPatch) -> None:
    world: World = await start(lockout_failures=10**6, lockout_address_failures=10**6)
    browser = world.browser()
    page = (await browser.http.get(world["portal"].address())).text
    await sampled(world, browser, page, 20)
    count = 150
    # Six standard deviations of U under "no difference": one false alarm in a thousand million runs.
    bound = 6 * sqrt((2 * count + 1) / (12 * count * count))
    found = await sampled(world, browser, page, count)
    assert abs(found - 0.5) < bound
    # And the same samples would have told: a provider that spares an unknown name its hash.
    verify = passwords.Passwords.verify

    async def sparing(self: passwords.Passwords, encoded: str | None, password: str) -> bool:
        return False if encoded is None else await verify(self, encoded, password)

    monkeypatch.setattr(passwords.Passwords, "verify", sparing)
    assert await sampled(world, browser, page, count) - 0.5 > bound
