"""A provider alone, on SQLite and a port of this machine, and a real Chromium to look at its pages."""

import asyncio
import os
import shutil
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvicorn
from playwright.async_api import Browser, Page, async_playwright
from starlette.types import ASGIApp

from services.identity import app
from services.identity.domain.clients import ClientDeclaration
from services.identity.settings import IdentitySettings
from services.kit.clock import utc_now
from services.kit.service import Service
from tests.harness.machine import missing
from tests.harness.templates import copy_file
from tests.identity.template import RsaPairs, Template, publish_keys_now


def bound() -> socket.socket:
    """A socket on a free port of this machine."""
    return socket.create_server(("127.0.0.1", 0))


def port_of(where: socket.socket) -> int:
    return int(where.getsockname()[1])


@asynccontextmanager
async def served(application: ASGIApp, where: socket.socket) -> AsyncIterator[None]:
    """Serve `application` at a bound socket."""
    server = uvicorn.Server(uvicorn.Config(application, lifespan="off", log_config=None, timeout_graceful_shutdown=1))
    task = asyncio.create_task(server.serve(sockets=[where]))
    yield
    server.should_exit = True
    await task


@dataclass
class Browsing:
    """A running provider and the browser."""

    service: Service
    settings: IdentitySettings
    browser: Browser

    @property
    def issuer(self) -> str:
        return self.settings.issuer

    async def new_page(self, **options: Any) -> Page:
        """A page of somebody with a browser of their own."""
        return await (await self.browser.new_context(locale="zh-CN", **options)).new_page()


@asynccontextmanager
async def browsing(
    template: Template, rsa_pairs: RsaPairs, folder: Path, clients: Sequence[ClientDeclaration]
) -> AsyncIterator[Browsing]:
    """The provider with the local clients and these; the fixture `fast_keys` makes it start at once."""
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        missing("Chromium is not installed (Debian: apt-get install chromium)")
    await template.make()
    rsa_pairs.begin()
    shutil.copytree(template.folder / "secrets", folder / "secrets")
    here, url = bound(), copy_file(template.url, folder / "test.db")
    issuer = f"http://localhost:{port_of(here)}"
    settings = IdentitySettings.load(profile="test", data_dir=folder, database_url=url, issuer=issuer)
    settings = settings.model_copy(update={"clients": (*settings.clients, *clients)})
    service = app.build(settings)
    await publish_keys_now(service.context.database, utc_now())
    await service.open(serving=True)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(service.close)
        await stack.enter_async_context(served(service.app, here))
        playwright = await stack.enter_async_context(async_playwright())
        arguments = ["--disable-gpu", "--no-first-run", *(["--no-sandbox"] if os.getuid() == 0 else [])]
        browser = await playwright.chromium.launch(executable_path=program, args=arguments)
        stack.push_async_callback(browser.close)
        yield Browsing(service, settings, browser)
