"""audit verify: does each service's chain of audit records still hold?"""

import re
import sys
from typing import Annotated

import typer

from services.cli.platform import AnyService
from services.cli.support import CommandError, chosen, opened, run_async
from services.kit.audit import AuditReport, Head, verify

app = typer.Typer(
    name="audit",
    help="Audit records: who read or changed what, for whom and why; append-only, each sealed with the one before it.",
    no_args_is_help=True,
)


@app.callback()
def _group() -> None:
    """Audit records."""


@app.command("verify")
def verify_(
    service: AnyService = None,
    head: Annotated[
        list[str] | None,
        typer.Option(help="an end of the chain noted before, position:hash: shows a chain that was cut or rewritten"),
    ] = None,
) -> None:
    """Check the chain of a service, or of all. Exit status 1 where a record was changed, removed, moved or slipped in.

    Note the printed head somewhere else and give it with --head the next time.
    """
    noted = [_head(text) for text in head or ()]
    if noted and service is None:
        raise CommandError("--head belongs to the chain of one service: name it")
    raise typer.Exit(run_async(_verify(service, noted)))


async def _verify(service: str | None, noted: list[Head]) -> int:
    broken = False
    for name in chosen(service):
        async with opened(name) as found:
            report = await verify(found.context, noted)
        _tell(name, report)
        broken = broken or not report.intact
    return 1 if broken else 0


def _tell(name: str, report: AuditReport) -> None:
    state = "intact" if report.intact else "BROKEN"
    end = f"head {report.head.position}:{report.head.hash}" if report.checked else "no record yet"
    print(f"{name}: {state}, {report.checked} records checked, {report.waiting} not sealed yet, {end}")
    for finding in report.findings:
        record = f" (record {finding.audit_id})" if finding.audit_id is not None else ""
        print(f"{name}: position {finding.position}{record}: {finding.what}", file=sys.stderr)


def _head(text: str) -> Head:
    match = re.fullmatch(r"(\d+):([0-9a-f]{64})", text)
    if match is None:
        raise CommandError(f"--head {text!r} is not position:hash as `tongban audit verify` prints it")
    return Head(int(match[1]), match[2])
