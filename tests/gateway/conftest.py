"""The gateway with its portal on a new database, SQLite and PostgreSQL in turn, in a made-up world."""

import base64
import re
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from services.gateway import app
from services.gateway.settings import GatewaySettings
from services.kit import migrations
from services.kit.clock import utc_now
from services.kit.service import Service
from tests.gateway.applications import CASE, DRAFT, case, draft, item
from tests.gateway.world import ISSUER, PORTAL, World, client_key


class Clock:
    """The gateway's clock, which a test may put forward."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def __call__(self) -> datetime:
        return utc_now() + self.ahead


class Browser:
    """A person's browser at the portal: cookies, forms with their token, the sign-in."""

    def __init__(self, service: Service, world: World, origin: str = PORTAL) -> None:
        self.world = world
        transport = httpx.ASGITransport(service.app, raise_app_exceptions=False)  # type: ignore[arg-type]
        self.http = httpx.AsyncClient(transport=transport, base_url=origin)

    async def get(self, path: str, **parts: Any) -> httpx.Response:
        return await self.http.get(path, **parts)

    async def token(self, path: str = "/session/ended") -> str:
        """A form token of a page that has a form."""
        return token_of(await self.get(path))

    async def post(self, path: str, fields: dict[str, Any] | None = None, *, page: str, **parts: Any) -> httpx.Response:
        """Post a form that `page` carries."""
        token = await self.token(page)
        return await self.http.post(path, data={"_token": token, **(fields or {})}, **parts)

    async def begin(self, path: str = "/signin?next=/cases") -> httpx.URL:
        """Begin a sign-in: the authorization request."""
        answer = await self.get(path)
        assert answer.status_code == 303
        return httpx.URL(answer.headers["location"])

    async def callback(self, asked: httpx.URL, **changed: str | None) -> httpx.Response:
        """Come back from the provider with a code."""
        code, parameters = self.world.provider.code_for(str(asked))
        query = {"code": code, "state": parameters["state"], "iss": ISSUER} | changed
        return await self.get("/signin/callback", params={k: v for k, v in query.items() if v is not None})

    async def sign_in(self, next_: str = "/cases") -> httpx.Response:
        answer = await self.callback(await self.begin(f"/signin?next={next_}"))
        assert answer.status_code == 303, answer.text
        return answer

    @property
    def signed_in(self) -> bool:
        return "__Host-tb-portal" in self.http.cookies


def token_of(answer: httpx.Response) -> str:
    """The form token on a page."""
    found = re.search(r'name="_token" value="([^"]+)"', answer.text)
    assert found, f"no form on {answer.url}: {answer.status_code}"
    return found[1]


def path_of(answer: httpx.Response) -> str:
    """Where a redirect leads to, without the origin."""
    parts = urlsplit(answer.headers["location"])
    return parts.path + (f"?{parts.query}" if parts.query else "")


@pytest.fixture
def world() -> World:
    found = World()
    found.services.on("notify", "GET", "/messages/unread", {"count": 0})
    found.services.on("notify", "GET", "/preferences", {"language": "zh-CN"})
    found.services.on("cases", "GET", "/drafts", {"items": [], "next": None})
    found.services.on("cases", "GET", "/cases", {"items": [], "next": None})
    found.services.on("catalog", "GET", "/items", {"items": [], "next": None})
    found.services.on("catalog", "GET", "/organisations", {"items": [], "next": None})
    return found


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def more_settings() -> dict[str, Any]:
    """Settings that a test adds (override with parametrize)."""
    return {}


@pytest.fixture
async def gateway(
    database_url: str, tmp_path: Path, world: World, clock: Clock, more_settings: dict[str, Any]
) -> AsyncIterator[Service]:
    assets = tmp_path / "web" / "htmx"
    assets.mkdir(parents=True)
    (assets / "htmx.min.js").write_text("// htmx")
    usual = {
        "profile": "test",
        "data_dir": tmp_path,
        "database_url": database_url,
        "master_key": base64.b64encode(bytes(32)).decode(),
        "issuer": ISSUER,
        "surfaces": ["portal"],
        "portal_origin": PORTAL,
        "private_key": client_key(),
        "portal_private_key": client_key(),
        "catalog_url": "http://catalog.test",
        "cases_url": "http://cases.test",
        "notify_url": "http://notify.test",
        "assets_dir": tmp_path / "web",
    }
    settings = GatewaySettings.load(**(usual | more_settings))
    await migrations.upgrade(settings)
    service = app.build(settings, world, clock)
    await service.open()
    yield service
    await service.close()


@pytest.fixture
def browser(gateway: Service, world: World) -> Browser:
    return Browser(gateway, world)


@pytest.fixture
async def person(browser: Browser, world: World) -> Browser:
    """Signed in, with an item and a draft of it."""
    world.services.on("catalog", "GET", "/items/510123002000(/versions/3)?", item())
    world.services.on("cases", "GET", f"/drafts/{DRAFT}", draft())
    world.services.on("cases", "GET", f"/cases/{CASE}", case())
    await browser.sign_in()
    return browser
