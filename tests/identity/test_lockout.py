"""Lockout by account and by address, the same for names that do not exist; the time too (OWASP Authentication)."""

import asyncio
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import REGISTRY
from sqlalchemy import select

from services.identity.domain.clients import Realm
from services.identity.domain.lockout import Counter, LockRule, address_key, after_attempt, seconds_locked
from services.identity.handlers import passwords
from services.identity.store.tables import FAILURES, TABLES
from tests.identity.conftest import Starter, World
from tests.identity.party import PASSWORD, Browser


async def wrong(browser: Browser, world: World, username: str) -> httpx.Response:
    return await browser.sign_in(world["portal"], username, "wrong password")


def shown(answer: httpx.Response, username: str) -> str:
    """The page without what differs by chance: name, tokens, reference."""
    import re

    text = re.sub(r'name="_token" value="[^"]*"', "", answer.text).replace(f'value="{username}"', "NAME")
    return re.sub(r"[0-9a-f]{32}", "", text)


async def test_known_and_unknown_names_get_the_same_answers(start: Starter) -> None:
    world: World = await start(lockout_failures=3)
    for known, unknown in ((422, 422), (422, 422), (422, 422), (429, 429)):
        first, second = await wrong(world.browser(), world, "lin"), await wrong(world.browser(), world, "nil")
        assert (first.status_code, second.status_code) == (known, unknown)
        assert shown(first, "lin") == shown(second, "nil")


async def test_a_locked_account_refuses_the_right_password_until_the_time_is_up(start: Starter) -> None:
    world: World = await start(lockout_failures=3)
    for _ in range(3):
        await wrong(world.browser(), world, "lin")
    locked = await world.browser().sign_in(world["portal"], "LIN ", PASSWORD)
    assert locked.status_code == 429
    assert 0 < int(locked.headers["retry-after"]) <= 600
    assert (await world.browser().sign_in(world["portal"], "zhang", PASSWORD)).status_code == 303
    world.clock.forward(seconds=601)
    assert (await world.browser().sign_in(world["portal"], "lin", PASSWORD)).status_code == 303


async def test_a_success_forgets_the_failures_of_the_account(start: Starter) -> None:
    world: World = await start(lockout_failures=3)
    for _ in range(3):
        for _ in range(2):
            assert (await wrong(world.browser(), world, "lin")).status_code == 422
        assert (await world.browser().sign_in(world["portal"], "lin", PASSWORD)).status_code == 303


async def test_parallel_guesses_on_two_replicas_count_every_one(start: Starter) -> None:
    world: World = await start(lockout_failures=4)
    replica: World = await start(lockout_failures=4)
    worlds = [world, replica] * 6
    answers = await asyncio.gather(*(wrong(w.browser(), w, "lin") for w in worlds))
    assert sorted(answer.status_code for answer in answers) == [422] * 4 + [429] * 8


async def test_an_address_is_locked_over_many_names(start: Starter) -> None:
    world: World = await start(lockout_address_failures=5)
    answers = [await wrong(world.browser(), world, f"name{number}") for number in range(6)]
    assert [answer.status_code for answer in answers] == [422] * 5 + [429]
    assert (await world.browser().sign_in(world["portal"], "lin", PASSWORD)).status_code == 429


async def test_one_success_does_not_wash_an_address_clean(start: Starter) -> None:
    world: World = await start(lockout_address_failures=5)
    for number in range(4):
        await wrong(world.browser(), world, f"name{number}")
        if number == 2:
            assert (await world.browser().sign_in(world["portal"], "lin", PASSWORD)).status_code == 303
    assert (await wrong(world.browser(), world, "name9")).status_code == 422
    assert (await wrong(world.browser(), world, "name10")).status_code == 429


async def test_slow_failures_never_lock_an_address_and_fast_ones_do(start: Starter) -> None:
    world: World = await start(lockout_failures=1000, lockout_address_failures=5)
    for number in range(30):
        # Many people behind one address: now and then one mistypes, now and then one signs in.
        assert (await wrong(world.browser(), world, f"name{number}")).status_code == 422
        if number % 5 == 0:
            assert (await world.browser().sign_in(world["portal"], "lin", PASSWORD)).status_code == 303
        world.clock.forward(minutes=4)
    world.clock.forward(minutes=10)
    fast = [await wrong(world.browser(), world, f"name{number}") for number in range(6)]
    assert [answer.status_code for answer in fast] == [422] * 5 + [429]


