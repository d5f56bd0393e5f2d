"""The `tongban` command: runs the platform and its services, and what operators do.

Errors are one line on standard error and exit status 1 (2 for wrong usage). Commands are thin: each calls the handlers
of one service or one module of the kit. Only here and in `run.py` do we reach into several services.
"""

import os
import sys

import typer
from asyncpg import PostgresError
from sqlalchemy.exc import DBAPIError
from typer._click.exceptions import ClickException, NoArgsIsHelpError  # Typer has its own Click and exports no base

from services.cli import (
    accounts,
    audit,
    clients,
    databases,
    dead_letters,
    demo,
    items,
    keys,
    listen,
    organisations,
    outbox,
    platform,
    registers,
    snapshots,
    staff,
    topics,
)
from services.cli.support import CommandError, one_line, prepare_environment
from services.kit.errors import TongbanError
from services.kit.settings import SettingsError
from services.kit.testing import FailpointsRefused
from services.local.jars import JarError
from services.local.kafka import KafkaError
from services.local.ports import PortBusy
from services.local.runfile import AlreadyRunning

app = typer.Typer(
    name="tongban",
    help=(
        "Tongban 通办: sign in once, get it done anywhere.\n\n"
        "`tongban run` starts the whole platform on this machine; the other commands find it by its data folder "
        "(TONGBAN_DATA_DIR, default .data). Elsewhere set TONGBAN_PROFILE=production and the settings of each service: "
        "what is missing is named."
    ),
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def _before(context: typer.Context) -> None:
    if context.invoked_subcommand != "run":
        prepare_environment()


for _module in (platform, snapshots, listen, outbox):
    _module.register(app)
for _group in (
    databases, topics, items, organisations, registers, demo, accounts, clients, staff, dead_letters, keys, audit,
):  # fmt: skip
    app.add_typer(_group.app)

_EXPECTED = (
    AlreadyRunning, CommandError, DBAPIError, FailpointsRefused, JarError, KafkaError, OSError, PortBusy, PostgresError,
    SettingsError, TongbanError,
)  # fmt: skip


def main() -> None:
    """Entry point: expected errors become one line, everything else is a defect and shows its traceback."""
    try:
        sys.exit(app(standalone_mode=False) or 0)
    except NoArgsIsHelpError as error:
        error.show()
        sys.exit(error.exit_code)
    except ClickException as error:
        print(f"tongban: {' '.join(error.format_message().split())}", file=sys.stderr)
        sys.exit(error.exit_code)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except _EXPECTED as error:
        print(f"tongban: {one_line(error)}", file=sys.stderr)
        sys.exit(1)
