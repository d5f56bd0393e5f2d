"""What the OpenID provider costs: CPU of server and database an operation, start, memory, latency under logins.

One identity process (all roles, with its relay and Kafka) on PostgreSQL with fsync; this process only drives it and is
not counted. Rotation and revocation are on, every answer is checked. The aims stand beside the figures.
"""

import asyncio
import contextlib
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

from joserfc.jwk import ECKey

from services.identity import app
from services.identity.domain.clients import Realm
from services.identity.handlers import OpenAccount, open_account
from services.identity.handlers.passwords import Passwords
from services.identity.settings import IdentitySettings
from services.identity.store import Work
from services.kit import broker
from services.kit.migrations import upgrade
from tests.bench import relying
from tests.bench.machine import ROOT, Machine, cpu_seconds
from tests.bench.relying import Relying
from tests.bench.wire import Wire

PEOPLE = 40
AT_ONCE = 4
SATURATING = 24
"""Logins at the same time while latencies are taken: twelve for each thread that hashes."""
Act = Callable[[Wire, int], Awaitable[Any]]


@dataclass
class Target:
    """The provider under measurement."""

    url: str
    management: str
    pid: int
    postgres_pid: int
    relying: Relying
    ready_seconds: float
    ready_cpu: float


@dataclass(frozen=True)
class Cost:
    """CPU milliseconds of one operation; `loop`: what of the server's is not in threads beside (the password hash)."""

    server: float
    database: float
    loop: float

    @property
    def both(self) -> float:
        return self.server + self.database


def loop_seconds(pid: int) -> float:
    """CPU time of a process's first thread, which runs the event loop."""
    fields = Path(f"/proc/{pid}/task/{pid}/stat").read_text("utf-8").rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_mb(pid: int) -> float:
    """Resident memory in MB of 10⁶ bytes."""
    status = Path(f"/proc/{pid}/status").read_text("utf-8")
    line = next(line for line in status.splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) * 1024 / 1e6


