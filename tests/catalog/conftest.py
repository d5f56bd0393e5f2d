"""A catalogue on a new database, SQLite and PostgreSQL in turn."""

import base64
import contextlib
import json
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from services.catalog import app
from services.catalog.demo.organisations import ORGANISATIONS
from services.catalog.domain.items import Provenance
from services.catalog.handlers import organisations, publishing
from services.catalog.settings import CatalogSettings
from services.catalog.store.work import Work
from services.contracts.base import EVENT_TYPES
from services.kit import migrations
from services.kit.auth import Principal, caller
from services.kit.service import Service
from tests.catalog.contents import REGISTRATION
from tests.catalog.desk import CODE, Desk
from tests.catalog.people import PEOPLE, Names
from tests.harness.postgres import new_database
from tests.harness.templates import Template


def settings_for(database_url: str, data_dir: Path) -> CatalogSettings:
    key = base64.b64encode(bytes(32)).decode()
    return CatalogSettings.load(profile="test", data_dir=data_dir, database_url=database_url, master_key=key)


def _template(url: str, folder: Path, admin_url: str = "") -> Template:
    return Template(url, lambda url: migrations.upgrade(settings_for(url, folder)), admin_url)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Template:
    folder = tmp_path_factory.mktemp("catalog-sqlite")
    return _template(f"sqlite+aiosqlite:///{folder / 'template.db'}", folder)


@pytest.fixture(scope="session")
def postgres_template(tmp_path_factory: pytest.TempPathFactory, postgres_admin: str) -> Iterator[Template]:
    with new_database(postgres_admin) as url:
        yield _template(url, tmp_path_factory.mktemp("catalog-postgresql"), postgres_admin)


@pytest.fixture(params=["sqlite", "postgresql"])
async def migrated_url(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[str]:
    """Address of a migrated database of the test's own (a copy); on SQLite, then on PostgreSQL."""
    template: Template = request.getfixturevalue(f"{request.param}_template".replace("postgresql", "postgres"))
    await template.make()
    with template.copy(tmp_path) as url:
        yield url


@pytest.fixture
async def catalog(migrated_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Service]:
    """The migrated service; its API takes any caller as verified, and answers every search anew: a test changes things
    faster than people do."""
    monkeypatch.setattr("services.catalog.handlers.search.ANSWER_SECONDS", 0.0)
    settings = settings_for(migrated_url, tmp_path)
    service = app.build(settings)
    await service.open()
    yield service
    await service.close()


@pytest.fixture
def work(catalog: Service) -> Callable[[], Work]:
    return lambda: Work(catalog.context)


@pytest.fixture
async def client(catalog: Service) -> AsyncIterator[httpx.AsyncClient]:
    principal = Principal(sub="gateway", client_id="gateway", jti="1", exp=2**31)
    catalog.app.dependency_overrides[caller] = lambda: principal  # type: ignore[attr-defined]
    transport = httpx.ASGITransport(catalog.app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://catalog") as found:
        yield found


@pytest.fixture
def counts(catalog: Service) -> Callable[..., Any]:
    """Number of rows of some tables."""

    async def count(*tables: str) -> dict[str, int]:
        async with Work(catalog.context, readonly=True) as work:
            return {name: (await work.execute(text(f"SELECT count(*) FROM {name}"))).scalar_one() for name in tables}

    return count


class Clock:
    """A clock that stands still until it is moved: Thursday noon in China at first."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 26, 4, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def move(self, **step: float) -> None:
        self.now += timedelta(**step)


@pytest.fixture
def clock(catalog: Service) -> Clock:
    """The catalogue's clock from here on."""
    found = Clock()
    catalog.context.clock = found
    return found


@pytest.fixture
async def signed_in(catalog: Service) -> AsyncIterator[Callable[[Principal], httpx.AsyncClient]]:
    """Opens the API as one of `tests.catalog.people`: `signed_in(CHEN)`."""
    catalog.app.state.verifier = Names()  # type: ignore[attr-defined]
    transport = httpx.ASGITransport(catalog.app, raise_app_exceptions=False)
    async with contextlib.AsyncExitStack() as stack:
        clients = {
            name: await stack.enter_async_context(
                httpx.AsyncClient(
                    transport=transport, base_url="http://catalog", headers={"Authorization": f"Bearer {name}"}
                )
            )
            for name in PEOPLE
        }
        yield lambda person: clients[person.sub]


@pytest.fixture
async def desk(
    catalog: Service, clock: Clock, work: Callable[[], Work], signed_in: Callable[[Principal], httpx.AsyncClient]
) -> Desk:
    """The API with one item in force, imported and never reviewed here."""
    await organisations.register_organisations(ORGANISATIONS, Provenance.DEMO, work())
    await publishing.publish_items([REGISTRATION], Provenance.IMPORT, work())
    clock.move(hours=1)
    return Desk(signed_in)


@pytest.fixture
def events(catalog: Service) -> Callable[[str], Any]:
    """Type and sequence of each event of a code, in order."""

    async def told(code: str = CODE) -> list[tuple[str, int]]:
        table = catalog.context.tables.outbox
        async with Work(catalog.context, readonly=True) as unit:
            rows = (await unit.execute(table.select().where(table.c.key == code).order_by(table.c.id))).all()
        found = []
        for row in rows:
            headers = dict(json.loads(row.headers))
            EVENT_TYPES[headers["ce_type"]].model_validate_json(row.value)
            found.append((headers["ce_type"].split(".")[3], int(headers["ce_aggregateversion"])))
        return found

    return told
