"""The whole way: HTTP POST of a case → PostgreSQL with outbox → Kafka → inbox → effect, beside the lean baseline."""

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from unittest.mock import patch

import asyncpg

from services.cases.settings import CasesSettings
from services.contracts.base import Text
from services.contracts.catalog_items import ItemPublished, Limit, Limits, Organisation
from services.kit import broker
from services.kit.events import event_of
from services.kit.migrations import upgrade
from services.local.ports import free_ports
from tests.bench.machine import Machine, answers, load, process

CODE = "511A0138000000-511602000000-000-bench-1-00"
FORM: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "properties": {
        "name": {"type": "string", "minLength": 1, "maxLength": 100, "title": "姓名"},
        "phone": {"type": "string", "pattern": "^1[0-9]{10}$", "title": "电话"},
        "statement": {"type": "string", "minLength": 1, "maxLength": 2000, "title": "申请内容"},
    },
    "required": ["name", "phone", "statement"],
    "x-pages": [{"id": "all", "title": {"zh": "申请", "en": None}, "fields": ["name", "phone", "statement"]}],
}
BODY: dict[str, object] = {
    "item_code": CODE,
    "answers": {"name": "林晓梅", "phone": "13800000000", "statement": "开一家理发店，申请卫生许可。" * 5},
}


@dataclass(frozen=True)
class Way:
    """One run of one side."""

    name: str
    events_a_second: float
    posts_a_second: float
    p50_ms: float
    p99_ms: float
    errors: int


def _item() -> ItemPublished:
    return ItemPublished(
        code=CODE,
        code_system="legacy",
        item_version=1,
        name=Text(zh="公共场所卫生许可"),
        organisation=Organisation(id="bench", name=Text(zh="区卫生健康局")),
        division="511602000000",
        item_type="01",
        subjects=("person",),
        limits=Limits(promised=Limit(amount=8), statutory=Limit(amount=20)),
        form=FORM,
        published_at=datetime(2026, 1, 1, tzinfo=UTC),
    )


async def keys_server(machine: Machine) -> tuple[asyncio.Server, str]:
    """The issuer's keys on a loopback port, for services that verify our tokens."""
    body = json.dumps(machine.keys()).encode()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
            writer.write(head.encode() + b"Connection: close\r\n\r\n" + body)
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    return server, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/jwks"


@contextlib.asynccontextmanager
async def _ours(machine: Machine, prefix: str) -> AsyncIterator[tuple[str, str]]:
    cases, reader = await machine.database(f"{prefix}cases"), await machine.database(f"{prefix}effects")
    server, jwks = await keys_server(machine)
    environment = machine.environment("cases", cases, prefix, TONGBAN_JWKS_URL=jwks)
    with patch.dict("os.environ", environment, clear=True):
        settings = CasesSettings.load()
    await upgrade(settings)
    await broker.apply_topics(settings)
    producer = await broker.start_producer(settings)
    event = event_of(_item(), subject=CODE, version=1, time=datetime.now(UTC))
    topic = f"{prefix}catalog.items"
    await producer.send_and_wait(topic, event.value(), key=CODE.encode(), headers=event.headers())
    await producer.stop()
    effects = machine.environment("notify", reader, prefix)
    serve = ("-m", "services.cli", "serve", "cases", "--role", "all")
    async with server:
        with process(*serve, environment=environment), process("-m", "tests.bench.effects", environment=effects):
            for found in (environment["TONGBAN_CASES_MANAGEMENT_PORT"], effects["TONGBAN_NOTIFY_MANAGEMENT_PORT"]):
                await answers(f"http://127.0.0.1:{found}/readyz", 60)
            yield f"http://127.0.0.1:{environment['TONGBAN_CASES_PORT']}", reader


@contextlib.asynccontextmanager
async def _baseline(machine: Machine, prefix: str) -> AsyncIterator[tuple[str, str]]:
    from aiokafka.admin import AIOKafkaAdminClient, NewTopic

    from tests.bench.baseline import PARTITIONS, TABLES

    database = await machine.database(f"{prefix}baseline")
    connection = await asyncpg.connect(database)
    await connection.execute(TABLES)
    await connection.close()
    admin = AIOKafkaAdminClient(bootstrap_servers=machine.bootstrap)
    await admin.start()
    await admin.create_topics([NewTopic(f"{prefix}cases.events", PARTITIONS, 1)])
    await admin.close()
    (port,) = free_ports(1)
    environment = machine.environment("cases", database, prefix) | {
        "BENCH_DATABASE": database,
        "BENCH_KAFKA": machine.bootstrap,
        "BENCH_PREFIX": prefix,
        "BENCH_PORT": str(port),
        "BENCH_KEYS": json.dumps(machine.keys()),
        "BENCH_SCHEMA": json.dumps(FORM),
    }
    command = ("-m", "tests.bench.baseline")
    with process(*command, "api", environment=environment), process(*command, "effects", environment=environment):
        await answers(f"http://127.0.0.1:{port}/livez")
        yield f"http://127.0.0.1:{port}", database


async def _measure(name: str, machine: Machine, url: str, database: str, seconds: int) -> Way:
    tokens = machine.tokens("urn:tongban:cases", 200)
    connection = await asyncpg.connect(database)
    try:
        await load(url, "/cases", BODY, tokens, 5, machine.folder)  # warm the broker and the interpreters
        before = await _settled(connection)
        began = time.perf_counter()
        seen = await load(url, "/cases", BODY, tokens, seconds, machine.folder)
        wanted = before + seen.requests - seen.errors
        deadline = time.perf_counter() + 120
        while (done := await connection.fetchval("SELECT count(*) FROM effects")) < wanted:
            if time.perf_counter() > deadline:
                raise RuntimeError(f"{name}: {wanted - done} effects are missing after two minutes")
            await asyncio.sleep(0.05)
        took = time.perf_counter() - began
    finally:
        await connection.close()
    posts = seen.requests / seen.seconds
    return Way(name, (done - before) / took, posts, seen.p50_ms, seen.p99_ms, seen.errors)


async def _settled(connection: Any) -> int:
    last = -1
    while (now := int(await connection.fetchval("SELECT count(*) FROM effects"))) != last or now == 0:
        last = now
        await asyncio.sleep(1.5)
    return now


async def whole_way(machine: Machine, *, seconds: int = 15, rounds: int = 3) -> list[tuple[Way, Way]]:
    """Pairs of (ours, baseline), taken in turn."""
    found = []
    for number in range(rounds):
        async with _ours(machine, f"o{number}-") as (url, database):
            ours = await _measure("tongban", machine, url, database, seconds)
        async with _baseline(machine, f"b{number}-") as (url, database):
            lean = await _measure("baseline", machine, url, database, seconds)
        found.append((ours, lean))
    return found
