"""registers import: data elements, resources and licence types from a file into the catalogue."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from services.cli.support import ACTOR, CommandError, opened, run_async

app = typer.Typer(name="registers", help="Registers of data elements, resources, licence types.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Registers of data elements, resources, licence types 数据元、信息资源、证照类型."""


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="JSON lines: register, code, name, source, …", metavar="FILE")],
    reason: Annotated[str, typer.Option("--reason", help="why, kept with each entry")] = "",
) -> None:
    """Enter or change entries. Data elements are taken before what gives them, wherever they stand in the file.

    Each row that cannot be taken is told with its field and why; a second claim on what has a source names the holder.
    Running it again changes nothing. The exit status is 1 where any row was refused.
    """
    if not file.is_file():
        raise CommandError(f"{file} is not a file that can be read")
    raise typer.Exit(run_async(_import(file, reason.strip()[:1000])))


async def _import(file: Path, reason: str) -> int:
    from services.catalog.handlers.register_files import rows_of
    from services.catalog.handlers.registers import in_order, take_in
    from services.catalog.store.work import Work

    read = list(rows_of(file))
    refused = [(row.number, problem) for row in read for problem in row.problems]
    taken = in_order((row.number, row.register, row.content) for row in read if row.register and row.content)
    async with opened("catalog") as service:
        report = await take_in(taken, ACTOR, reason, Work(service.context))
    for number, problem in sorted(refused + report.refused, key=lambda each: each[0]):
        detail = f": {problem.detail}" if problem.detail else ""
        print(f"row {number}: refused: {problem.field}: {problem.reason}{detail}", file=sys.stderr)
    print(f"rows           {len(read)}")
    for outcome, count in sorted(report.outcomes.items()):
        print(f"{outcome:<15}{count}")
    print(f"refused        {len({number for number, _ in refused + report.refused})}")
    return 1 if refused or report.refused else 0
