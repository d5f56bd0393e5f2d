"""Upkeep: what has expired goes, with all that was uploaded to it."""

from datetime import timedelta

from services.cases.domain import cases as rules
from services.cases.handlers.acts import item_version
from services.cases.store.work import Work
from services.kit.audit import AuditEntry

BATCH = 100
PENDING_HOURS = 1
"""Hours after which an upload that never came in whole is given up."""

UNFINISHED_HOURS = 24


async def expire_drafts(work: Work) -> int:
    """Remove drafts whose time is over; their files with the next sweep. How many."""
    async with work:
        ids = await work.drafts.expired(work.now(), BATCH)
        await expire(work, ids)
    return len(ids)


async def expire(work: Work, draft_ids: list[str]) -> None:
    """Remove these drafts, locked and past their time, in the running transaction."""
    if draft_ids:
        await work.files.give_up_drafts(draft_ids)
        await work.drafts.remove(draft_ids)
    for draft_id in draft_ids:
        work.audit(AuditEntry("system:expiry", "draft.expired", "draft", draft_id))


async def date_tasks(work: Work, after: str = "") -> str | None:
    """Give open tasks the date that was unknown when they began, where the year's arrangement has been loaded since.

    Some at a time, by case; where to go on, or None at the end.
    """
    async with work:
        found = await work.cases.undated(after, BATCH)
        for case in found:
            item = await item_version(work, case.item_code, case.item_version)
            due = rules.task_due(case, item.terms, work.now())
            if due is not None and due.date is not None:
                await work.cases.date_task(case, due.date)
    return found[-1].id if len(found) == BATCH else None


async def sweep_files(work: Work) -> int:
    """Remove the bytes of files that were given up, then their rows. How many."""
    async with work:
        waiting = await work.files.left_over(work.now() - timedelta(hours=PENDING_HOURS), BATCH)
    for _, path in waiting:
        await work.context.storage.delete(path)
    # A row goes before its bytes, so nothing whole is ever unknown; only what a killed process had begun to write is.
    for prefix in ("drafts", "cases"):
        await work.context.storage.remove_unfinished(prefix, work.now() - timedelta(hours=UNFINISHED_HOURS))
    if waiting:
        async with work:
            await work.files.forget([file_id for file_id, _ in waiting])
    return len(waiting)
