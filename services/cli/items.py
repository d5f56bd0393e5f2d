"""items: service items from a file into the catalogue, and out of it into one."""

import contextlib
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO

import typer

from services.cli.lint import lint
from services.cli.support import CommandError, opened, run_async

if TYPE_CHECKING:
    from services.catalog.domain.imports import ImportReport
    from services.catalog.domain.mapping import ColumnMapping
    from services.catalog.handlers.imports.readers import Format
    from services.catalog.handlers.imports.run import Order

app = typer.Typer(name="items", help="Service items 政务服务事项.", no_args_is_help=True)
_FORMAT = typer.Option("--format", help="jsonl, csv or xlsx; otherwise as the file's name ends")
_MAPPING = typer.Option("--mapping", metavar="FILE", help="which column holds which field, YAML or JSON")


@app.callback()
def _group() -> None:
    """Service items 政务服务事项."""


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="JSON lines, CSV or XLSX", metavar="FILE")],
    as_published: Annotated[
        str | None,
        typer.Option(
            "--as-published",
            metavar="SOURCE",
            help="put the items in force, as SOURCE has published them; marked as not yet linted",
        ),
    ] = None,
    format_: Annotated[str | None, _FORMAT] = None,
    mapping: Annotated[Path | None, _MAPPING] = None,
    report: Annotated[
        Path | None, typer.Option("--report", metavar="FILE", help="what there is to say of rows, .csv or .jsonl")
    ] = None,
    quiet: Annotated[
        bool, typer.Option("--quiet", help="only the counts, not each row that was refused or warned of")
    ] = False,
) -> None:
    """Take in service items as drafts for review; with --as-published as versions in force. What is as it was stays.

    Each row that cannot be taken is reported with its number, field and reason. Running it again changes nothing; a run
    that was killed goes on where it was. The exit status is 1 only when the file cannot be read or nothing in it could
    be taken.
    """
    if not file.is_file():
        raise CommandError(f"{file} is not a file that can be read")
    with _told():
        raise typer.Exit(run_async(_import(_order(file, as_published, format_, mapping), report, quiet)))


@contextlib.contextmanager
def _told() -> Iterator[None]:
    """What is wrong with a file, in one line."""
    from services.catalog.domain.imports import Unreadable

    try:
        yield
    except (Unreadable, OSError) as error:
        raise CommandError(str(error)) from None


def _order(file: Path, as_published: str | None, format_: str | None, mapping: Path | None) -> "Order":
    from services.catalog.domain.imports import Mode
    from services.catalog.handlers.imports.readers import format_named
    from services.catalog.handlers.imports.run import Order

    if as_published is not None and not as_published.strip():
        raise CommandError("--as-published names the source that has published the items")
    return Order(
        file,
        format_named(file, format_),
        as_published.strip() if as_published else file.name,
        Mode.DRAFTS if as_published is None else Mode.AS_PUBLISHED,
        _columns(mapping),
    )


async def _import(order: "Order", report_path: Path | None, quiet: bool) -> int:
    from services.catalog.domain.imports import Problem
    from services.catalog.handlers.imports.reading import rarely_collect
    from services.catalog.handlers.imports.report import ReportFile
    from services.catalog.handlers.imports.run import import_items
    from services.catalog.settings import CatalogSettings
    from services.catalog.store.work import Work

    def tell(problem: Problem, refused: bool) -> None:
        word = "refused" if refused else "warning"
        print(f"row {problem.row}: {word}: {problem.field}: {problem.reason}: {problem.detail}", file=sys.stderr)

    report = ReportFile(report_path) if report_path else None
    async with opened("catalog") as service:
        settings = service.context.settings
        assert isinstance(settings, CatalogSettings)
        rarely_collect()
        found = await import_items(
            order,
            Work(service.context),
            events_per_second=settings.import_events_per_second,
            report=report,
            on_problem=None if quiet else tell,
        )
    _print(found)
    return 1 if found.failed else 0


def _print(report: "ImportReport") -> None:
    if report.resumed_at:
        print(f"went on after  row {report.resumed_at}")
    print(f"rows           {report.rows}")
    for name, counts in (
        ("taken", report.taken),
        ("organisations", report.organisations),
        ("refused", report.refused),
        ("warned", report.warned),
    ):
        parts = ", ".join(f"{count} {reason}" for reason, count in sorted(counts.items()))
        print(f"{name:<15}{counts.total()}" + (f" ({parts})" if parts else ""))


@app.command("export")
def export(
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="where to; - for standard output")],
    format_: Annotated[str | None, _FORMAT] = None,
    mapping: Annotated[Path | None, _MAPPING] = None,
) -> None:
    """Write all items that are in force: whole as JSON lines, or as a table (CSV, XLSX) with one column a field.

    To import what was exported changes nothing. A cell that a spreadsheet would take for a formula has an apostrophe
    before it, which an import takes off again.
    """
    from services.catalog.handlers.imports.readers import format_named

    with _told():
        chosen = format_named(Path("x.jsonl") if str(output) == "-" else output, format_)
        run_async(_export(output, chosen, _columns(mapping)))


async def _export(output: Path, format_: "Format", columns: "ColumnMapping") -> None:
    from services.catalog.handlers.exports import export_items
    from services.catalog.store.work import Work

    async with opened("catalog") as service, _target(output) as target:
        count = await export_items(target, format_, columns, Work(service.context, readonly=True))
    print(f"{count} items", file=sys.stderr)


def _columns(mapping: Path | None) -> "ColumnMapping":
    from services.catalog.domain.mapping import DEFAULT, parse_mapping

    return parse_mapping(mapping.read_bytes()) if mapping else DEFAULT


@contextlib.asynccontextmanager
async def _target(output: Path) -> AsyncIterator[BinaryIO]:
    if str(output) == "-":
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    with output.open("wb") as file:
        yield file


app.command("lint")(lint)
