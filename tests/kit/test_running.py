"""A service as a process shows itself: readiness tells the truth, and each figure moves with what it counts."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import httpx
import pytest
from fastapi import APIRouter
from prometheus_client.parser import text_string_to_metric_families
from structlog.testing import capture_logs

from services.kit import broker, deliveries, inbox
from services.kit.deliveries import Content, Outgoing, Policy
from services.kit.deliveries.worker import Deliveries
from services.kit.errors import Invalid
from services.kit.http import api_app
from services.kit.inbox import Message
from services.kit.service import Context, Role, Runner, Service
from services.local.ports import free_ports
from tests.kit.conftest import event, work
from tests.kit.receiver import Call, Receiver, Reply
from tests.kit.spine import consumer, consumers_that, effects, message, parked, relay, retrying, running, until

Metric = Callable[..., Awaitable[float]]


class Later:
    """A port on which Kafka answers once `begin` was called, as behind a broker that is starting."""

    def __init__(self, kafka: str) -> None:
        self.host, _, self.port_of_kafka = kafka.partition(":")
        self.port = free_ports(1)[0]
        self._server: asyncio.Server | None = None

    async def begin(self) -> None:
        self._server = await asyncio.start_server(self._join, "127.0.0.1", self.port)

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection(self.host, int(self.port_of_kafka))
        await asyncio.gather(_copy(reader, back), _copy(there, writer), return_exceptions=True)

    def end(self) -> None:
        if self._server is not None:
            self._server.close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while part := await reader.read(65536):
            writer.write(part)
            await writer.drain()
    finally:
        writer.close()


@asynccontextmanager
async def served(service: Service, role: Role = Role.ALL) -> AsyncIterator[tuple[Runner, httpx.AsyncClient]]:
    """The service running in this loop, and a client for its management port."""
    runner = Runner(service, role)
    task = asyncio.create_task(runner.run())
    try:
        port = service.context.settings.management_port
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=10) as http:
            yield runner, http
    finally:
        runner.stopping.set()
        assert await asyncio.wait_for(task, 30) == 0


def ports() -> dict[str, int]:
    return dict(zip(("port", "management_port"), free_ports(2), strict=True))


async def ready(http: httpx.AsyncClient) -> tuple[int, str]:
    try:
        answer = await http.get("/readyz")
    except httpx.TransportError:
        return 0, ""
    return answer.status_code, answer.text


async def test_ready_only_between_the_brokers_answer_and_the_end(
    sqlite_url: str, kafka: str, topic_prefix: str, make_context: Any
) -> None:
    there: Context = await make_context(sqlite_url, kafka=kafka, topic_prefix=topic_prefix)
    await broker.apply_topics(there.settings)
    later = Later(kafka)
    context: Context = await make_context(
        sqlite_url, kafka=f"127.0.0.1:{later.port}", topic_prefix=topic_prefix, **ports()
    )
    app = api_app(context, title="tiny", routers=[])
    workers = [relay(context), consumer(context, consumers_that())]
    service = Service(context, app, workers, topics=["identity.sessions"], migrated=False)

    async def unready_for_the_broker() -> bool:
        status, text = await ready(http)
        assert status != 200
        return status == 503 and "broker: topics not checked yet" in text and "starting" not in text

    async def is_ready() -> bool:
        return await ready(http) == (200, "ok\n")

    async with served(service) as (runner, http):
        try:
            await until(unready_for_the_broker)
            assert (await http.get("/livez")).text == "ok\n"
            await later.begin()
            await until(is_ready, 40)
            runner.stopping.set()
            assert await runner.problems() == ["stopping"]
            assert (await ready(http))[0] != 200
        finally:
            later.end()


@pytest.fixture
async def tiny(database_url: str, make_context: Any) -> Context:
    found: Context = await make_context(database_url, **ports())
    return found


@asynccontextmanager
async def figures(context: Context, app: Any = None) -> AsyncIterator[Metric]:
    """`await metric(name, label=value)` reads the sum of what the management port tells now."""
    async with served(
        Service(context, app or api_app(context, title="tiny", routers=[]), migrated=False), Role.API
    ) as (_, http):

        async def metric(name: str, **labels: str) -> float:
            text = (await http.get("/metrics")).text
            wanted = ({"service": context.service} | labels).items()
            found = [
                sample.value
                for family in text_string_to_metric_families(text)
                for sample in family.samples
                if sample.name == name and wanted <= sample.labels.items()
            ]
            return sum(found)

        async def up() -> bool:
            return (await ready(http))[0] == 200

        await until(up)
        yield metric


async def test_outbox_depth_and_age_move(tiny: Context) -> None:
    async with figures(tiny) as metric:
        assert (await metric("tongban_outbox_events"), await metric("tongban_outbox_oldest_seconds")) == (0, 0)
        now = tiny.clock()
        tiny.clock = lambda: now
        async with work(tiny) as unit:
            for version in (1, 2, 3):
                unit.publish(event("a", version))
        tiny.clock = lambda: now + timedelta(seconds=90)
        assert (await metric("tongban_outbox_events"), await metric("tongban_outbox_oldest_seconds")) == (3, 90)


async def test_parked_events_show_by_state_and_a_gap_is_reported(
    tiny: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbox, "RETRY_SECONDS", (3600,))

    def refuse(received: Any) -> None:
        if received.subject == "bad":
            raise Invalid("cannot")

    async def read(result: str) -> float:
        return await metric("tongban_consumed_events_total", topic="identity.sessions", result=result)

    reader = consumer(tiny, consumers_that(refuse))
    results = ("done", "repeated", "parked", "dead")
    async with figures(tiny) as metric:
        before = {result: await read(result) for result in results}
        good = message(1, event("good", 1))
        unreadable = Message.of("identity.sessions", 0, 9, b"x", [], b"{}")
        with capture_logs() as logs:
            batch = [event("bad", 1), event("bad", 2), event("holey", 1), event("holey", 3)]
            await reader.process([good, good, unreadable, *(message(n, e) for n, e in enumerate(batch, start=20))])
        assert {r: await read(r) - before[r] for r in results} == {"done": 2, "repeated": 1, "parked": 3, "dead": 1}
        states = {s: await metric("tongban_inbox_parked_events", state=s) for s in ("waiting", "behind", "gap", "dead")}
        assert states == {"waiting": 1, "behind": 1, "gap": 1, "dead": 1}
        gaps = [line for line in logs if line["event"] == "consumer.gap"]
        assert [(line["log_level"], line["key"]) for line in gaps] == [("error", "holey")]
        assert gaps[0]["cause"] == "gap: version 3 came, 2 was due"
        async with retrying(reader):
            await reader.process([message(30, event("holey", 2))])

            async def filled() -> bool:
                return ("holey", 3) in await effects(tiny)

            await until(filled)
        assert await metric("tongban_inbox_parked_events", state="gap") == 0
        assert len(await parked(tiny)) == 3


async def test_lag_moves_while_a_consumer_is_held_up(wired: Context, make_context: Any) -> None:
    held, let_go = asyncio.Event(), asyncio.Event()
    consumers = consumers_that()

    @consumers.on_topic("identity.sessions")
    async def wait(_: Any, __: Any) -> None:
        held.set()
        await let_go.wait()

    reader = consumer(wired, consumers)
    context: Context = await make_context(wired.settings.database_url, **ports())
    topic = f"{wired.settings.topic_prefix}identity.sessions"
    producer = await broker.start_producer(wired.settings)
    tasks = [asyncio.create_task(reader.run())]
    try:
        async with figures(context) as metric:

            async def lag() -> float:
                if reader._subscriber is not None:
                    await reader.watch()
                return await metric("tongban_consumer_lag_events", topic=topic)

            await _send(producer, topic, *(event(f"k{n}", 1) for n in range(5)))
            await asyncio.wait_for(held.wait(), 30)
            await _send(producer, topic, *(event(f"m{n}", 1) for n in range(7)))

            async def behind() -> bool:
                return await lag() > 0

            async def caught_up() -> bool:
                return len(await effects(wired)) == 12 and await lag() == 0

            await until(behind)
            let_go.set()
            await until(caught_up)
    finally:
        await producer.stop()
        tasks[0].cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _send(producer: Any, topic: str, *events: Any) -> None:
    for one in events:
        await producer.send_and_wait(topic, one.value(), key=one.subject.encode(), headers=one.headers())


async def test_http_latency_counts_by_route_and_status(tiny: Context) -> None:
    routes = APIRouter()

    @routes.get("/things/{number}")
    async def thing(number: int) -> int:
        return number

    app = api_app(tiny, title="tiny", routers=[routes])
    async with figures(tiny, app) as metric:

        async def count(status: str, name: str = "count") -> float:
            return await metric(
                f"tongban_http_request_seconds_{name}", method="GET", route="/things/{number}", status=status
            )

        before = [await count(status) for status in ("200", "422")]
        seconds = await count("200", "sum")
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{tiny.settings.port}") as client:
            for path in ("/things/1", "/things/2", "/things/x"):
                await client.get(path)
        assert [await count(status) for status in ("200", "422")] == [before[0] + 2, before[1] + 1]
        assert await count("200", "sum") > seconds


async def test_attempts_to_deliver_count_by_result(database_url: str, make_context: Any) -> None:
    context: Context = await make_context(database_url, outbound_allowed_networks="127.0.0.0/8", **ports())
    answers = [503, 204]

    async def answer(_: Call) -> Reply:
        return answers.pop(0), {}

    async def build(_: Any, outgoing: Outgoing) -> Content:
        return Content({}, outgoing.body)

    policy = Policy(poll=0.05, schedule=(0, 0.1), timeout=5, lease=10)
    worker = Deliveries(context, make_work=lambda: work(context), builders={"plain": build}, policy=policy)
    async with figures(context) as metric, Receiver(answer) as receiver, running(worker):

        async def counts() -> dict[str, float]:
            name = "tongban_delivery_attempt_seconds_count"
            return {result: await metric(name, result=result) for result in ("failed", "delivered")}

        before = await counts()
        async with work(context) as unit:
            await deliveries.register(unit, "a", receiver.url)
            await deliveries.queue(unit, endpoint_id="a", order_key="k", event_id="e", builder="plain", body=b"{}")

        async def twice() -> bool:
            return await counts() == {result: count + 1 for result, count in before.items()}

        await until(twice)
        assert len(receiver.calls) == 2
