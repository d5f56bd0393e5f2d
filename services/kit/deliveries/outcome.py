"""Recording one attempt: the content's next state and its endpoint's health, in one transaction."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, select, update

from services.kit.deliveries import book
from services.kit.deliveries.rules import Policy, Verdict, next_try
from services.kit.deliveries.types import Owner
from services.kit.telemetry import log

if TYPE_CHECKING:
    from services.kit.db import UnitOfWork


@dataclass(frozen=True, slots=True)
class Result:
    """What one attempt, begun `at`, came to. `retry_after` in seconds, as the endpoint asked."""

    verdict: Verdict
    status: int | None
    cause: str
    at: datetime
    retry_after: float | None = None


async def record(
    work: "UnitOfWork", policy: Policy, owner: Owner, row: Any, lease: str, result: Result, milliseconds: int
) -> None:
    """Write down what came of a claimed row. Nothing happens when the lease was lost or the row removed."""
    tables = book.tables_of(work)
    now = work.now()
    attempts = row.attempts + 1
    first = row.first_try_at or result.at
    values: dict[str, Any] = {"lease": None, "leased_until": None, "attempts": attempts, "first_try_at": first}
    if result.verdict is Verdict.DELIVERED:
        values |= {"state": "delivered", "finished_at": now}
    else:
        due = next_try(policy, now=now, first=first, attempts=attempts, retry_after=result.retry_after)
        values |= {"due_at": due} if due else {"state": "parked", "finished_at": now}
    # Endpoint before content: whoever claims takes the locks in the same order.
    points = tables.endpoints
    locked = select(points).where(points.c.id == row.endpoint_id).with_for_update(key_share=True)
    point = (await work.execute(locked)).one_or_none()
    if point is None:
        return
    disabled = _ends(policy, point, result, now)
    if disabled and values.get("state") == "parked":
        # The endpoint is to blame, not the content: it waits for the endpoint's return.
        values = {k: v for k, v in values.items() if k not in ("state", "finished_at")} | {"due_at": now}
    held = (tables.deliveries.c.id == row.id) & (tables.deliveries.c.lease == lease)
    changed = await work.execute(update(tables.deliveries).where(held).values(values))
    if not changed.rowcount:  # type: ignore[attr-defined]
        return
    attempt = {
        "delivery_id": row.id,
        "endpoint_id": row.endpoint_id,
        "number": attempts,
        "at": result.at,
        "milliseconds": milliseconds,
        "status": result.status,
        "cause": result.cause[:64],
    }
    await work.execute(insert(tables.attempts).values(attempt))
    if result.verdict is Verdict.DELIVERED:
        await owner.delivered(work, row.endpoint_id, row.event_id, attempts)
    elif values.get("state") == "parked":
        log.warning("deliveries.parked", endpoint=row.endpoint_id, event_id=row.event_id, cause=result.cause)
        await owner.parked(work, row.endpoint_id, row.event_id, attempts, result.cause)
    if disabled:
        values = {"state": "disabled", "reason": result.cause[:200], "probe_at": None}
        await work.execute(update(points).where(points.c.id == row.endpoint_id).values(values))
        log.warning("deliveries.endpoint_disabled", endpoint=row.endpoint_id, cause=result.cause)
        await owner.disabled(work, row.endpoint_id, result.cause)
    else:
        await _health(work, policy, point, row.id, result, now)


def _ends(policy: Policy, point: Any, result: Result, now: datetime) -> bool:
    """Whether this result switches an active endpoint off: 410, or it has failed for too long."""
    if point.state != "active":
        return False
    if result.verdict is Verdict.GONE:
        return True
    since = point.failing_since
    return result.verdict is Verdict.FAILED and since is not None and now - since >= timedelta(seconds=policy.give_up)


async def _health(
    work: "UnitOfWork", policy: Policy, point: Any, delivery_id: int, result: Result, now: datetime
) -> None:
    if result.verdict is Verdict.REJECTED and result.status is None:
        return  # it was never sent: nothing was learnt about the endpoint
    tables = book.tables_of(work)
    points = tables.endpoints
    if result.verdict in (Verdict.DELIVERED, Verdict.REJECTED):
        if point.failing_since is None and point.probe_at is None:
            return
        well = {"failures": 0, "failing_since": None, "probe_at": None}
        await work.execute(update(points).where(points.c.id == point.id).values(well))
        if point.probe_at is None:
            return  # it was never away: what failed keeps its place in the schedule
        # It answers again: the circuit closes, and all that waits is due at once, in order for each key.
        waiting = tables.deliveries
        late = (waiting.c.endpoint_id == point.id) & (waiting.c.state == "waiting") & (waiting.c.due_at > now)
        if result.verdict is Verdict.REJECTED:
            # The content that it refused keeps its place in the schedule.
            late &= waiting.c.id != delivery_id
        await work.execute(update(waiting).where(late).values(due_at=now))
        return
    failures = point.failures + 1
    ill: dict[str, Any] = {"failures": failures, "failing_since": point.failing_since or result.at}
    if failures >= policy.failures_to_open or result.retry_after:
        wait = max(policy.probe, result.retry_after or 0.0)
        ill["probe_at"] = max(point.probe_at or now, now + timedelta(seconds=wait))
    await work.execute(update(points).where(points.c.id == point.id).values(ill))
