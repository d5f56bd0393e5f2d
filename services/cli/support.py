"""What the commands share: settings of a running platform, opened services, errors as one line."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager
from typing import Any, NoReturn, TypeVar

import typer
from sqlalchemy.exc import DBAPIError

from services.cli import registry
from services.kit.errors import TongbanError
from services.kit.service import Service
from services.kit.settings import SERVICES, check_names
from services.local import runfile

Answer = TypeVar("Answer")
ACTOR = "operator"
"""Who acts, in the audit records of what a command did."""


class CommandError(Exception):
    """A command cannot do what it was asked to; one line."""


def prepare_environment() -> None:
    """Find a platform of this data folder and refuse settings that nobody reads. Raises SettingsError."""
    runfile.adopt(os.environ)
    check_names(registry.settings_classes())


def run_async(work: Coroutine[Any, Any, Answer]) -> Answer:
    """Run a command's asynchronous part to its end."""
    return asyncio.run(work)


def chosen(service: str | None) -> Sequence[str]:
    """The named service, or all of them. Raises SettingsError for an unknown name."""
    if service is None:
        return SERVICES
    return (registry.known(service),)


@asynccontextmanager
async def opened(name: str) -> AsyncIterator[Service]:
    """A service without its server: database and handlers, as the environment says."""
    service = registry.build(name)
    try:
        await service.context.database.ping()
        await service.open()
        yield service
    finally:
        await service.close()


def one_line(error: BaseException) -> str:
    """What to print of an error that was expected."""
    text = str(error.orig if isinstance(error, DBAPIError) and error.orig is not None else error)
    if isinstance(error, TongbanError) and error.detail and error.detail != error.title:
        text = f"{error.title}: {error.detail}"
    return " ".join(text.split()) or type(error).__name__


def end_with(message: str, status: int = 1) -> NoReturn:
    """Print one line on standard error and end with `status`."""
    print(f"tongban: {message}", file=sys.stderr, flush=True)
    raise typer.Exit(status)


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Rows under a head, each column as wide as its widest cell."""
    cells = [[str(cell) for cell in row] for row in [head, *rows]]
    widths = [max(len(row[i]) for row in cells) for i in range(len(head))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells
    )
