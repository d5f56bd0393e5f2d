"""`tongban databases create`: one database, an owner and a limited role for each service."""

import asyncio
import os
from pathlib import Path

import asyncpg
import pytest

from services.cli import databases
from services.cli.support import CommandError
from services.kit.settings import SERVICES
from services.local import secrets
from services.local.ports import free_ports


@pytest.fixture
def data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, postgres_admin: str) -> Path:
    monkeypatch.setenv("TONGBAN_PROFILE", "local")
    monkeypatch.setenv("TONGBAN_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("TONGBAN_POSTGRES_ADMIN", postgres_admin)
    monkeypatch.setattr(databases, "LOCAL_PREFIX", f"t{os.urandom(4).hex()}")
    return tmp_path


def _url(data_dir: Path, file: str) -> str:
    return (secrets.folder(data_dir) / file).read_text().strip().replace("+asyncpg", "")


async def test_the_limited_role_reads_and_writes_rows_and_changes_no_table(data_dir: Path) -> None:
    await asyncio.to_thread(lambda: databases.create("cases"))
    owner = await asyncpg.connect(_url(data_dir, "cases.migration_database_url"))
    running = await asyncpg.connect(_url(data_dir, "cases.database_url"))
    try:
        await owner.execute("CREATE TABLE things (id bigserial PRIMARY KEY, name text)")
        await running.execute("INSERT INTO things (name) VALUES ('a')")
        await running.execute("UPDATE things SET name = 'b'")
        assert await running.fetchval("SELECT name FROM things") == "b"
        for statement in (
            "CREATE TABLE other (id int)",
            "DROP TABLE things",
            "ALTER TABLE things ADD x int",
            "TRUNCATE things",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await running.execute(statement)
    finally:
        await owner.close()
        await running.close()


async def test_no_service_reaches_the_database_of_another(data_dir: Path) -> None:
    await asyncio.to_thread(lambda: databases.create(None))
    for name in SERVICES:
        other = SERVICES[SERVICES.index(name) - 1]
        for file in (f"{name}.database_url", f"{name}.migration_database_url"):
            address = _url(data_dir, file).rpartition("/")[0]
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await asyncpg.connect(f"{address}/{databases.LOCAL_PREFIX}_{other}")


async def test_creating_again_changes_nothing(data_dir: Path) -> None:
    await asyncio.to_thread(lambda: databases.create("notify"))
    before = _url(data_dir, "notify.database_url")
    await asyncio.to_thread(lambda: databases.create("notify"))
    assert _url(data_dir, "notify.database_url") == before
    await (await asyncpg.connect(before)).close()


@pytest.mark.parametrize(
    ("owner", "running", "message"),
    [
        ("", "", "TONGBAN_CASES_MIGRATION_DATABASE_URL is not set"),
        ("postgresql+asyncpg://o:p@h/d", "", "TONGBAN_CASES_DATABASE_URL is not set"),
        ("sqlite:///x", "postgresql+asyncpg://r:p@h/d", "must be postgresql"),
        ("postgresql+asyncpg://o:p@h/d", "postgresql+asyncpg://r:p@h/other", "one database and two roles"),
        ("postgresql+asyncpg://o:p@h/d", "postgresql+asyncpg://o:p@h/d", "one database and two roles"),
    ],
)
def test_elsewhere_the_addresses_of_the_services_say_what_to_create(
    owner: str, running: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TONGBAN_PROFILE", "production")
    monkeypatch.setenv("TONGBAN_POSTGRES_ADMIN", "postgresql://admin:p@localhost/postgres")
    monkeypatch.setenv("TONGBAN_CASES_MIGRATION_DATABASE_URL", owner)
    monkeypatch.setenv("TONGBAN_CASES_DATABASE_URL", running)
    with pytest.raises(CommandError, match=message):
        databases.create("cases")


def test_without_an_administrator_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TONGBAN_PROFILE", "local")
    with pytest.raises(CommandError, match="TONGBAN_POSTGRES_ADMIN is not set"):
        databases.create("cases")


def test_an_administrator_that_cannot_be_reached_is_one_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TONGBAN_PROFILE", "local")
    monkeypatch.setenv("TONGBAN_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("TONGBAN_POSTGRES_ADMIN", f"postgresql://admin@127.0.0.1:{free_ports(1)[0]}/postgres")
    with pytest.raises(CommandError, match=r"PostgreSQL at 127\.0\.0\.1:.* as admin"):
        databases.create("cases")


async def test_addresses_may_carry_arguments(
    data_dir: Path, postgres_admin: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TONGBAN_PROFILE", "production")
    monkeypatch.setenv("TONGBAN_POSTGRES_ADMIN", f"{postgres_admin}?sslmode=disable")
    name, server = f"t{os.urandom(4).hex()}", postgres_admin.rpartition("@")[2].rpartition("/")[0]
    for field, role in (("MIGRATION_DATABASE_URL", f"{name}_owner"), ("DATABASE_URL", name)):
        address = f"postgresql+asyncpg://{role}:p%2Fw@{server}/{name}?ssl=disable"
        monkeypatch.setenv(f"TONGBAN_CASES_{field}", address)
    await asyncio.to_thread(lambda: databases.create("cases"))
    await asyncio.to_thread(lambda: databases.create("cases"))
