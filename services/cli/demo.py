"""demo generate: made-up items in any number, for trials and benches."""

import sys
from pathlib import Path
from typing import Annotated, Literal, cast, get_args

import typer

from services.cli.support import CommandError

app = typer.Typer(name="demo", help="Made-up data 演示数据.", no_args_is_help=True)
Format = Literal["jsonl", "csv", "xlsx"]


@app.callback()
def _group() -> None:
    """Made-up data 演示数据."""


@app.command("generate")
def generate(
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="where to; - for standard output")],
    rows: Annotated[int, typer.Option("--rows", min=1, max=10_000_000, help="how many items")] = 1000,
    seed: Annotated[int, typer.Option("--seed", help="the same seed gives the same items")] = 1,
    format_: Annotated[str | None, typer.Option("--format", help="jsonl, csv or xlsx")] = None,
) -> None:
    """Write service items that `tongban items import` takes: real divisions, codes that check and belong to nobody."""
    from services.catalog.demo.generate import write

    kind = format_ or output.suffix.lower().removeprefix(".") or "jsonl"
    if kind not in get_args(Format):
        raise CommandError(f"{kind}: the format is one of {', '.join(get_args(Format))}")
    chosen = cast("Format", kind)
    try:
        if str(output) == "-":
            write(rows, seed, chosen, sys.stdout.buffer)
            return
        with output.open("wb") as target:
            write(rows, seed, chosen, target)
    except OSError as error:
        raise CommandError(str(error)) from None
