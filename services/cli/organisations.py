"""organisations import, reform: government organs and public enterprises."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from services.cli.support import ACTOR, CommandError, opened, run_async

if TYPE_CHECKING:
    from services.catalog.api.organisations import Reform
    from services.catalog.domain.imports import ImportReport
    from services.catalog.handlers.reform import ReformDone
    from services.kit.auth import Principal

app = typer.Typer(name="organisations", help="Organisations 机构.", no_args_is_help=True)


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="JSON lines, CSV or XLSX", metavar="FILE")],
    format_: Annotated[
        str | None, typer.Option("--format", help="jsonl, csv or xlsx; otherwise as the file's name ends")
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="only the counts, not each row that was refused")] = False,
) -> None:
    """Register and change organisations. Columns: name, name_en, division, uscc, uscc_proof, kind, level, parent (its
    USCC or id), functions, id.

    Each row that cannot be taken is told with its number, field and reason; a parent may come later in the file.
    Running it again changes nothing. The exit status is 1 only when nothing could be taken.
    """
    if not file.is_file():
        raise CommandError(f"{file} is not a file that can be read")
    report = run_async(_import(file, format_, quiet))
    print(f"rows           {report.rows}")
    for name, counts in (("taken", report.taken), ("refused", report.refused)):
        parts = ", ".join(f"{count} {reason}" for reason, count in sorted(counts.items()))
        print(f"{name:<15}{counts.total()}" + (f" ({parts})" if parts else ""))
    raise typer.Exit(1 if report.failed else 0)


async def _import(file: Path, format_: str | None, quiet: bool) -> "ImportReport":
    from services.catalog.domain.imports import Problem, Unreadable
    from services.catalog.handlers.imports.readers import format_named, open_rows
    from services.catalog.handlers.organisation_files import import_organisations
    from services.catalog.store.work import Work

    def tell(problem: Problem, _: bool) -> None:
        print(f"row {problem.row}: refused: {problem.field}: {problem.reason}: {problem.detail}", file=sys.stderr)

    try:
        rows = open_rows(file, format_named(file, format_)).rows
        async with opened("catalog") as service:
            work = Work(service.context)
            on_problem = None if quiet else tell
            return await import_organisations(rows, file.name, _operator(), work, on_problem=on_problem)
    except Unreadable as error:
        raise CommandError(str(error)) from None


@app.command()
def reform(
    file: Annotated[Path, typer.Argument(help="what POST /organisations/reforms takes, as JSON", metavar="FILE")],
) -> None:
    """Merge, split, rename or abolish organisations (机构改革); their items, drafts and register entries go over.

    FILE holds kind, sources (ids), targets (an id, or a new organisation), items and functions (which target takes
    what, where there are several) and reason. Refused as a whole, with all that stands against it.
    """
    from pydantic import ValidationError

    from services.catalog.api.organisations import Reform

    try:
        asked = Reform.model_validate_json(file.read_bytes())
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise CommandError(f"{file}: {'.'.join(map(str, first['loc'])) or 'file'}: {first['msg']}") from None
    done = run_async(_reform(asked))
    print(f"closed         {', '.join(done.closed) or 'none'}")
    print(f"targets        {', '.join(done.targets) or 'none'}")
    for name in ("children", "carried", "retired", "revisions", "entries"):
        print(f"{name:<15}{getattr(done, name)}")
    for old, new in sorted(done.codes.items()):
        print(f"{old} → {new}")


async def _reform(asked: "Reform") -> "ReformDone":
    from services.catalog.handlers.reform import reform_organisations
    from services.catalog.store.work import Work
    from services.kit.errors import TongbanError

    async with opened("catalog") as service:
        try:
            return await reform_organisations(
                _operator(),
                asked.kind,
                asked.sources,
                asked.targets,
                asked.items,
                asked.functions,
                asked.reason,
                Work(service.context),
            )
        except TongbanError as error:
            for problem in error.fields:
                print(f"{problem.field}: {problem.reason}: {problem.detail}", file=sys.stderr)
            raise


def _operator() -> "Principal":
    """Whoever may run commands keeps the organisations."""
    from services.kit.auth import Grant, Principal

    registrar = (Grant(org="*", role="registrar"),)
    return Principal(sub=ACTOR, client_id="cli", grants=registrar, jti="cli", exp=2**31)
