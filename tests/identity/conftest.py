"""The provider on a new database, SQLite and PostgreSQL in turn, with two people and two officers."""

import json
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import cycle
from pathlib import Path
from typing import Any

import httpx
import pytest
from joserfc.jwk import ECKey

from services.identity import app
from services.identity.domain import jose
from services.identity.handlers import keys as key_use_cases
from services.identity.handlers.provider import Provider
from services.identity.settings import IdentitySettings
from services.identity.store import Work
from services.kit import migrations
from services.kit.clock import utc_now
from services.kit.service import Service
from services.local import secrets
from tests.identity.party import ISSUER, PASSWORD, Browser, Party

REDIRECTS = {
    "portal": "http://localhost:8080/signin/callback",
    "kiosk": "http://localhost:8081/signin/callback",
    "desk": "http://localhost:8082/signin/callback",
}


class Clock:
    """Time that a test can move on."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def __call__(self) -> datetime:
        return utc_now() + self.ahead

    def forward(self, **spans: float) -> None:
        self.ahead += timedelta(**spans)


@dataclass
class World:
    """A running provider, its clients, and browsers as many as wanted."""

    service: Service
    provider: Provider
    clock: Clock
    parties: dict[str, Party]
    data_dir: Path
    settings: IdentitySettings
    opened: list[httpx.AsyncClient] = field(default_factory=list)

    def __getitem__(self, client_id: str) -> Party:
        return self.parties[client_id]

    def http(self) -> httpx.AsyncClient:
        transport = httpx.ASGITransport(self.service.app, raise_app_exceptions=False, client=("192.0.2.7", 1234))
        client = httpx.AsyncClient(transport=transport, base_url=ISSUER, timeout=60)
        self.opened.append(client)
        return client

    def browser(self) -> Browser:
        return Browser(self.http())

    def work(self, *, readonly: bool = False) -> Work:
        return Work(self.service.context, readonly=readonly)


@pytest.fixture(scope="session")
def key_pairs() -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """RSA keys take time: a few, used again by the tests' providers."""
    return [jose.new_key("RS256") for _ in range(6)]


@pytest.fixture
def fast_keys(
    key_pairs: list[tuple[dict[str, Any], dict[str, Any]]], monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    pairs = cycle(key_pairs)

    def make(algorithm: str) -> tuple[dict[str, Any], dict[str, Any]]:
        return next(pairs) if algorithm == "RS256" else jose.new_key(algorithm)

    monkeypatch.setattr(key_use_cases, "new_key", make)
    yield


Starter = Callable[..., Any]


@pytest.fixture
async def start(database_url: str, tmp_path: Path, fast_keys: None) -> AsyncIterator[Starter]:
    """Starts providers on one database: `await start(code_seconds=5)`; a second one is a replica."""
    secrets.make(tmp_path)
    (tmp_path / "secrets" / "demo-password").write_text(PASSWORD, "utf-8")
    worlds: list[World] = []

    async def begin(**given: Any) -> World:
        settings = IdentitySettings.load(
            profile="test", data_dir=tmp_path, database_url=database_url, issuer=ISSUER, **given
        )
        if not worlds:
            await migrations.upgrade(settings)
        service = app.build(settings)
        clock = worlds[0].clock if worlds else Clock()
        service.context.clock = clock
        await service.open(serving=True)
        world = World(service, service.app.state.provider, clock, {}, tmp_path, settings)  # type: ignore[attr-defined]
        http = world.http()
        for path in sorted((tmp_path / "secrets").glob("*.jwk")):
            key = ECKey.import_key(json.loads(path.read_text("utf-8")))
            world.parties[path.stem] = Party(path.stem, key, http, REDIRECTS.get(path.stem, ""), clock)
        worlds.append(world)
        if len(worlds) == 1:
            from services.identity.demo import load_demo

            await load_demo(service)
        return world

    yield begin
    for world in worlds:
        for client in world.opened:
            await client.aclose()
        await world.service.close()


@pytest.fixture
async def world(start: Starter) -> World:
    found: World = await start()
    return found