@contextlib.contextmanager
def _process(environment: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", "services.cli", "serve", "identity", "--role", "all"]
    running = subprocess.Popen(command, cwd=ROOT, env=environment)
    try:
        yield running
    finally:
        running.terminate()
        running.wait(30)


async def _ready(management: str, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            async with Wire(management) as wire:
                if (await wire.call("GET", "/readyz")).status == 200:
                    return
        await asyncio.sleep(0.01)
    raise TimeoutError("identity is not ready")


@contextlib.asynccontextmanager
async def _target(machine: Machine) -> AsyncIterator[Target]:
    key = ECKey.generate_key("P-256", auto_kid=True)
    database = await machine.database("identity")
    more = {
        "TONGBAN_IDENTITY_CLIENTS": json.dumps(relying.declarations(key)),
        # Each login comes from another address, as a front passes it on.
        "TONGBAN_TRUSTED_PROXIES": "127.0.0.1",
    }
    environment = machine.environment("identity", database, "identity-", **more)
    with patch.dict("os.environ", environment, clear=True):
        settings = IdentitySettings.load()
    await upgrade(settings)
    await broker.apply_topics(settings)
    await _open_accounts(settings)
    url, management = f"http://127.0.0.1:{settings.port}", f"http://127.0.0.1:{settings.management_port}"
    times, spent = [], []
    for last in (False, False, True):
        began = time.perf_counter()
        with _process(environment) as running:
            await _ready(management)
            times.append(time.perf_counter() - began)
            spent.append(cpu_seconds(running.pid))
            if last:
                found = Relying(key)
                async with Wire(url) as wire:
                    await found.discover(wire)
                start = statistics.median(times), statistics.median(spent)
                yield Target(url, management, running.pid, machine.postgres.pid, found, *start)


async def _open_accounts(settings: IdentitySettings) -> None:
    service = app.build(settings)
    await service.open()
    passwords = Passwords(threads=2, queue=PEOPLE)
    commands = [
        OpenAccount("bench", Realm.CITIZEN, name, "林晓梅", relying.PASSWORD) for name in relying.usernames(PEOPLE)
    ]
    await asyncio.gather(*(open_account(command, Work(service.context), passwords) for command in commands))
    await passwords.close()
    await service.close()


async def _spread(target: Target, count: int, act: Act, at_once: int = AT_ONCE) -> list[Any]:
    """Do `act` for 0 … count-1 on a few connections; what it gave."""
    numbers, found = iter(range(count)), []

    async def one() -> None:
        async with Wire(target.url) as wire:
            found.extend([await act(wire, number) for number in numbers])

    async with asyncio.TaskGroup() as group:
        for _ in range(at_once):
            group.create_task(one())
    return found


class Bench:
    """One sitting."""

    def __init__(self, target: Target, rounds: int) -> None:
        self.target = target
        self.relying = target.relying
        self.rounds = rounds
        self._logins = 0

    async def cost(self, count: int, act: Act) -> Cost:
        """CPU of one operation: the median of some rounds after a warm-up."""
        await _spread(self.target, max(count // 10, 20), act)
        rounds = []
        for _ in range(self.rounds):
            before = self._cpu()
            await _spread(self.target, count, act)
            after = self._cpu()
            rounds.append(Cost(*((b - a) * 1000 / count for a, b in zip(before, after, strict=True))))
        return sorted(rounds, key=lambda cost: cost.both)[len(rounds) // 2]

    def _cpu(self) -> tuple[float, float, float]:
        return cpu_seconds(self.target.pid), cpu_seconds(self.target.postgres_pid), loop_seconds(self.target.pid)

    async def login(self, wire: Wire, _: int = 0, audience: str = relying.AUDIENCE) -> dict[str, Any]:
        """The next person signs in from the next address."""
        self._logins += 1
        name = relying.usernames(PEOPLE)[self._logins % PEOPLE]
        address = f"10.{self._logins >> 16 & 255}.{self._logins >> 8 & 255}.{self._logins & 255}"
        return await self.relying.sign_in(wire, name, address, audience)

    async def operations(self) -> None:
        """Every operation beside its aim."""

        async def machine_token(wire: Wire, _: int) -> None:
            await self.relying.machine_token(wire)

        _told("client credentials (private_key_jwt)", await self.cost(1000, machine_token), 1.0)
        families = [found["refresh_token"] for found in await _spread(self.target, PEOPLE, self.login)]
        first = list(families)

        async def refresh(wire: Wire, number: int) -> None:
            # A family is one connection's at a time: its tokens follow each other.
            token = families.pop()
            families.insert(0, (await self.relying.refresh(wire, token))["refresh_token"])

        _told("refresh with rotation", await self.cost(800, refresh), 2.0)
        whole = await self.cost(300, self.login)
        _told("whole login (page, form, code, tokens)", whole, 17.0)
        _told("whole login, hash left out (the event loop's thread)", Cost(whole.loop, whole.database, 0), 5.5)
        print(f"  the hash was {whole.server - whole.loop:.1f} ms (11.5 on a quiet machine)")
        await self._inspection(first)
        async with Wire(self.target.url) as wire:
            await self.relying.discover(wire)  # the next keys are made after the start
        for path, words in (("/.well-known/openid-configuration", "discovery"), ("/jwks", "JWKS")):
            _told(words, await self.cost(3000, self.relying.reader_of(path)), 0.15)

    async def _inspection(self, reused: list[str]) -> None:
        async def for_us(wire: Wire, number: int) -> dict[str, Any]:
            return await self.login(wire, number, relying.PROVIDER)

        tokens = [found["access_token"] for found in await _spread(self.target, PEOPLE, self.login)]
        ours = [found["access_token"] for found in await _spread(self.target, PEOPLE, for_us)]
        _told(
            "introspection (client_secret_basic)",
            await self.cost(1500, lambda wire, n: self.relying.introspect(wire, tokens[n % PEOPLE])),
            0.65,
        )
        _told("userinfo", await self.cost(1500, lambda wire, n: self.relying.userinfo(wire, ours[n % PEOPLE])), 0.6)
        async with Wire(self.target.url) as wire:
            for ask, asked in ((self.relying.introspect, tokens), (self.relying.userinfo, ours)):
                await self.relying.revoke(wire, asked[0])
                await ask(wire, asked[0], active=False)
                await ask(wire, asked[1])
            await self.relying.reuse(wire, reused[0])
        print("  a revoked token was inactive at once, a used refresh token was refused")

    async def memory(self, logins: int) -> None:
        """Resident memory over many logins: flat after the first tenth."""
        seen = []
        for _ in range(10):
            await _spread(self.target, logins // 10, self.login, 8)
            seen.append(resident_mb(self.target.pid))
        grown = seen[-1] - seen[0]
        shown = ", ".join(f"{size:.0f}" for size in seen)
        print(
            f"  resident after {logins} logins    {seen[-1]:6.0f} MB   (aim 150; {grown:+.1f} since a tenth: {shown})"
        )

    async def latencies(self, seconds: int) -> None:
        """p99 of other requests while logins saturate the cores."""
        stop = asyncio.Event()

        async def forever(wire: Wire, _: int) -> int:
            if not stop.is_set():
                await self.login(wire)
                return 1
            return 0

        proofs = []
        for _ in range(seconds * 12):
            given = {"grant_type": "client_credentials", "resource": relying.AUDIENCE}
            proofs.append(self.relying.form(relying.MACHINE, given).decode())
        plan = {
            "url": self.target.url,
            "management": self.target.management,
            "seconds": seconds,
            "pause": 0.03,
            "tokens": proofs,
        }
        logins = asyncio.create_task(_spread(self.target, 1_000_000, forever, SATURATING))
        await asyncio.sleep(2)
        before, began = sum(self._cpu()[:2]), time.perf_counter()
        probe = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.bench.probe", cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        out, _ = await probe.communicate(json.dumps(plan).encode())
        busy = (sum(self._cpu()[:2]) - before) / (time.perf_counter() - began)
        stop.set()
        done = sum(await logins)
        print(f"  while {done} logins kept server and database at {busy:.1f} cores:")
        for name, times in json.loads(out).items():
            times.sort()
            middle, late = times[len(times) // 2], times[int(len(times) * 0.99)]
            print(f"    {name:10} p50 {middle:5.1f} ms  p99 {late:5.1f} ms of {len(times)} (aim p99 50)")


def _told(words: str, cost: Cost, aim: float) -> None:
    verdict = "" if cost.both <= aim else "  OVER"
    print(
        f"  {words:66} {cost.server:5.2f} + {cost.database:4.2f} = {cost.both:5.2f}  (aim {aim:g}){verdict}", flush=True
    )


async def identity(machine: Machine, *, rounds: int, seconds: int, logins: int) -> None:
    """Print every figure of the provider."""
    print("identity: CPU ms an operation, server + database (PostgreSQL, fsync on), every answer checked")
    async with _target(machine) as target:
        print(f"  start to ready           {target.ready_seconds:6.2f} s    (aim 2; {target.ready_cpu:.2f} s of CPU)")
        print(f"  resident, idle           {resident_mb(target.pid):6.0f} MB   (aim 100)")
        bench = Bench(target, rounds)
        await bench.operations()
        await bench.memory(logins)
        await bench.latencies(seconds)
