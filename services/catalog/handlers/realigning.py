"""A base item changed: what implements it and no longer agrees gets a draft to review (同一事项、同一标准)."""

from typing import Final

from services.catalog.domain.alignment import misaligned
from services.catalog.domain.items import ItemContent
from services.catalog.domain.life import SYSTEM, Act, ItemStatus
from services.catalog.domain.realigned import aligned
from services.catalog.handlers.drafting import open_draft
from services.catalog.handlers.life import did, keep
from services.catalog.store.work import Work
from services.kit.database import is_outage
from services.kit.telemetry import cause_of, log

BATCH: Final = 100
"""Implementations that are looked at in one transaction: a base item may have thousands."""


async def realign_some(work: Work) -> bool:
    """Look at the next implementations of a base item that changed; whether there was anything to do.

    Each that does not agree gets a draft that takes the change over, made by the system. One that is being drafted gets
    a line in its history instead: its author is to look.
    """
    async with work:
        await work.one_writer()
        job = await work.revisions.realignment()
        if job is None:
            return False
        base = await work.items.item(job.base)
        touched = await work.revisions.implementations(job.base, job.after, BATCH)
        if base is not None and isinstance(base.content, ItemContent) and base.status is ItemStatus.PUBLISHED:
            name, version = base.content.name.zh, base.version
            reason = f"基本目录 {job.base}“{name}”已是第 {version} 版 (the base item is at version {version})"
            under_way = await work.revisions.open_ones(each.code for each in touched)
            for each in touched:
                try:
                    async with work:
                        await _realign(base.content, each.code, under_way.get(each.code), reason, work)
                        await work.flush()
                except Exception as error:  # one that breaks must not keep the others from being looked at
                    if is_outage(error):
                        raise
                    log.error("catalog.realign_failed", code=each.code, cause=cause_of(error))
        await work.revisions.realigned(job.base, touched[-1].code if len(touched) == BATCH else None)
        return True


async def _realign(base: ItemContent, code: str, under_way: str | None, reason: str, work: Work) -> None:
    item = await work.items.item(code)
    assert item is not None
    if not isinstance(item.content, ItemContent) or not misaligned(base, item.content):
        return
    if under_way is not None:
        did(code, Act.BASE_CHANGED, SYSTEM, reason, work, revision_id=under_way)
        return
    revision = await open_draft(aligned(base, item.content), item.version, SYSTEM, reason, work)
    keep(revision, Act.DRAFTED, SYSTEM, reason, work)
