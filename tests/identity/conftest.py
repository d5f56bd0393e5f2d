"""The provider on a new database, SQLite and PostgreSQL in turn, with two people and two officers."""

import json
import shutil
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from joserfc import jwk
from joserfc.jwk import ECKey

from services.identity import app
from services.identity.domain import jose
from services.identity.domain.clients import ClientDeclaration
from services.identity.handlers import keys as key_use_cases
from services.identity.handlers.provider import Provider
from services.identity.settings import IdentitySettings
from services.identity.store import Work
from services.kit.clock import utc_now
from services.kit.pages import Library
from services.kit.service import Service
from tests.harness.postgres import new_database
from tests.harness.templates import copy_file
from tests.identity.party import ISSUER, STRANGER_KEY, Browser, Party
from tests.identity.template import RsaPairs, Template, publish_keys_now

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
def rsa_pairs() -> RsaPairs:
    """The RSA keys of this worker's providers."""
    return RsaPairs()


@pytest.fixture
def fast_keys(rsa_pairs: RsaPairs, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither making an RSA key nor reading one (its primes are tested) is repeated for each test."""
    monkeypatch.setattr(key_use_cases, "new_key", rsa_pairs.new_key)
    monkeypatch.setattr(jose, "jwk", SimpleNamespace(Key=jwk.Key, import_key=rsa_pairs.import_key))


@pytest.fixture(scope="session")
def library() -> Library:
    """The pages' templates, words and compressed files, which no provider changes."""
    return Library([Path(app.__file__).parent], IdentitySettings.model_fields["assets_dir"].default)


@pytest.fixture
def fast_pages(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app, "Library", lambda *_: library)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory, rsa_pairs: RsaPairs) -> Template:
    folder = tmp_path_factory.mktemp("identity-sqlite")
    return Template(folder, f"sqlite+aiosqlite:///{folder / 'template.db'}", rsa_pairs)


@pytest.fixture(scope="session")
def postgres_template(
    tmp_path_factory: pytest.TempPathFactory, postgres_admin: str, rsa_pairs: RsaPairs
) -> Iterator[Template]:
    with new_database(postgres_admin) as url:
        yield Template(tmp_path_factory.mktemp("identity-postgresql"), url, rsa_pairs)


@pytest.fixture(params=["sqlite", "postgresql"])
async def copied_url(
    request: pytest.FixtureRequest, tmp_path: Path, fast_keys: None, fast_pages: None
) -> AsyncIterator[str]:
    """Address of a copy of the template; the secrets that open it are in `tmp_path`. On SQLite, then on PostgreSQL."""
    template: Template = request.getfixturevalue(f"{request.param}_template".replace("postgresql", "postgres"))
    await template.make()
    shutil.copytree(template.folder / "secrets", tmp_path / "secrets")
    if request.param == "sqlite":
        yield copy_file(template.url, tmp_path / "test.db")
    else:
        with new_database(request.getfixturevalue("postgres_admin"), template.url) as url:
            yield url


Starter = Callable[..., Any]


@pytest.fixture
async def start(copied_url: str, tmp_path: Path, rsa_pairs: RsaPairs) -> AsyncIterator[Starter]:
    """Starts providers on one database: `await start(code_seconds=5)`; a second one is a replica.

    `more`: clients to declare besides those of the local profile.
    """
    rsa_pairs.begin()
    worlds: list[World] = []

    async def begin(*, more: Sequence[dict[str, Any]] = (), **given: Any) -> World:
        told = {"database_url": copied_url, "issuer": ISSUER} | given
        settings = IdentitySettings.load(profile="test", data_dir=tmp_path, **told)
        others = tuple(ClientDeclaration.model_validate(declared) for declared in more)
        settings = settings.model_copy(update={"clients": (*settings.clients, *others)})
        service = app.build(settings)
        clock = worlds[0].clock if worlds else Clock()
        service.context.clock = clock
        if not worlds:
            await publish_keys_now(service.context.database, clock())
        await service.open(serving=True)
        world = World(service, service.app.state.provider, clock, {}, tmp_path, settings)  # type: ignore[attr-defined]
        http = world.http()
        for path in sorted((tmp_path / "secrets").glob("*.jwk")):
            key = ECKey.import_key(json.loads(path.read_text("utf-8")))
            world.parties[path.stem] = Party(path.stem, key, http, REDIRECTS.get(path.stem, ""), clock)
        for client in others:
            secret = client.client_secret.get_secret_value() if client.client_secret else None
            redirect_uri = client.redirect_uris[0] if client.redirect_uris else ""
            world.parties[client.client_id] = Party(
                client.client_id, STRANGER_KEY, http, redirect_uri, clock, secret=secret
            )
        worlds.append(world)
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
