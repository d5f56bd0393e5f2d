"""A service's migrations against its tables: the check that every service's tests call.

from tests.kit.migrations import assert_migrations_match

async def test_migrations(database_url: str) -> None:
    await assert_migrations_match(CasesSettings, metadata, database_url)
"""

from typing import Any

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, MetaData, inspect, text
from sqlalchemy.exc import DBAPIError

from services.kit import migrations
from services.kit.database import Database
from services.kit.settings import ServiceSettings

APPEND_ONLY = ("audit", "audit_seals")


async def assert_migrations_match(
    settings_class: type[ServiceSettings], metadata: MetaData, database_url: str, *, besides: str | None = None
) -> None:
    """An empty database brought to the newest revision has exactly the tables, columns, types and indexes declared;
    what has a name that begins with `besides` is the migrations' own.

    Twice is like once; the audit's tables refuse to be changed; the way down leaves nothing.
    """
    settings = settings_class(profile="test", database_url=database_url)
    await migrations.upgrade(settings)
    await migrations.upgrade(settings)
    database = Database(database_url, pool_size=1)
    try:
        async with database.engine.connect() as connection:
            differences = await connection.run_sync(_differences, metadata, besides)
            if database.dialect == "postgresql":
                # The server of these tests is built with it, as Debian's is.
                compression = text("SHOW default_toast_compression")
                assert (await connection.execute(compression)).scalar() == "lz4"
        assert not differences, differences
        for table in APPEND_ONLY:
            await _assert_append_only(database, table)
        async with database.engine.begin() as connection:
            await connection.run_sync(_down, settings.service)
            left = await connection.run_sync(lambda sync: inspect(sync).get_table_names())
        assert left == ["alembic_version"], left
    finally:
        await database.close()


def _down(connection: Connection, service: str) -> None:
    chain = migrations.config(service)
    chain.attributes["connection"] = connection
    command.downgrade(chain, "base")


def _differences(connection: Connection, metadata: MetaData, besides: str | None) -> list[Any]:
    def declared(name: str | None, *_: Any) -> bool:
        return besides is None or not (name or "").startswith(besides)

    options = {"compare_type": True, "compare_server_default": True, "include_name": declared}
    context = MigrationContext.configure(connection, opts=options)
    return list(compare_metadata(context, metadata))


async def _assert_append_only(database: Database, table: str) -> None:
    values = {
        "audit": "(1, '2026-01-01', 'a', 'b', 'c', 'd', 'e', 'f')",
        "audit_seals": "(1, 1, 'hash')",
    }[table]
    columns = {
        "audit": "id, at, actor, action, object_type, object_id, result, trace_id",
        "audit_seals": "position, audit_id, hash",
    }[table]
    async with database.engine.begin() as connection:
        await connection.execute(text(f"INSERT INTO {table} ({columns}) VALUES {values}"))
    statements = [f"UPDATE {table} SET {columns.split(', ')[2]} = 'x'", f"DELETE FROM {table}"]
    if database.dialect == "sqlite":
        statements.append(f"INSERT OR REPLACE INTO {table} ({columns}) VALUES {values}")
    else:
        statements.append(f"TRUNCATE {table}")
    for statement in statements:
        try:
            async with database.engine.begin() as connection:
                await connection.execute(text(statement))
        except DBAPIError as error:
            assert "append-only" in str(error)
        else:
            raise AssertionError(f"{statement} was not refused")