@settings(deadline=None)
@given(st.lists(st.integers(1, 400), max_size=60))
def test_a_lock_needs_all_its_failures_within_one_pause(gaps: list[int]) -> None:
    rule, now = LockRule(4, timedelta(seconds=600)), datetime(2026, 1, 1, tzinfo=UTC)
    counter, tries = Counter(0, now, None), []
    for gap in gaps:
        now += timedelta(seconds=gap)
        if seconds_locked(counter, now):
            continue
        tries.append(now)
        counter = after_attempt(counter, rule, now)
        if counter.locked_until is not None:
            assert tries[-1] - tries[-4] < rule.pause


async def test_an_unknown_name_costs_the_same_hash(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    hashed: list[str] = []
    verify = passwords._verify

    def noted(encoded: str, password: str) -> bool:
        hashed.append(encoded)
        return verify(encoded, password)

    monkeypatch.setattr(passwords, "_verify", noted)
    for name in ("lin", "nobody"):
        assert (await wrong(world.browser(), world, name)).status_code == 422
    assert len(hashed) == 2
    assert all(encoded.startswith("$argon2id$v=19$m=19456,t=2,p=1$") for encoded in hashed)


def test_an_ipv6_subscriber_counts_as_one_address() -> None:
    assert address_key("citizen", "2001:db8:1:2::7") == address_key("citizen", "2001:db8:1:2:ffff::1")
    assert address_key("citizen", "2001:db8:1:2::7") != address_key("citizen", "2001:db8:1:3::7")
    assert address_key("citizen", "::ffff:192.0.2.1") == address_key("citizen", "192.0.2.1")


def refusals() -> float:
    labels = {"service": "identity", "realm": "citizen", "reason": "refused"}
    return REGISTRY.get_sample_value("tongban_sign_in_failures_total", labels) or 0.0


async def test_a_flood_is_turned_away_before_it_costs_or_counts_anything(start: Starter) -> None:
    world: World = await start(password_threads=1, password_queue=1, lockout_failures=50)
    before = refusals()
    browser = world.browser()
    page = await browser.http.get(world["portal"].address())
    answers = await asyncio.gather(*(browser.post_sign_in(page.text, "lin", "wrong") for _ in range(12)))
    turned = [answer for answer in answers if answer.status_code == 429]
    refused = [answer for answer in answers if answer.status_code == 422]
    assert turned
    assert len(turned) + len(refused) == 12
    assert all(int(answer.headers["retry-after"]) <= 10 for answer in turned)
    async with world.work(readonly=True) as work:
        counted = (await work.execute(select(FAILURES.c.failures))).scalars().all()
    assert counted == [len(refused)] * 2
    assert refusals() - before == len(refused)
    assert (await world.browser().sign_in(world["portal"], "lin", PASSWORD)).status_code == 303


async def test_a_lock_is_recorded_without_what_was_typed(start: Starter) -> None:
    world: World = await start(lockout_failures=2, lockout_address_failures=5)
    for name in ("lin", "hunter2"):
        for _ in range(3):
            await wrong(world.browser(), world, name)
    await wrong(world.browser(), world, "zhang")
    async with world.work(readonly=True) as work:
        audit = TABLES.audit.audit
        rows = (await work.execute(select(audit).where(audit.c.action == "lock").order_by(audit.c.id))).all()
        lin = await work.accounts.by_username(Realm.CITIZEN, "lin")
    assert lin is not None
    assert [row.object_id for row in rows] == [lin.id, "unknown", address_key("citizen", "192.0.2.7")]
    assert {(row.actor, row.object_type, row.realm) for row in rows} == {("anonymous", "sign_ins", "citizen")}


async def test_a_success_beside_a_failure_leaves_every_try_counted(start: Starter) -> None:
    """The counter that a success deletes is begun again by whoever waits for it (PostgreSQL)."""
    world: World = await start(lockout_failures=1000)
    tries = [("lin", PASSWORD if number % 3 == 0 else "wrong") for number in range(12)]
    answers = await asyncio.gather(*(world.browser().sign_in(world["portal"], *typed) for typed in tries))
    assert sorted({answer.status_code for answer in answers}) == [303, 422]
