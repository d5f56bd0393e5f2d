"""run, serve, migrate: what starts things."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from services.cli import registry
from services.cli.support import chosen, run_async
from services.kit.service import Role
from services.kit.settings import Profile, SettingsError, read_name

ServiceName = Annotated[str, typer.Argument(help="identity, catalog, cases, notify or gateway", metavar="SERVICE")]
AnyService = Annotated[str | None, typer.Argument(help="one service; all of them by default", metavar="[SERVICE]")]


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command()(run)
    app.command()(serve)
    app.command()(migrate)


def run() -> None:
    """Run the whole platform here: secrets, migrations, demonstration data, Kafka, every service. Ctrl-C stops it."""
    from services.run import run as supervise

    raise typer.Exit(supervise())


def serve(
    service: ServiceName,
    role: Annotated[
        Role, typer.Option(help="api answers HTTP; worker relays, reads and delivers; all does both")
    ] = Role.ALL,
) -> None:
    """Run one service in this process until it is told to stop."""
    from services.kit.service import serve as serve_forever
    from services.kit.testing import arm

    arm(read_name("TONGBAN_FAILPOINTS") or "")
    raise typer.Exit(serve_forever(registry.build(service), role))


def migrate(service: AnyService = None) -> None:
    """Bring databases to the newest revision. In the local profile this makes the secrets first, where missing."""
    names = chosen(service)
    if os.environ.get("TONGBAN_PROFILE") in (Profile.LOCAL, Profile.TEST):
        from services.local import secrets

        data_dir = Path(read_name("TONGBAN_DATA_DIR") or ".data")
        for name in secrets.make(data_dir):
            print(f"made {secrets.folder(data_dir) / name}")
    run_async(_migrate(names))


async def _migrate(names: Sequence[str]) -> None:
    from services.kit.migrations import upgrade

    for name in names:
        settings = registry.narrowed(name)
        if not (settings.migration_database_url or settings.database_url):
            raise SettingsError(f"{settings.environment_names('migration_database_url')[0]} is not set")
        await upgrade(settings)
        print(f"{name}: at the newest revision")
