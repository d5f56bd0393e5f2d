"""The local platform as a developer has it: time to ready, memory, idle CPU, weight of pages, commit → webhook."""

import asyncio
import gzip
import re
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx

from services.local import runfile
from tests.bench.machine import cpu_seconds
from tests.faults.driver import ITEM, Person
from tests.harness.platform import Platform
from tests.harness.postgres import PostgresServer
from tests.kit.receiver import Call, Receiver


def _processes(platform: Platform) -> dict[str, int]:
    found = runfile.load(platform.data_dir)
    assert found is not None and found.pid is not None
    return dict(found.processes) | {"supervisor": found.pid}


def _pss_mib(pid: int) -> float:
    text = Path(f"/proc/{pid}/smaps_rollup").read_text("utf-8")
    return int(re.search(r"^Pss:\s+(\d+)", text, re.MULTILINE)[1]) / 1024  # type: ignore[index]


def _cpu(platform: Platform) -> float:
    return sum(cpu_seconds(pid) for name, pid in _processes(platform).items() if name != "supervisor")


async def _page_bytes(url: str) -> int:
    """Bytes on the wire of a first visit: the page and what it links, compressed, images apart."""
    async with httpx.AsyncClient(follow_redirects=True, headers={"Accept-Encoding": "gzip"}) as client:
        total, page = await _weigh(client, url)
        for link in dict.fromkeys(re.findall(r'(?:src|href)="(/[^"]+\.(?:css|js|mjs)[^"]*)"', page)):
            total += (await _weigh(client, str(httpx.URL(url).join(link))))[0]
    return total


async def _weigh(client: httpx.AsyncClient, url: str) -> tuple[int, str]:
    async with client.stream("GET", url) as answer:
        raw = b"".join([part async for part in answer.aiter_raw()])
    packed = answer.headers.get("content-encoding") == "gzip"
    head = sum(len(name) + len(value) + 4 for name, value in answer.headers.raw)
    return len(raw) + head, (gzip.decompress(raw) if packed else raw).decode("utf-8", "replace")


async def _delay_ms(platform: Platform, tries: int = 40) -> tuple[float, float]:
    """From the answer to a submission to its webhook at the department, one at a time: p50 and p95 in ms."""
    arrived: dict[str, float] = {}

    async def take(call: Call) -> tuple[int, dict[str, str]]:
        if call.method == "OPTIONS":
            return 200, {"webhook-allowed-origin": call.headers["webhook-request-origin"]}
        for case in re.findall(rb'"subject":\s*"([0-9a-f]+)"', call.body):
            arrived[case.decode()] = time.perf_counter()
        return 204, {}

    async with Receiver(take) as receiver:
        officer = await Person(platform, "officer", "desk").sign_in()
        body = {"organisation": "*", "types": ["cn.tongban.cases.submitted.v1"], "sink": receiver.url}
        headers = {"Idempotency-Key": "bench"}
        made = await officer.call("notify", "POST", "/subscriptions", json=body, headers=headers)
        assert made.status_code == 201 and made.json()["status"] == "active", made.text
        lin = await Person(platform, "lin").sign_in()
        code = await lin.item_code()
        delays = []
        for _ in range(tries):
            case = await lin.submit(code)
            committed = time.perf_counter()
            while case not in arrived:  # noqa: ASYNC110 (filled by the receiver)
                await asyncio.sleep(0.001)
            delays.append((arrived[case] - committed) * 1000)
            await asyncio.sleep(0.1)
    delays = sorted(delays[5:])
    return statistics.median(delays), delays[int(len(delays) * 0.95)]


async def _published_ms(platform: Platform, tries: int = 20) -> dict[str, float]:
    """From the answer to a suspension of an item until `cases` and the search go by it: the slowest of some, in ms."""
    registrar = await Person(platform, "registrar", "desk").sign_in()
    lin = await Person(platform, "lin").sign_in()
    code = await lin.item_code()

    async def standing(in_cases: int, in_search: int, act: str) -> dict[str, float]:
        """Do `act`; how long until a submission without answers and a search are answered so."""
        headers = {"Idempotency-Key": act}
        done = await registrar.call(
            "catalog", "POST", f"/items/{code}/{act}", json={"version": 1, "reason": "bench"}, headers=headers
        )
        assert done.status_code == 200, done.text
        began = time.perf_counter()

        async def cases() -> bool:
            given = {"item_code": code, "answers": {}}
            key = {"Idempotency-Key": str(time.monotonic_ns())}
            return (await lin.call("cases", "POST", "/cases", json=given, headers=key)).status_code == in_cases

        async def search() -> bool:
            found = (await lin.call("catalog", "GET", "/items", params={"q": ITEM})).json()["items"]
            return len([item for item in found if item["code"] == code]) == in_search

        async def until(said: Callable[[], Awaitable[bool]]) -> float:
            while not await said():
                pass
            return (time.perf_counter() - began) * 1000

        return dict(zip(("cases", "search"), await asyncio.gather(until(cases), until(search)), strict=True))

    slowest = {"cases": 0.0, "search": 0.0}
    for _ in range(tries):
        for found in (await standing(409, 0, "suspend"), await standing(422, 1, "resume")):
            slowest = {name: max(slowest[name], found[name]) for name in found}
    return slowest


def local_platform(database: str) -> dict[str, Any]:
    """The figures of one local platform on `database` ("sqlite" or "postgresql")."""
    folder = Path(tempfile.mkdtemp(prefix="tongban-bench-local-"))
    folder.chmod(0o711)
    postgres = None
    if database == "postgresql":
        postgres = PostgresServer(folder / "postgres", durable=True)
        postgres.start()
    (folder / "platform").mkdir()
    platform = Platform(folder / "platform", postgres)
    try:
        platform.start()  # the first start migrates and loads the demonstration data
        platform.stop()
        began = time.perf_counter()
        platform.start()
        ready = time.perf_counter() - began
        delay = asyncio.run(_delay_ms(platform))
        portal = platform.url("portal").rstrip("/")
        weights = {path: asyncio.run(_page_bytes(f"{portal}{path}")) for path in ("/", "/items?q=登记")}
        time.sleep(5)
        before, at = _cpu(platform), time.perf_counter()
        time.sleep(20)
        idle = (_cpu(platform) - before) / (time.perf_counter() - at)
        memory = {name: _pss_mib(pid) for name, pid in _processes(platform).items()}
        published = asyncio.run(_published_ms(platform))
        return {
            "ready": ready, "delay": delay, "published": published, "pages": weights, "idle": idle, "memory": memory,
        }  # fmt: skip
    finally:
        platform.stop()
        if postgres is not None:
            postgres.stop()
