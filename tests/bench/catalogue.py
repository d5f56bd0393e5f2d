"""Search, typing help and guides over 1,000,000 items on PostgreSQL: one client and eight, cold and warm.

The mix is stated below: a third of the queries are the ten commonest words. Cold: PostgreSQL and the service have just
started, and each query is asked once.
"""

import asyncio
import contextlib
import random
import statistics
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from unittest.mock import patch
from urllib.parse import quote, urlencode

import asyncpg

from services.catalog.settings import CatalogSettings
from services.kit import broker
from services.kit.migrations import upgrade
from tests.bench.catalogue_fill import fill
from tests.bench.machine import Machine, answers, cpu_seconds, process
from tests.bench.whole_way import keys_server
from tests.bench.wire import Wire

COMMONEST = ("许可", "登记", "备案", "变更", "企业", "食品", "经营", "生产", "设立", "审批")
_WORDS = (
    *COMMONEST,
    "食品经营许可", "道路运输 许可", "企业设立登记", "药品生产许可（变更）", "农村用地审批", "社会 津贴",
    "民办教师认定",
    "shipin", "jingyingxuke", "spjyxk", "开公司", "理发店", "个体户", "食品金营许可", "道路运书", "企业射立登记",
    "护照", "xyzzy",
)  # fmt: skip
MIX: tuple[str, ...] = (
    *(urlencode({"q": words}) for words in _WORDS),
    urlencode({"q": "许可", "subject": "company", "topic": "operation"}),
    urlencode({"q": "登记", "division": "510000000000", "no_visit": "true"}),
    urlencode({"q": "经营", "item_type": "01", "channel": "mobile", "free": "true"}),
    urlencode({"topic": "education"}),
    "",
)
TYPED = (
    "食",
    "食品",
    "食品经营",
    "企业设",
    "道路运输经",
    "s",
    "shi",
    "shipinjingying",
    "spjy",
    "qysl",
    "dl",
    "农村",
    "登",
)


@dataclass(frozen=True)
class Times:
    """What the clients saw, in milliseconds."""

    p50: float
    p95: float
    slowest: str
    a_second: float


def _times(seen: Sequence[tuple[float, str]], seconds: float) -> Times:
    ordered = sorted(each for each, _ in seen)
    by_path: dict[str, list[float]] = {}
    for each, path in seen:
        by_path.setdefault(path, []).append(each)
    slowest, path = max((statistics.median(each), path) for path, each in by_path.items())
    p95 = ordered[int(len(ordered) * 0.95)]
    return Times(ordered[len(ordered) // 2], p95, f"{slowest:.0f} ms {path}", len(seen) / seconds)


async def _ask(url: str, token: str, paths: Sequence[str], clients: int, seconds: float) -> Times:
    """Ask at random for some seconds; each path once, in turn, where `seconds` is 0."""
    seen: list[tuple[float, str]] = []
    began = time.perf_counter()

    async def client(seed: int) -> None:
        chance = random.Random(seed)
        async with Wire(url) as wire:
            turn = iter(paths) if not seconds else iter(lambda: chance.choice(paths), None)
            for path in turn:
                start = time.perf_counter()
                answer = await wire.call("GET", path, headers={"Authorization": f"Bearer {token}"})
                now = time.perf_counter()
                if answer.status != 200:
                    raise AssertionError(f"{path}: {answer.status} {answer.body[:200]!r}")
                seen.append(((now - start) * 1000, path))
                if seconds and now - began > seconds:
                    return

    await asyncio.gather(*(client(seed) for seed in range(clients)))
    return _times(seen, time.perf_counter() - began)


@contextlib.asynccontextmanager
async def _served(machine: Machine, database: str) -> AsyncIterator[tuple[str, int]]:
    server, jwks = await keys_server(machine)
    environment = machine.environment("catalog", database, "search-", TONGBAN_JWKS_URL=jwks)
    async with server:
        with process("-m", "services.cli", "serve", "catalog", "--role", "api", environment=environment) as running:
            await answers(f"http://127.0.0.1:{environment['TONGBAN_CATALOG_MANAGEMENT_PORT']}/livez", 60)
            for _ in range(200):
                with contextlib.suppress(OSError):
                    async with Wire(f"http://127.0.0.1:{environment['TONGBAN_CATALOG_PORT']}"):
                        break
                await asyncio.sleep(0.1)
            yield f"http://127.0.0.1:{environment['TONGBAN_CATALOG_PORT']}", running.pid


async def filled(machine: Machine, count: int) -> str:
    """A database with `count` items; its libpq address."""
    database = await machine.database("search")
    environment = machine.environment("catalog", database, "search-")
    with patch.dict("os.environ", environment, clear=True):
        settings = CatalogSettings.load()
        await upgrade(settings)
        await broker.apply_topics(settings)
    connection = await asyncpg.connect(database)
    try:
        await fill(connection, count)
    finally:
        await connection.close()
    return database


async def catalogue(
    machine: Machine, database: str, seconds: float, told: Callable[[str], None], restart: Callable[[], None]
) -> None:
    """Measure and tell."""
    (token,) = machine.tokens("urn:tongban:catalog", 1)
    searches = [f"/items?{query}" for query in MIX]
    suggests = [f"/suggest?q={quote(typed)}" for typed in TYPED]
    connection = await asyncpg.connect(database)
    codes = [row["code"] for row in await connection.fetch("SELECT code FROM items ORDER BY code LIMIT 2000")]
    await connection.close()
    guides = [f"/items/{code}" for code in codes]
    restart()
    async with _served(machine, database) as (url, pid):
        for name, paths, bar in (("search", searches, 50), ("typing help", suggests, 20), ("guide", guides[:100], 30)):
            cold = await _ask(url, token, paths, 1, 0)
            told(f"  {name:12} cold, one client     p50 {cold.p50:6.1f} ms  p95 {cold.p95:6.1f} ms  ({cold.slowest})")
            for clients in (1, 8):
                some = guides if paths == guides[:100] else paths
                spent = [cpu_seconds(each) for each in (pid, machine.postgres.pid)]
                warm = await _ask(url, token, some, clients, seconds)
                asked = warm.a_second * seconds / 1000
                ours, theirs = (
                    (cpu_seconds(each) - before) / asked
                    for each, before in zip((pid, machine.postgres.pid), spent, strict=True)
                )
                told(
                    f"  {name:12} warm, {clients} client(s)    p50 {warm.p50:6.1f} ms  p95 {warm.p95:6.1f} ms"
                    f"  {warm.a_second:6.0f}/s  CPU {ours:.1f} + {theirs:.1f} ms  (bar p95 {bar} ms; {warm.slowest})"
                )
