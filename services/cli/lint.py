"""items lint: what would refuse the items of a file at publishing."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from sqlalchemy.exc import DBAPIError

from services.cli.support import CommandError, one_line, opened, run_async
from services.kit.settings import PREFIX, SettingsError

if TYPE_CHECKING:
    from services.catalog.domain.lint import Facts


def lint(
    files: Annotated[list[Path], typer.Argument(help="JSON lines, or one JSON document of an item", metavar="FILE…")],
    registers: Annotated[
        Path | None,
        typer.Option(
            "--registers",
            metavar="FILE",
            help="judge by these entries (JSON lines, as `registers import` takes them) and not by a catalogue",
        ),
    ] = None,
    language: Annotated[Literal["zh", "en"], typer.Option("--language", help="of causes and mends")] = "en",
) -> None:
    """Tell what would refuse items at publishing: file, row, rule, field, cause and mend, a line each.

    By the registers and items of the platform in this data folder, where there is one; what cannot be judged without is
    said on standard error. The exit status is 1 where anything is refused.
    """
    for file in (*files, *([registers] if registers else [])):
        if not file.is_file():
            raise CommandError(f"{file} is not a file that can be read")
    raise typer.Exit(run_async(_lint(files, registers, language)))


async def _lint(files: list[Path], registers: Path | None, language: str) -> int:
    from services.catalog.domain.lint import Facts
    from services.catalog.handlers import register_files
    from services.catalog.store.work import Work

    if registers is not None:
        rows = list(register_files.rows_of(registers))
        for row in rows:
            for problem in row.problems:
                print(f"{registers}:{row.number}: {problem.field}: {problem.reason}", file=sys.stderr)
        if any(row.problems for row in rows):
            raise CommandError(f"{registers} holds entries that no register takes")
        return await _judge(
            files, register_files.facts_from(row.content for row in rows if row.content), None, language
        )
    # Without a profile no platform was ever started here, and to open its database would make an empty one.
    if os.environ.get(f"{PREFIX}PROFILE"):
        try:
            async with opened("catalog") as service:
                return await _judge(files, Facts(), Work(service.context, readonly=True), language)
        except (SettingsError, OSError, DBAPIError, TimeoutError) as error:
            print(f"the catalogue cannot be asked: {one_line(error)}", file=sys.stderr)
    return await _judge(files, Facts(registers=False, catalogue=False), None, language)


async def _judge(files: list[Path], facts: "Facts", work: object, language: str) -> int:
    from services.catalog.domain.lint import unjudged
    from services.catalog.handlers.lint_files import lint_files
    from services.catalog.store.work import Work

    assert work is None or isinstance(work, Work)
    if missing := unjudged(facts):
        print(f"not judged, or only by what the files hold: {', '.join(missing)}", file=sys.stderr)
    refused = 0
    async for row, finding in lint_files(files, facts, work):
        refused += 1
        cause, mend = finding.cause.in_language(language), finding.mend.in_language(language)
        print(f"{row.file}:{row.number}: {finding.rule}: {finding.field}: {cause}; {mend}")
    return 1 if refused else 0
