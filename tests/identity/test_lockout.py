"""Lockout by account and by address, the same for names that do not exist; the time too (OWASP Authentication)."""

import asyncio
import statistics
import time

import httpx

from services.identity.domain.lockout import address_key
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


async def test_an_unknown_name_costs_the_same_hash(world: World) -> None:
    spans: dict[str, list[float]] = {"lin": [], "nobody": []}
    known = await hash_of(world)
    await world.provider.passwords.warm()
    for _ in range(15):
        for name, encoded in (("lin", known), ("nobody", None)):
            began = time.thread_time(), time.perf_counter()
            assert not await world.provider.passwords.verify(encoded, "wrong password")
            spans[name].append(time.perf_counter() - began[1])
    fast, slow = sorted((statistics.median(spans["lin"]), statistics.median(spans["nobody"])))
    assert slow < 2 * fast


async def hash_of(world: World) -> str:
    from services.identity.domain.clients import Realm

    async with world.work(readonly=True) as work:
        found = await work.accounts.password_hash(Realm.CITIZEN, "lin")
    assert found is not None
    assert found[1].startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    return found[1]


def test_an_ipv6_subscriber_counts_as_one_address() -> None:
    assert address_key("citizen", "2001:db8:1:2::7") == address_key("citizen", "2001:db8:1:2:ffff::1")
    assert address_key("citizen", "2001:db8:1:2::7") != address_key("citizen", "2001:db8:1:3::7")
    assert address_key("citizen", "::ffff:192.0.2.1") == address_key("citizen", "192.0.2.1")


async def test_a_flood_is_turned_away_before_it_costs_or_counts_anything(start: Starter) -> None:
    world: World = await start(password_threads=1, password_queue=1, lockout_failures=2)
    pages = [(browser, await browser.http.get(world["portal"].address())) for browser in (world.browser(),) * 12]
    posts = (browser.post_sign_in(page.text, f"name{n}", "wrong") for n, (browser, page) in enumerate(pages))
    answers = await asyncio.gather(*posts)
    turned = [answer for answer in answers if answer.status_code == 429]
    assert turned
    assert all(int(answer.headers["retry-after"]) <= 10 for answer in turned)
    assert (await world.browser().sign_in(world["portal"], "lin", PASSWORD)).status_code == 303
