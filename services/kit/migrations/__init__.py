"""Migrations: one chain for each service, the same on SQLite and PostgreSQL (Alembic).

`services/<name>/migrations/env.py` is two lines that call `run`; `upgrade` brings a database to the newest revision,
as the owner role where the settings name one, under an advisory lock on PostgreSQL.
"""

import zlib
from importlib.resources import files
from pathlib import Path

from alembic import command, context
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, MetaData, text

from services.kit.database import Database
from services.kit.errors import Kind, TongbanError
from services.kit.settings import ServiceSettings


class DatabaseBehind(TongbanError):
    kind, slug, title = Kind.UNAVAILABLE, "database-behind", "The database lacks tables of this version"


def config(service: str) -> Config:
    """Alembic's configuration of a service's chain."""
    found = Config()
    found.set_main_option("script_location", str(Path(str(files(f"services.{service}") / "migrations"))))
    found.set_main_option("path_separator", "os")
    return found


def run(metadata: MetaData) -> None:
    """What an `env.py` does: run the chain on the connection that `upgrade` opened."""
    connection: Connection = context.config.attributes["connection"]
    context.configure(
        connection=connection,
        target_metadata=metadata,
        render_as_batch=True,
        compare_type=False,
        transaction_per_migration=False,
    )
    with context.begin_transaction():
        context.run_migrations()


async def check(database: Database, service: str) -> None:
    """Raise DatabaseBehind for a database that is empty or older than this code. One that is newer passes: while a
    release is rolled out, the older code serves on."""
    chain = ScriptDirectory.from_config(config(service))
    known, newest = {script.revision for script in chain.walk_revisions()}, set(chain.get_heads())
    async with database.reading() as connection:
        found = set(await connection.run_sync(lambda sync: MigrationContext.configure(sync).get_current_heads()))
    if not found or found & known - newest:
        at, wanted = ", ".join(sorted(found)) or "no revision", ", ".join(sorted(newest))
        raise DatabaseBehind(f"the database is at {at}, not {wanted}: run `tongban migrate {service}`")


# Documents and events are some kilobytes long: PostgreSQL's own way of making them shorter took a third of its time in
# an import. It is left as it is where the server was built without lz4, is older than 14, or is another's to set.
_COMPRESSION = """
DO $$ BEGIN
  EXECUTE format('ALTER DATABASE %I SET default_toast_compression = lz4', current_database());
EXCEPTION WHEN undefined_object OR invalid_parameter_value OR insufficient_privilege THEN NULL;
END $$
"""


async def upgrade(settings: ServiceSettings, revision: str = "head") -> None:
    """Bring the service's database to `revision` in one transaction."""
    database = Database(settings.migration_database_url or settings.database_url, pool_size=1)
    try:
        async with database.engine.begin() as connection:
            if database.dialect == "postgresql":
                key = zlib.crc32(f"tongban-migrate-{settings.service}".encode())
                await connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": key})
            await connection.run_sync(_upgrade, settings.service, revision)
            if database.dialect == "postgresql":
                await connection.execute(text(_COMPRESSION))
    finally:
        await database.close()


def _upgrade(connection: Connection, service: str, revision: str) -> None:
    chain = config(service)
    chain.attributes["connection"] = connection
    command.upgrade(chain, revision)
