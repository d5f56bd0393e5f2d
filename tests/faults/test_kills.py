"""A service is killed at each boundary between a commit and an acknowledgement: nothing is lost, nothing happens twice.

The failpoint kills the process by SIGKILL as it passes; the supervisor starts it again. What counts is what a citizen
was told: every case that was acknowledged has exactly one message in the inbox, in the order of its steps.
"""

import asyncio
import signal

import pytest

from tests.faults.conftest import citizen
from tests.harness.platform import Platform

pytestmark = [pytest.mark.faults, pytest.mark.timeout(300)]

POINTS = [
    ("cases", "relay.before_send"),
    ("cases", "relay.after_ack"),
    ("notify", "consumer.before_commit"),
    ("notify", "consumer.after_commit"),
    ("notify", "consumer.before_ack"),
]


@pytest.mark.parametrize(("service", "point"), POINTS, ids=[point for _, point in POINTS])
def test_killed_at_a_failpoint_loses_and_doubles_nothing(platform: Platform, service: str, point: str) -> None:
    async def scenario() -> None:
        lin = await citizen(platform)
        code = await lin.item_code()
        before = {await lin.submit(code)}
        await lin.told_of(before)
        await asyncio.to_thread(platform.restart, service, failpoints=f"{point}=kill")
        armed = platform.pid(service)
        cases = set(await asyncio.gather(*(lin.submit(code) for _ in range(12))))
        await asyncio.to_thread(platform.wait_until_restarted, service, armed)
        await lin.told_of(before | cases)

    asyncio.run(scenario())


def test_sigkill_while_cases_come_in_loses_nothing_acknowledged(platform: Platform) -> None:
    async def scenario() -> None:
        lin = await citizen(platform)
        code = await lin.item_code()

        async def stream() -> set[str]:
            found: set[str] = set()
            for _ in range(6):
                found |= set(await asyncio.gather(*(lin.submit(code) for _ in range(5))))
            return found

        coming = asyncio.create_task(stream())
        for service in ("cases", "notify", "cases"):
            await asyncio.sleep(0.5)
            before = platform.pid(service)
            platform.kill(service)
            await asyncio.to_thread(platform.wait_until_restarted, service, before)
        await lin.told_of(await coming)

    asyncio.run(scenario())


def test_the_broker_is_killed_and_comes_back(platform: Platform) -> None:
    async def scenario() -> None:
        lin = await citizen(platform)
        code = await lin.item_code()
        before = platform.pid("kafka")
        platform.kill("kafka")
        cases = set(await asyncio.gather(*(lin.submit(code) for _ in range(10))))  # taken while there is no broker
        await asyncio.to_thread(platform.wait_until_restarted, "kafka", before)
        cases |= set(await asyncio.gather(*(lin.submit(code) for _ in range(5))))
        await lin.told_of(cases, 150)

    asyncio.run(scenario())
    for service in ("cases", "notify", "gateway"):
        platform.wait_ready(service)


def test_the_database_is_killed_and_comes_back(platform: Platform) -> None:
    if platform.postgres is None:
        return  # SQLite lives in the service's own process: killing that is the test above

    async def scenario(crash: bool) -> None:
        assert platform.postgres is not None
        lin = await citizen(platform)
        code = await lin.item_code()
        coming = asyncio.gather(*(lin.submit(code) for _ in range(10)))
        if crash:
            await asyncio.to_thread(platform.postgres.crash)
        else:
            await asyncio.to_thread(platform.postgres.stop)
        try:
            async with asyncio.timeout(15):
                while "database" not in (await asyncio.to_thread(platform.ready, "cases"))[1]:  # noqa: ASYNC110 (another process is looked at)
                    await asyncio.sleep(0.2)
            assert (await asyncio.to_thread(platform.ready, "cases"))[0] == 503
            assert (await asyncio.to_thread(platform.management, "cases", "/livez"))[0] == 200
        finally:
            await asyncio.to_thread(platform.postgres.start)
        await lin.told_of(set(await coming))

    asyncio.run(scenario(crash=True))
    asyncio.run(scenario(crash=False))
    for service in ("identity", "catalog", "cases", "notify", "gateway"):
        platform.wait_ready(service)


def test_a_service_that_hangs_and_wakes_again_changes_no_outcome(platform: Platform) -> None:
    async def scenario() -> None:
        lin = await citizen(platform)
        code = await lin.item_code()
        platform.kill("notify", signal.SIGSTOP)
        try:
            cases = set(await asyncio.gather(*(lin.submit(code) for _ in range(10))))
            await asyncio.sleep(12)  # longer than the group waits for a member: its partitions are taken from it
        finally:
            platform.kill("notify", signal.SIGCONT)
        cases.add(await lin.submit(code))
        await lin.told_of(cases)

    asyncio.run(scenario())
