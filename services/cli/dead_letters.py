"""dead-letters list, replay, drop: events that a service could not take in."""

from typing import Annotated

import typer

from services.cli.platform import AnyService, ServiceName
from services.cli.support import ACTOR, CommandError, chosen, opened, run_async, table
from services.kit import dead_letters
from services.kit.db import UnitOfWork

app = typer.Typer(
    name="dead-letters",
    help="Events that a service set aside: why, and trying them again. Later events of the same key wait behind one.",
    no_args_is_help=True,
)
EventId = Annotated[int, typer.Argument(help="its number in `tongban dead-letters list`", metavar="ID")]


@app.command("list")
def list_(
    service: AnyService = None,
    everything: Annotated[
        bool, typer.Option("--all", help="parked events too: waiting for a retry, or on a gap")
    ] = False,
) -> None:
    """What was set aside, with its cause."""
    run_async(_list(service, everything))


async def _list(service: str | None, everything: bool) -> None:
    rows: list[tuple[object, ...]] = []
    for name in chosen(service):
        async with opened(name) as found, UnitOfWork(found.context, readonly=True) as work:
            rows += [
                (
                    name,
                    row["id"],
                    row["state"],
                    f"{row['topic']}/{row['partition']}/{row['offset']}",
                    row["key"],
                    row["cause"],
                )
                for row in await dead_letters.listed(work, everything=everything)
            ]
    print(table(("service", "id", "state", "topic/partition/offset", "key", "cause"), rows) if rows else "none")


@app.command()
def replay(
    service: ServiceName,
    event: Annotated[int | None, typer.Argument(help="its number in the list", metavar="[ID]")] = None,
    everything: Annotated[bool, typer.Option("--all", help="every dead event of the service")] = False,
    accept_gap: Annotated[
        bool, typer.Option(help="take its version as the next, although one is missing before it")
    ] = False,
) -> None:
    """Try an event again; the running service takes it up within seconds, and what waits behind it after it."""
    if (event is None) == (not everything):
        raise CommandError("give the number of one event, or --all")
    count = run_async(_replay(service, event, accept_gap))
    print(f"{count} to be tried again")


async def _replay(service: str, event: int | None, accept_gap: bool) -> int:
    async with opened(service) as found, UnitOfWork(found.context) as work:
        ids = [event] if event is not None else [row["id"] for row in await dead_letters.listed(work)]
        for one in ids:
            await dead_letters.replay(work, one, actor=ACTOR, accept_gap=accept_gap)
        return len(ids)


@app.command()
def drop(service: ServiceName, event: EventId) -> None:
    """Give an event up for good: it counts as read, and what waits behind it goes on."""
    run_async(_drop(service, event))
    print("dropped")


async def _drop(service: str, event: int) -> None:
    async with opened(service) as found, UnitOfWork(found.context) as work:
        await dead_letters.drop(work, event, actor=ACTOR)
