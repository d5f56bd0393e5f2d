"""Endpoints and what waits for them: everything that a service's own unit of work does with deliveries."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, delete, func, select, update

from services.kit.deliveries.tables import DeliveryTables
from services.kit.telemetry import traceparent

if TYPE_CHECKING:
    from services.kit.db import UnitOfWork

MAX_IN_FLIGHT = 8


def tables_of(work: "UnitOfWork") -> DeliveryTables:
    """The delivery tables of the service. Raises RuntimeError when its app did not ask for them."""
    found = work.context.tables.deliveries
    if found is None:
        raise RuntimeError("this service has no deliveries: kit_tables(metadata, with_deliveries=True)")
    return found


def _wake(work: "UnitOfWork") -> None:
    work.after_commit(work.context.delivering.set)


async def register(
    work: "UnitOfWork", endpoint_id: str, url: str, *, max_in_flight: int = MAX_IN_FLIGHT, state: str = "active"
) -> None:
    """Make an endpoint known, or change its URL; a known one keeps its state and what waits for it."""
    row = {
        "id": endpoint_id,
        "url": url,
        "state": state,
        "max_in_flight": max_in_flight,
        "failures": 0,
        "created_at": work.now(),
    }
    await work.upsert(tables_of(work).endpoints, [row], ["id"], keep=["state", "failures", "created_at"])


async def queue(
    work: "UnitOfWork",
    *,
    endpoint_id: str,
    order_key: str,
    event_id: str,
    builder: str,
    body: bytes = b"",
    content_type: str = "application/json",
) -> bool:
    """Deliver this to an endpoint once the transaction has committed; False when it was queued before.

    Contents of one (endpoint, order_key) arrive in the order in which they were queued. `event_id` is unique for an
    endpoint. `builder` names the function of the `Deliveries` worker that makes headers and body anew for each try;
    `body` and `content_type` are given to it. Neither may hold personal data: they are kept in the clear.
    """
    table = tables_of(work).deliveries
    now = work.now()
    row = {
        "endpoint_id": endpoint_id,
        "order_key": order_key,
        "event_id": event_id,
        "builder": builder,
        "content_type": content_type,
        "body": body,
        "traceparent": traceparent(),
        "state": "waiting",
        "attempts": 0,
        "due_at": now,
        "created_at": now,
    }
    new = await work.insert_ignore(table, [row], table.c.id)
    if new:
        _wake(work)
    return bool(new)


async def pause(work: "UnitOfWork", endpoint_id: str) -> None:
    """Let everything for this endpoint wait until `resume`."""
    endpoints = tables_of(work).endpoints
    await work.execute(update(endpoints).where(endpoints.c.id == endpoint_id).values(state="paused"))


async def resume(work: "UnitOfWork", endpoint_id: str) -> None:
    """Go on with a paused or disabled endpoint: its failures are forgotten and all that waits is due."""
    tables = tables_of(work)
    fresh: dict[str, Any] = {"state": "active", "reason": None, "failures": 0, "failing_since": None, "probe_at": None}
    await work.execute(update(tables.endpoints).where(tables.endpoints.c.id == endpoint_id).values(fresh))
    await _again(work, (tables.deliveries.c.endpoint_id == endpoint_id, tables.deliveries.c.state == "waiting"))


async def remove(work: "UnitOfWork", endpoint_id: str) -> None:
    """Forget an endpoint with its contents and attempts."""
    endpoints = tables_of(work).endpoints
    await work.execute(delete(endpoints).where(endpoints.c.id == endpoint_id))


async def redeliver(
    work: "UnitOfWork",
    endpoint_id: str,
    *,
    delivery_id: int | None = None,
    between: tuple[datetime, datetime] | None = None,
) -> int:
    """Send finished contents again (delivered or parked): one, or those queued in [from, to). How many.

    They keep their event id and their place in the order of their key.
    """
    table = tables_of(work).deliveries
    chosen = [table.c.endpoint_id == endpoint_id, table.c.state != "waiting"]
    if delivery_id is not None:
        chosen.append(table.c.id == delivery_id)
    if between is not None:
        chosen += [table.c.created_at >= between[0], table.c.created_at < between[1]]
    return await _again(work, chosen)


async def _again(work: "UnitOfWork", chosen: Sequence[ColumnElement[bool]]) -> int:
    table = tables_of(work).deliveries
    values = {"state": "waiting", "attempts": 0, "due_at": work.now(), "first_try_at": None, "finished_at": None}
    result = await work.execute(update(table).where(*chosen).values(values))
    _wake(work)
    return int(result.rowcount)  # type: ignore[attr-defined]


# Reading.


async def endpoint(work: "UnitOfWork", endpoint_id: str, *, locked: bool = False) -> Any | None:
    """The row of an endpoint: state, reason, failing_since, probe_at …

    An owner who locks rows of its own that its `Owner` touches too locks the endpoint first, as the worker does.
    """
    endpoints = tables_of(work).endpoints
    statement = select(endpoints).where(endpoints.c.id == endpoint_id)
    if locked:
        statement = statement.with_for_update(key_share=True)
    return (await work.execute(statement)).one_or_none()


async def attempts(work: "UnitOfWork", endpoint_id: str, *, before: int | None = None, limit: int = 20) -> list[Any]:
    """Attempts at an endpoint, newest first, with their delivery's id, event id and state."""
    tables = tables_of(work)
    log, queued = tables.attempts, tables.deliveries
    statement = (
        select(log, queued.c.event_id, queued.c.order_key, queued.c.state)
        .join(queued, queued.c.id == log.c.delivery_id)
        .where(log.c.endpoint_id == endpoint_id)
        .order_by(log.c.id.desc())
        .limit(limit)
    )
    if before is not None:
        statement = statement.where(log.c.id < before)
    return list((await work.execute(statement)).all())


async def delivery(work: "UnitOfWork", endpoint_id: str, delivery_id: int) -> Any | None:
    """The row of one content of an endpoint: state, attempts, due_at …"""
    table = tables_of(work).deliveries
    mine = (table.c.endpoint_id == endpoint_id) & (table.c.id == delivery_id)
    return (await work.execute(select(table).where(mine))).one_or_none()


async def counts(work: "UnitOfWork", endpoint_id: str | None = None) -> dict[str, int]:
    """How many contents wait and how many are parked, at one endpoint or over all."""
    table = tables_of(work).deliveries
    statement = select(table.c.state, func.count().label("number")).where(table.c.state != "delivered")
    if endpoint_id is not None:
        statement = statement.where(table.c.endpoint_id == endpoint_id)
    found = {row.state: row.number for row in await work.execute(statement.group_by(table.c.state))}
    return {state: found.get(state, 0) for state in ("waiting", "parked")}
