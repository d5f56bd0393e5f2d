"""A department's system: the project's own `tongban listen`, started and stopped as its developer would."""

import asyncio
import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.async_api import Page, expect

from services.local.process import spawn
from tests.harness.platform import ROOT, Platform, quiet_ports

CASES = "cn.tongban.cases."


@dataclass
class Listener:
    """`tongban listen` on a port of its own; what it printed is kept over stops and starts."""

    platform: Platform
    folder: Path
    port: int = field(default_factory=lambda: quiet_ports(1)[0])
    _process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/events"

    @property
    def log(self) -> Path:
        return self.folder / f"listen-{self.port}.log"

    async def start(self, secret: str) -> None:
        """Begin to receive; returns when it listens."""
        self.folder.mkdir(exist_ok=True)
        (self.folder / "secret").write_text(secret, "utf-8")
        command = [sys.executable, "-m", "services.cli", "listen", "--json", "--port", str(self.port)]
        command += ["--secret-file", str(self.folder / "secret")]
        before = self._lines().count(f"listening on http://127.0.0.1:{self.port}/")
        self._process = spawn(command, self.log, cwd=ROOT, env=self.platform.environment)
        await _until(lambda: self._lines().count(f"listening on http://127.0.0.1:{self.port}/") > before)

    def stop(self) -> None:
        """Go down, as a system that is restarted does."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
            self._process.wait(20)

    def events(self, case: str) -> list[dict[str, Any]]:
        """The events of one case that were verified and acknowledged, in order of arrival."""
        found = [json.loads(line) for line in self._lines() if line.startswith("{")]
        return [event for event in found if event["subject"] == case]

    def names(self, case: str) -> list[str]:
        """The last words of the events' types, such as "submitted"."""
        return [event["type"].removeprefix(CASES).removesuffix(".v1") for event in self.events(case)]

    async def heard(self, case: str, names: list[str], seconds: float = 60.0) -> None:
        """Wait until exactly these events of the case have come, in this order."""
        await _until(lambda: len(self.events(case)) >= len(names), seconds)
        assert self.names(case) == names
        versions = [int(event["aggregateversion"]) for event in self.events(case)]
        assert versions == sorted(set(versions))

    def _lines(self) -> list[str]:
        return self.log.read_text("utf-8").splitlines() if self.log.is_file() else []


async def _until(true: Callable[[], bool], seconds: float = 60.0) -> None:
    """Return when it is true, or when the time is over: what is asserted next says what is missing."""
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            return
        await asyncio.sleep(0.1)


async def subscribe(page: Page, desk: str, sink: str, *, types: tuple[str, ...] = ()) -> str:
    """Make a subscription at the desk, signed in there as an integrator; its secret, which is shown once."""
    await page.goto(f"{desk}/subscriptions/new")
    await page.get_by_label("哪个部门的办件").select_option(label="所有部门")
    await page.get_by_label("接收地址").fill(sink)
    for name in types:
        await page.get_by_role("group", name="要哪些事件").get_by_label(name).check()
    await page.get_by_role("button", name="建订阅").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("签名密钥，只显示这一次")
    return await page.locator(".line-of").first.inner_text()


async def confirm(page: Page) -> None:
    """Ask the sink of the subscription on the page whether it agrees, now that it listens."""
    await page.get_by_role("button", name="请对方确认").click()
    await expect(page.locator(".tag").first).to_have_text("在推送")
