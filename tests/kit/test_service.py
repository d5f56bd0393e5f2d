"""A service as its server runs it."""

import asyncio
import socket
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from structlog.testing import capture_logs

from services.kit import certificates
from services.kit.service import Context, Role, Runner, Service
from tests.harness.platform import quiet_ports
from tests.kit.conftest import TABLES, TinySettings
from tests.kit.spine import until


def _service(tmp_path: Path, **settings: Any) -> Service:
    async def who(request: Request) -> PlainTextResponse:
        host = request.client.host if request.client else "nobody"
        return PlainTextResponse(f"{host} {certificates.told(request.scope)}")

    port, management = quiet_ports(2)
    found = TinySettings(
        profile="test",
        database_url=f"sqlite+aiosqlite:///{tmp_path / 'test.db'}",
        port=port,
        management_port=management,
        **settings,
    )
    return Service(Context.of(found, TABLES), Starlette(routes=[Route("/who", who)]), migrated=False)


@pytest.mark.parametrize(
    ("trusted", "seen"),
    [
        ("127.0.0.0/8", "203.0.113.7 :AA==:"),  # our proxy, which adds who came to it
        ("127.0.0.1,198.51.100.1", "203.0.113.7 :AA==:"),
        ("10.0.0.0/8", "127.0.0.1 None"),  # somebody else, who may write what he likes
        ("", "127.0.0.1 None"),
    ],
)
async def test_only_a_trusted_proxy_tells_who_calls(tmp_path: Path, trusted: str, seen: str) -> None:
    """Lockout and rates go by this address. What the caller wrote himself stands before what the proxy added.

    Its certificate is told in the same way (RFC 8705 §6.5).
    """
    header = "client-cert" if trusted else ""
    service = _service(tmp_path, trusted_proxies=trusted, client_certificate_header=header)
    runner = Runner(service, Role.API)
    running = asyncio.create_task(runner.run())
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{runner.settings.port}") as http:

            async def answers() -> bool:
                try:
                    return (await http.get("/who")).status_code == 200
                except httpx.TransportError:
                    return False

            await until(answers)
            told = {"X-Forwarded-For": "192.0.2.1, 203.0.113.7", "Client-Cert": ":AA==:"}
            answer = await http.get("/who", headers=told)
    finally:
        runner.stopping.set()
        assert await running == 0
    assert answer.text == seen


async def test_a_child_does_not_keep_the_ports_of_a_service_that_ended(tmp_path: Path) -> None:
    """Else the service that is started again cannot have them for as long as the child lives."""
    runner = Runner(_service(tmp_path), Role.API)
    running = asyncio.create_task(runner.run())
    await until(lambda: _listens(runner.settings.port))
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", "input()", stdin=asyncio.subprocess.PIPE, close_fds=False
    )
    runner.stopping.set()
    assert await running == 0
    assert not await _listens(runner.settings.port)
    assert child.returncode is None
    await child.communicate(b"\n")


async def _listens(port: int) -> bool:
    with socket.socket() as tried:
        return tried.connect_ex(("127.0.0.1", port)) == 0


async def test_the_log_keeps_no_words_of_a_worker_that_breaks(tmp_path: Path) -> None:
    class Breaking:
        name = "breaking"

        async def run(self) -> None:
            if runner.stopping.is_set():
                return
            runner.stopping.set()
            raise ExceptionGroup("g", [ValueError("Key (name)=(林晓梅) already exists")])

        async def health(self) -> str | None:
            return None

    runner = Runner(_service(tmp_path), Role.WORKER)
    with capture_logs() as told:
        await runner._keep(Breaking())
    assert [line["event"] for line in told] == ["worker.failed"]
    assert "ValueError" in told[0]["cause"]
    assert "林晓梅" not in str(told)


class Checked:
    """A worker whose health is what a test says."""

    name = "checked"

    def __init__(self) -> None:
        self.said: str | Exception | None = None
        self.free = asyncio.Event()
        self.free.set()

    async def run(self) -> None: ...

    async def health(self) -> str | None:
        await self.free.wait()
        if isinstance(self.said, Exception):
            raise self.said
        return self.said


async def test_readiness_gives_its_last_answer_for_a_while_and_never_a_failed_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    service, worker = _service(tmp_path), Checked()
    service.workers = [worker]
    runner = Runner(service, Role.WORKER)
    runner._opened = runner._topics_checked = True
    assert await runner.problems() == []
    monkeypatch.setattr("services.kit.service.CHECK_SECONDS", 0.0)
    # A check that waits its turn: the last answer stands, until it is too old to.
    worker.said = "stuck"
    worker.free.clear()
    assert await runner.problems() == []
    worker.free.set()
    monkeypatch.setattr("services.kit.service.STALE_SECONDS", 0.0)
    assert await runner.problems() == ["checked: stuck"]
    # A check that cannot be made is no answer at all.
    worker.said = ValueError("broken")
    with pytest.raises(ValueError, match="broken"):
        await runner.problems()
    await service.context.database.close()
