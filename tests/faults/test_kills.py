"""A service is killed at each boundary between a commit and an acknowledgement: nothing is lost, nothing happens twice.

The failpoint kills the process by SIGKILL as it passes; the supervisor starts it again. What counts is what people were
told: every step that was acknowledged has exactly one message in the citizen's inbox and reaches the department's
webhook, in the order of the steps, and once nothing is under way it is still so.
"""

import asyncio
import json
import secrets
import signal

import pytest

from services.kit.settings import SERVICES
from tests.faults.conftest import citizen
from tests.faults.driver import ANSWERS, REASON, department
from tests.harness.platform import Platform

pytestmark = [pytest.mark.faults, pytest.mark.timeout(300)]

POINTS = [
    ("cases", "relay.before_send"),
    ("cases", "relay.after_ack"),
    ("notify", "consumer.before_commit"),
    ("notify", "consumer.after_commit"),
    ("notify", "consumer.before_ack"),
    ("notify", "deliveries.before_record"),
]


@pytest.mark.parametrize(("service", "point"), POINTS, ids=[point for _, point in POINTS])
def test_killed_at_a_failpoint_loses_and_doubles_nothing(platform: Platform, service: str, point: str) -> None:
    async def scenario() -> None:
        lin = await citizen(platform)
        code = await lin.item_code()
        async with department(platform) as office:
            begun = await lin.submit(code)
            await lin.told_of({begun}, ("submitted",))
            armed = await asyncio.to_thread(platform.restart, service, failpoints=f"{point}=kill")
            cases = set(await asyncio.gather(lin.withdraw(begun), *(lin.go_through(code) for _ in range(12))))
            await asyncio.to_thread(platform.wait_until_restarted, service, armed)
            await lin.told_of(cases)
            await office.heard(cases)

    asyncio.run(scenario())


def test_sigkill_while_cases_come_in_loses_nothing_acknowledged(platform: Platform) -> None:
    async def scenario() -> None:
        lin = await citizen(platform)
        code = await lin.item_code()

        async def stream() -> set[str]:
            found: set[str] = set()
            for _ in range(6):
                found |= set(await asyncio.gather(*(lin.go_through(code) for _ in range(5))))
            return found

        async with department(platform) as office:
            coming = asyncio.create_task(stream())
            for service in ("cases", "notify", "cases"):
                await asyncio.sleep(0.5)
                before = platform.pid(service)
                platform.kill(service)
                await asyncio.to_thread(platform.wait_until_restarted, service, before)
            await lin.told_of(await coming)
            await office.heard(coming.result())

    asyncio.run(scenario())


def test_the_broker_is_killed_and_comes_back(platform: Platform) -> None:
    async def scenario() -> None:
        lin = await citizen(platform)
        code = await lin.item_code()
        before = platform.pid("kafka")
        platform.kill("kafka")
        cases = set(await asyncio.gather(*(lin.go_through(code) for _ in range(10))))  # taken while there is no broker
        await asyncio.to_thread(platform.wait_until_restarted, "kafka", before)
        cases |= set(await asyncio.gather(*(lin.go_through(code) for _ in range(5))))
        await lin.told_of(cases, seconds=150)

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
        coming = asyncio.gather(*(lin.go_through(code) for _ in range(10)))
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
            cases = set(await asyncio.gather(*(lin.go_through(code) for _ in range(10))))
            await asyncio.sleep(12)  # longer than the group waits for a member: its partitions are taken from it
        finally:
            platform.kill("notify", signal.SIGCONT)
        cases.add(await lin.go_through(code))
        await lin.told_of(cases)

    asyncio.run(scenario())


def test_one_trace_leads_from_the_call_to_the_webhook_and_no_log_tells_of_people(platform: Platform) -> None:
    trace = secrets.token_hex(16)

    async def scenario() -> None:
        lin = await citizen(platform)
        code = await lin.item_code()
        api = f"{platform.url('portal').rstrip('/')}/api/cases/cases"
        headers = {
            "Authorization": f"Bearer {lin.tokens['cases']}",
            "Idempotency-Key": secrets.token_hex(8),
            "traceparent": f"00-{trace}-{secrets.token_hex(8)}-01",
        }
        async with department(platform) as office:
            answer = await lin.http.post(api, json={"item_code": code, "answers": ANSWERS}, headers=headers)
            assert answer.status_code == 201, answer.text
            case = answer.json()["id"]
            await office.heard({case}, ("submitted",))
            (call,) = [call for call in office.receiver.calls if call.method == "POST"]
            assert call.headers["traceparent"].split("-")[1] == trace
            assert json.loads(call.body)["traceparent"].split("-")[1] == trace
            await lin.withdraw(case)
            await lin.told_of({case})
            await office.heard({case})
        wrong = {"item_code": code, "answers": ANSWERS | {"since": "凤凰路 89 号"}}
        refused = await lin.call(
            "cases", "POST", "/cases", json=wrong, headers={"Idempotency-Key": secrets.token_hex(8)}
        )
        assert refused.status_code == 422

    asyncio.run(scenario())
    private = (ANSWERS["name"], ANSWERS["phone"], REASON, "凤凰路 89 号")
    written = [*private, *(json.dumps(words)[1:-1] for words in private)]
    for name in (*SERVICES, "prepare"):
        log = platform.log(name)
        assert [words for words in written if words in log] == []
