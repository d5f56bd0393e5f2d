"""A catalogue on a new database, SQLite and PostgreSQL in turn."""

import base64
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from services.catalog import app
from services.catalog.settings import CatalogSettings
from services.catalog.store.work import Work
from services.kit import migrations
from services.kit.auth import Principal, caller
from services.kit.service import Service


@pytest.fixture
async def catalog(database_url: str, tmp_path: Path) -> AsyncIterator[Service]:
    """The migrated service; its API takes any caller as verified."""
    key = base64.b64encode(bytes(32)).decode()
    settings = CatalogSettings.load(profile="test", data_dir=tmp_path, database_url=database_url, master_key=key)
    await migrations.upgrade(settings)
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
