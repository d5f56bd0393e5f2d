"""What an operator does with parked events (`tongban dead-letters`): count, look, try again, give up."""

from typing import TYPE_CHECKING, Any, get_args

from sqlalchemy import func, select, update

from services.kit.audit import AuditEntry
from services.kit.errors import Kind, NotFound, TongbanError
from services.kit.inbox import Inbox, Ledger, State, message_of

if TYPE_CHECKING:
    from services.kit.db import UnitOfWork
    from services.kit.service import Context


class NotFirst(TongbanError):
    kind, slug, title = Kind.CONFLICT, "not-first-of-its-key", "An earlier event of the same key is parked"


async def listed(work: "UnitOfWork", *, everything: bool = False) -> list[dict[str, Any]]:
    """Dead events, or with `everything` all parked ones, without their payloads."""
    parked = work.context.tables.inbox.parked
    shown = [c for c in parked.c if c.name not in ("headers", "value")]
    statement = select(*shown).order_by(parked.c.id)
    if not everything:
        statement = statement.where(parked.c.state == "dead")
    return [dict(row._mapping) for row in await work.execute(statement)]


async def counts(context: "Context") -> dict[str, int]:
    """Parked events by state."""
    parked = context.tables.inbox.parked
    async with context.database.reading() as connection:
        rows = await connection.execute(select(parked.c.state, func.count()).group_by(parked.c.state))
        found = {row[0]: row[1] for row in rows}
    return {state: found.get(state, 0) for state in get_args(State)}


async def replay(work: "UnitOfWork", parked_id: int, *, actor: str, accept_gap: bool = False) -> None:
    """Try a parked event again at once; with `accept_gap` take its version as the next of its aggregate."""
    parked = work.context.tables.inbox.parked
    row = await _locked(work, parked_id, first=accept_gap)
    values = {"state": "waiting", "attempts": 0, "next_try": work.now()}
    await work.execute(update(parked).where(parked.c.id == parked_id).values(values))
    if accept_gap and row.version is not None:
        await _raise_version(work, row, row.version - 1)
    _note(work, row, actor, "accept-gap" if accept_gap else "replay")


async def drop(work: "UnitOfWork", parked_id: int, *, actor: str) -> None:
    """Give a parked event up for good: it counts as read, and what waits behind it goes on."""
    row = await _locked(work, parked_id, first=True)
    if row.version is not None:
        await _raise_version(work, row, row.version)
    await Inbox(work, row.consumer).unpark(message_of(row))
    _note(work, row, actor, "drop")


async def _locked(work: "UnitOfWork", parked_id: int, *, first: bool) -> Any:
    """The row, locked against the worker that tries parked events again.

    With `first` it must be the first of its key: its version is about to become the last one read, and those before it
    would be taken for ones that were read long ago.
    """
    parked = work.context.tables.inbox.parked
    row = (await work.execute(select(parked).where(parked.c.id == parked_id).with_for_update())).one_or_none()
    if row is None:
        raise NotFound(f"nothing is parked under {parked_id}")
    if first:
        same = (parked.c.consumer == row.consumer, parked.c.topic == row.topic, parked.c.key == row.key)
        order = (func.coalesce(parked.c.version, 0), parked.c.id)
        earliest = (await work.execute(select(parked.c.id).where(*same).order_by(*order).limit(1))).scalar_one()
        if earliest != parked_id:
            raise NotFirst(f"{parked_id} waits behind {earliest}: replay or drop that one first")
    return row


async def _raise_version(work: "UnitOfWork", row: Any, version: int) -> None:
    ledger = Ledger(versions={(row.topic, row.key): version})
    await Inbox(work, row.consumer).save_versions(ledger)  # never lowers one


def _note(work: "UnitOfWork", row: Any, actor: str, act: str) -> None:
    place = f"{row.topic}/{row.partition}/{row.offset}"
    work.audit(AuditEntry(actor, f"dead-letters.{act}", "parked_event", place[-200:], result=row.state))
