"""What the benches run on: PostgreSQL that syncs, Kafka with its optimising compiler, keys, a load from `wrk`."""

import asyncio
import base64
import contextlib
import json
import os
import re
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import asyncpg
from joserfc import jwt
from joserfc.jwk import ECKey

from services.local.kafka import KafkaNode, KafkaPlan, wait_ready
from services.local.ports import free_ports
from tests.harness.postgres import PostgresServer

ISSUER = "http://localhost:8083"
ROOT = Path(__file__).resolve().parents[2]


class NeedsProgram(RuntimeError):
    """A program that a bench needs is not installed; says how to get it."""


@dataclass
class Machine:
    """The servers of one run and what tells our processes of them."""

    folder: Path
    postgres: PostgresServer
    bootstrap: str
    kafka_pid: int
    key: ECKey

    async def database(self, name: str) -> str:
        """A new, empty database; its libpq address."""
        connection = await asyncpg.connect(self.postgres.admin_url)
        try:
            await connection.execute(f'CREATE DATABASE "{name}"')
        finally:
            await connection.close()
        return f"{self.postgres.admin_url.rpartition('/')[0]}/{name}"

    def environment(self, service: str, database: str, prefix: str, **more: str) -> dict[str, str]:
        """Settings of one service process in the production profile."""
        port, management = free_ports(2)
        name = service.upper()
        return {
            **{k: v for k, v in os.environ.items() if not k.startswith("TONGBAN_")},
            "TONGBAN_PROFILE": "production",
            "TONGBAN_KAFKA": self.bootstrap,
            "TONGBAN_TOPIC_PREFIX": prefix,
            "TONGBAN_ISSUER": ISSUER,
            "TONGBAN_MASTER_KEY": base64.b64encode(secrets.token_bytes(32)).decode(),
            "TONGBAN_STORAGE_URL": f"file://{self.folder / 'files'}",
            f"TONGBAN_{name}_DATABASE_URL": database.replace("postgresql://", "postgresql+asyncpg://", 1),
            f"TONGBAN_{name}_PORT": str(port),
            f"TONGBAN_{name}_MANAGEMENT_PORT": str(management),
            "TONGBAN_LOG_LEVEL": "WARNING",
            **more,
        }

    def tokens(self, audience: str, count: int) -> list[str]:
        """Access tokens of `count` citizens, valid for the whole run."""
        now = int(time.time())
        return [
            jwt.encode(
                {"alg": "ES256", "typ": "at+jwt", "kid": self.key.kid},
                {
                    "iss": ISSUER,
                    "aud": audience,
                    "sub": f"{number:032x}",
                    "client_id": "portal",
                    "realm": "citizen",
                    "name": "林晓梅",
                    "jti": secrets.token_hex(8),
                    "iat": now,
                    "exp": now + 3600,
                },
                self.key,
                algorithms=["ES256"],
            )
            for number in range(count)
        ]

    def keys(self) -> dict[str, object]:
        """The JWK set that verifies `tokens`."""
        return {"keys": [self.key.as_dict(private=False)]}


def _folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="tongban-bench-"))
    folder.chmod(0o711)
    return folder


@contextlib.asynccontextmanager
async def machine(shared_buffers: str = "64MB") -> AsyncIterator[Machine]:
    """PostgreSQL with fsync and one Kafka node of 1 GB in a temporary folder; gone afterwards."""
    folder = _folder()
    postgres = PostgresServer(folder / "postgres", durable=True, settings={"shared_buffers": shared_buffers})
    postgres.start()
    client, controller = free_ports(2)
    node = KafkaNode(KafkaPlan(folder / "kafka", client, controller, heap_mb=1024, throughput=True))
    try:
        node.start()
        await wait_ready(node.plan.bootstrap)
        key = ECKey.generate_key("P-256", parameters={"kid": "bench"})
        yield Machine(folder, postgres, node.plan.bootstrap, node.pid, key)
    finally:
        node.stop()
        postgres.stop()
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def process(*command: str, environment: dict[str, str] | None = None) -> Iterator[subprocess.Popen[bytes]]:
    """A Python process of ours, stopped at the end."""
    running = subprocess.Popen([sys.executable, *command], cwd=ROOT, env=environment)
    try:
        yield running
    finally:
        running.terminate()
        try:
            running.wait(10)
        except subprocess.TimeoutExpired:
            running.kill()
            running.wait()


async def answers(url: str, seconds: float = 30) -> None:
    """Wait until `url` answers 200."""
    import httpx

    deadline = time.monotonic() + seconds
    async with httpx.AsyncClient() as client:
        while True:
            words = "no answer"
            with contextlib.suppress(httpx.HTTPError):
                answer = await client.get(url)
                if answer.status_code == 200:
                    return
                words = answer.text.strip()
            if time.monotonic() > deadline:
                raise TimeoutError(f"{url}: {words}")
            await asyncio.sleep(0.1)


@dataclass(frozen=True)
class Load:
    """What `wrk` saw."""

    requests: int
    seconds: float
    errors: int
    p50_ms: float
    p99_ms: float


_SCRIPT = """
local tokens = TOKENS
local body = BODY
local threads = 0
function setup(thread) thread:set("id", threads); threads = threads + 1 end
function init() counter = 0; math.randomseed(os.time() + id) ; run = tostring(math.random(1, 1e9)) end
function request()
  counter = counter + 1
  local headers = {}
  headers["Content-Type"] = "application/json"
  headers["Authorization"] = "Bearer " .. tokens[(counter % #tokens) + 1]
  headers["Idempotency-Key"] = run .. "-" .. id .. "-" .. counter
  return wrk.format("POST", PATH, headers, body)
end
"""


async def load(
    url: str, path: str, body: dict[str, object], tokens: list[str], seconds: int, folder: Path, connections: int = 32
) -> Load:
    """POST `body` for some seconds, each time with a new Idempotency-Key."""
    if not shutil.which("wrk"):
        raise NeedsProgram("the bench needs wrk: apt-get install wrk")
    script = folder / "load.lua"
    listed = "{" + ",".join(json.dumps(token) for token in tokens) + "}"
    text = _SCRIPT.replace("TOKENS", listed).replace("PATH", json.dumps(path))
    script.write_text(text.replace("BODY", json.dumps(json.dumps(body, ensure_ascii=False), ensure_ascii=False)))
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "-s", str(script), url]
    running = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    out = (await running.communicate())[0].decode()
    total = re.search(r"(\d+) requests in ([\d.]+)s", out)
    if not total:
        raise RuntimeError(out)
    bad = re.search(r"Non-2xx or 3xx responses: (\d+)", out)
    sockets = re.search(r"Socket errors: .*timeout (\d+)", out)
    errors = (int(bad[1]) if bad else 0) + (int(sockets[1]) if sockets else 0)
    return Load(int(total[1]), float(total[2]), errors, _ms(out, "50%"), _ms(out, "99%"))


def _ms(out: str, share: str) -> float:
    found = re.search(rf"{share}\s+([\d.]+)(us|ms|s)", out)
    return float(found[1]) * {"us": 0.001, "ms": 1.0, "s": 1000.0}[found[2]] if found else 0.0


def cpu_seconds(pid: int) -> float:
    """CPU time of a process and its children so far."""
    total = 0.0
    ticks = os.sysconf("SC_CLK_TCK")
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError, ValueError):
            fields = path.read_text().rsplit(")", 1)[1].split()
            if int(path.parent.name) == pid or int(fields[1]) == pid:
                total += (int(fields[11]) + int(fields[12])) / ticks
    return total
