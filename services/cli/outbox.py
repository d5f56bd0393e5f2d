"""outbox: what waits to be sent to Kafka."""

from collections.abc import Sequence
from typing import Annotated

import typer
from sqlalchemy import select

from services.cli.platform import AnyService
from services.cli.support import chosen, opened, run_async, table
from services.kit.db import UnitOfWork
from services.kit.outbox import depth
from services.kit.service import Service


def register(app: typer.Typer) -> None:
    """Add the command of this module."""
    app.command()(outbox)


def outbox(
    service: AnyService = None,
    list_: Annotated[bool, typer.Option("--list", help="list the waiting events too, without their payloads")] = False,
    limit: Annotated[int, typer.Option(min=1, help="events listed for each service")] = 50,
) -> None:
    """Depth and age of each service's outbox: events that are committed and that Kafka has not acknowledged yet."""
    run_async(_show(chosen(service), limit if list_ else 0))


async def _show(names: Sequence[str], limit: int) -> None:
    depths, events = [], []
    for name in names:
        async with opened(name) as found:
            count, age = await depth(found.context)
            depths.append((name, count, f"{age:.1f} s"))
            events += await _waiting(found, limit)
    print(table(("service", "waiting", "oldest"), depths))
    if limit:
        print(table(("service", "id", "topic", "key", "since"), events))


async def _waiting(service: Service, limit: int) -> list[tuple[object, ...]]:
    rows = service.context.tables.outbox
    statement = select(rows.c.id, rows.c.topic, rows.c.key, rows.c.created_at).order_by(rows.c.id).limit(limit)
    async with UnitOfWork(service.context, readonly=True) as work:
        found = (await work.execute(statement)).all() if limit else []
    return [(service.name, row.id, row.topic, row.key, row.created_at.isoformat()) for row in found]
