"""`tongban serve`, one service alone as the manifests start it: waits for its tables; its roles work together."""

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from joserfc import jwt
from joserfc.jwk import ECKey

from services.contracts.base import Envelope
from services.contracts.topics import CASES_EVENTS, CATALOG_ITEMS
from services.local import secrets
from services.local.process import spawn, stop
from tests.cases.conftest import SIMPLE, published
from tests.harness.platform import ROOT, Platform, quiet_ports

KEY = ECKey.generate_key("P-256", parameters={"kid": "k1"})


@pytest.fixture
def jwks() -> Iterator[str]:
    """Address of an issuer's keys."""

    class Keys(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = orjson.dumps({"keys": [KEY.as_dict(private=False)]})
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Keys)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()


@pytest.fixture
def cases(tmp_path: Path, postgres_url: str, kafka: str, topic_prefix: str, jwks: str) -> Platform:
    """What the cases service is told; nothing runs, its database is empty."""
    settings = {
        "TONGBAN_CASES_DATABASE_URL": postgres_url,
        "TONGBAN_KAFKA": kafka,
        "TONGBAN_TOPIC_PREFIX": topic_prefix,
        "TONGBAN_JWKS_URL": jwks,
    }
    found = Platform(tmp_path, settings=settings)
    assert found.tongban("topics", "apply").returncode == 0
    return found


Serve = Callable[..., Platform]


@pytest.fixture
def serve(cases: Platform) -> Iterator[Serve]:
    """`serve("worker")` starts the service in a role, each on ports of its own."""
    running: list[subprocess.Popen[bytes]] = []

    def start(role: str) -> Platform:
        http, management = quiet_ports(2)
        own = {"TONGBAN_CASES_PORT": str(http), "TONGBAN_CASES_MANAGEMENT_PORT": str(management)}
        found = Platform(cases.folder, settings={**cases.settings, **own})
        command = [sys.executable, "-m", "services.cli", "serve", "cases", "--role", role]
        running.append(spawn(command, cases.folder / f"{role}.log", cwd=ROOT, env=found.environment))
        return found

    yield start
    for process in running:
        assert stop(process, 20) == 0


def _problem(service: Platform, words: str, seconds: float = 60.0) -> str:
    """What /readyz says as soon as it says `words`."""
    deadline = time.monotonic() + seconds
    while words not in (answer := service.ready("cases"))[1]:
        assert answer[0] != 200 and time.monotonic() < deadline, answer
        time.sleep(0.05)
    assert answer[0] == 503
    return answer[1]


def test_a_service_is_not_ready_before_its_database_is_migrated(cases: Platform, serve: Serve) -> None:
    secrets.make(cases.data_dir)
    service = serve("all")
    _problem(service, "run `tongban migrate cases`")
    assert cases.tongban("migrate", "cases").returncode == 0
    service.wait_ready("cases")


async def test_what_the_api_takes_the_worker_relays(cases: Platform, serve: Serve, topic_prefix: str) -> None:
    """The two commands of each pair of Deployments: the worker hears of an item, the api takes a case, the worker
    sends its event."""
    assert cases.tongban("migrate", "cases").returncode == 0
    api, worker = serve("api"), serve("worker")
    for one in (api, worker):
        one.wait_ready("cases")
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", int(worker.environment["TONGBAN_CASES_PORT"]))) != 0

    kafka = str(cases.settings["TONGBAN_KAFKA"])
    item = Envelope("e-1", "urn:tongban:catalog", SIMPLE, 1, datetime.now(UTC), published(SIMPLE, materials=[]))
    producer = AIOKafkaProducer(bootstrap_servers=kafka)
    await producer.start()
    try:
        await producer.send_and_wait(
            topic_prefix + CATALOG_ITEMS, item.value(), key=item.subject.encode(), headers=item.headers()
        )
    finally:
        await producer.stop()

    case = await _submit(api)
    consumer = AIOKafkaConsumer(topic_prefix + CASES_EVENTS, bootstrap_servers=kafka, auto_offset_reset="earliest")
    await consumer.start()
    try:
        record = await consumer.getone()
    finally:
        await consumer.stop()
    assert record.key == case.encode()


async def _submit(api: Platform) -> str:
    now = int(time.time())
    issuer = f"http://localhost:{api.environment['TONGBAN_IDENTITY_PORT']}"
    claims = {
        "iss": issuer, "aud": "urn:tongban:cases", "sub": "lin", "client_id": "portal", "realm": "citizen",
        "jti": "j", "iat": now, "exp": now + 300,
    }  # fmt: skip
    token = jwt.encode({"alg": "ES256", "typ": "at+jwt", "kid": "k1"}, claims, KEY, algorithms=["ES256"])
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": "k-1"}
    body = {"item_code": SIMPLE, "answers": {"shop": "晓梅"}}
    deadline = time.monotonic() + 60
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{api.environment['TONGBAN_CASES_PORT']}") as http:
        # 404 until the worker has taken the item in.
        while (answer := await http.post("/cases", json=body, headers=headers)).status_code == 404:
            assert time.monotonic() < deadline, answer.text
            time.sleep(0.1)  # noqa: ASYNC251
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])
