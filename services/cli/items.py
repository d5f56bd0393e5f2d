"""items import: service items from a JSON-lines file into the catalogue."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from services.cli.support import CommandError, opened, run_async

app = typer.Typer(name="items", help="Service items 政务服务事项.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Service items 政务服务事项."""


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="one JSON object a line, UTF-8", metavar="FILE")],
    quiet: Annotated[
        bool, typer.Option("--quiet", help="only the counts, not each row that was refused or warned of")
    ] = False,
) -> None:
    """Take in service items: what is new or changed becomes a version in force, the rest stays as it is.

    Each row that cannot be taken is reported with its number, field and reason. Running it again changes nothing. The
    exit status is 1 only when the file cannot be read or nothing in it could be taken.
    """
    if not file.is_file():
        raise CommandError(f"{file} is not a file that can be read")
    raise typer.Exit(run_async(_import(file, quiet)))


async def _import(file: Path, quiet: bool) -> int:
    from services.catalog.domain.imports import Problem
    from services.catalog.handlers.imports import import_items, lines_of
    from services.catalog.store.work import Work

    def tell(problem: Problem, refused: bool) -> None:
        word = "refused" if refused else "warning"
        print(f"row {problem.row}: {word}: {problem.field}: {problem.reason}: {problem.detail}", file=sys.stderr)

    async with opened("catalog") as service:
        report = await import_items(lines_of(file), Work(service.context), on_problem=None if quiet else tell)
    print(f"rows           {report.rows}")
    for name, counts in (
        ("taken", report.taken),
        ("organisations", report.organisations),
        ("refused", report.refused),
        ("warned", report.warned),
    ):
        parts = ", ".join(f"{count} {reason}" for reason, count in sorted(counts.items()))
        print(f"{name:<15}{counts.total()}" + (f" ({parts})" if parts else ""))
    return 1 if report.failed else 0
