"""databases create: one PostgreSQL database, an owner and a limited role for each service."""

import os
import secrets as random
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import typer
from sqlalchemy.engine import URL, make_url

from services.cli import registry
from services.cli.platform import AnyService
from services.cli.support import CommandError, chosen, run_async
from services.kit import postgres
from services.kit.settings import Profile, read_name
from services.local import secrets

LOCAL_PREFIX = "tongban"
"""What the names of databases and roles begin with in the local profile."""

app = typer.Typer(name="databases", help="PostgreSQL databases and roles.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """PostgreSQL databases and roles."""


@app.command()
def create(service: AnyService = None) -> None:
    """Create what is missing: each service's database, the owner role that migrates, the limited role that runs.

    TONGBAN_POSTGRES_ADMIN is the address of a role that may create both (postgresql://user:password@host:port/postgres);
    only this command reads it. In the local profile names and passwords are made and kept with the other secrets, and
    `tongban run` uses these databases from then on. Elsewhere they are taken from each service's
    TONGBAN_<SERVICE>_DATABASE_URL and TONGBAN_<SERVICE>_MIGRATION_DATABASE_URL.
    """
    admin = read_name("TONGBAN_POSTGRES_ADMIN")
    if not admin:
        raise CommandError(
            "TONGBAN_POSTGRES_ADMIN is not set: the address of a role that may create databases and roles"
        )
    for name in chosen(service):
        wanted = _wanted(name, make_url(admin))
        made = run_async(_create(admin, wanted))
        print(f"{name}: database {wanted.running.database}: {'created' if made else 'was there'}, roles set")


@dataclass(frozen=True, slots=True)
class Wanted:
    """The addresses that a service will use: as its owner (migrations) and as its limited role (running)."""

    owner: URL
    running: URL


def _wanted(name: str, admin: URL) -> Wanted:
    if os.environ.get("TONGBAN_PROFILE") in (Profile.LOCAL, Profile.TEST):
        return _local(name, admin)
    cls = registry.settings_class(name)
    found = []
    for field in ("migration_database_url", "database_url"):
        text = next(filter(None, (read_name(variable) for variable in cls.environment_names(field))), None)
        if not text:
            raise CommandError(
                f"{cls.environment_names(field)[0]} is not set: it names the database, the role and its password"
            )
        url = make_url(text)
        if url.get_backend_name() != "postgresql" or not (url.database and url.username and url.password):
            raise CommandError(
                f"{cls.environment_names(field)[0]} must be postgresql+asyncpg://role:password@host/database"
            )
        found.append(url)
    if found[0].database != found[1].database or found[0].username == found[1].username:
        raise CommandError(f"the two database addresses of {name} must name one database and two roles")
    return Wanted(*found)


def _local(name: str, admin: URL) -> Wanted:
    data_dir = Path(read_name("TONGBAN_DATA_DIR") or ".data")
    secrets.make(data_dir)
    place = secrets.folder(data_dir)
    database = f"{LOCAL_PREFIX}_{name}"
    urls = []
    for file, role in ((f"{name}.migration_database_url", f"{database}_owner"), (f"{name}.database_url", database)):
        if (place / file).is_file():
            urls.append(make_url((place / file).read_text("utf-8").strip()))
            continue
        url = URL.create("postgresql+asyncpg", role, random.token_urlsafe(24), admin.host, admin.port, database)
        secrets.write(place / file, url.render_as_string(hide_password=False))
        urls.append(url)
    return Wanted(*urls)


async def _create(admin: str, wanted: Wanted) -> bool:
    """Make roles and database as `wanted`; whether the database is new. Roles get the password of the address anew."""
    owner, running, database = wanted.owner.username, wanted.running.username, wanted.running.database
    assert owner and running and database
    connection = await _connect(make_url(admin))
    try:
        for role, url in ((owner, wanted.owner), (running, wanted.running)):
            if not await connection.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", role):
                await connection.execute(f"CREATE ROLE {_name(role)} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE")
            await connection.execute(f"ALTER ROLE {_name(role)} PASSWORD {_text(str(url.password))}")
        new = not await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", database)
        if new:
            # An administrator that is no super user can only give to a role that it is a member of.
            await connection.execute(f"GRANT {_name(owner)} TO CURRENT_USER")
            await connection.execute(
                f"CREATE DATABASE {_name(database)} OWNER {_name(owner)} TEMPLATE template0 ENCODING 'UTF8'"
            )
        await connection.execute(f"REVOKE ALL ON DATABASE {_name(database)} FROM PUBLIC")
        await connection.execute(f"GRANT CONNECT ON DATABASE {_name(database)} TO {_name(running)}")
    finally:
        await connection.close()
    inside = await _connect(wanted.owner)
    try:
        await inside.execute("REVOKE ALL ON SCHEMA public FROM PUBLIC")
        await inside.execute(f"GRANT USAGE ON SCHEMA public TO {_name(running)}")
        for kind, rights in (("TABLES", "SELECT, INSERT, UPDATE, DELETE"), ("SEQUENCES", "USAGE, SELECT")):
            await inside.execute(f"GRANT {rights} ON ALL {kind} IN SCHEMA public TO {_name(running)}")
            await inside.execute(
                f"ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT {rights} ON {kind} TO {_name(running)}"
            )
    finally:
        await inside.close()
    return new


async def _connect(where: URL) -> asyncpg.Connection:
    try:
        if where.drivername != "postgresql":
            return await postgres.connect(where, 10)
        # An address as libpq has it, `sslmode` and all: the administrator's.
        return await asyncpg.connect(where.render_as_string(hide_password=False), timeout=10)
    except (OSError, TimeoutError, asyncpg.PostgresError, ValueError) as error:
        cause = str(error) or type(error).__name__
        raise CommandError(f"PostgreSQL at {where.host}:{where.port or 5432} as {where.username}: {cause}") from None


def _name(identifier: str) -> str:
    return '"' + identifier.replace('"', '""') + '"'


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
