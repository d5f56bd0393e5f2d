"""Review (审核): handed in, returned, approved by another person, withdrawn before its day; in force on that day."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Final

from services.catalog.domain import life, periods
from services.catalog.domain.items import Provenance
from services.catalog.domain.life import SYSTEM, Act, ItemStatus, Revision
from services.catalog.handlers.judging import check_lint
from services.catalog.handlers.life import actor_of, check_seen, keep, require, seen_revision, send_back
from services.catalog.handlers.publishing import next_version, put_in_force
from services.catalog.store.revisions import StoredRevision
from services.catalog.store.work import Work
from services.kit.auth import Principal
from services.kit.database import is_outage
from services.kit.errors import FieldProblem, Invalid, TongbanError
from services.kit.telemetry import cause_of, log

DUE_AT_ONCE: Final = 50
"""Revisions that come into force in one transaction."""


@dataclass(frozen=True, slots=True)
class Approval:
    """What became of one of many approvals: the revision as it is now, or why not."""

    id: str
    revision: Revision | None = None
    refusal: TongbanError | None = None


async def submit(officer: Principal, id_: str, seen: int, reason: str, work: Work) -> StoredRevision:
    """Hand a draft to the reviewer. What the lint finds is told with the revision, and refuses only its approval.

    Raises RevisionNotFound, PreconditionFailed, WrongState, Forbidden.
    """
    return await _plainly(officer, id_, seen, Act.SUBMITTED, reason, work)


async def return_(officer: Principal, id_: str, seen: int, reason: str, work: Work) -> StoredRevision:
    """Give a revision back to its author, saying why. Raises as `submit`."""
    return await _plainly(officer, id_, seen, Act.RETURNED, reason, work)


async def withdraw(officer: Principal, id_: str, seen: int, reason: str, work: Work) -> StoredRevision:
    """Take back what was approved before its date; what was to come is to come no more. Raises as `submit`."""
    async with work:
        await work.one_writer()
        found = await _plainly(officer, id_, seen, Act.WITHDRAWN, reason, work)
        await work.periods.forget_future([found.revision.code])
        return found


async def _plainly(officer: Principal, id_: str, seen: int, act: Act, reason: str, work: Work) -> StoredRevision:
    async with work:
        found = await seen_revision(id_, officer, work, lock=True)
        check_seen(found.revision, seen)
        require(officer, act, [found.revision.organisation])
        after = life.moved(found.revision, act, work.now(), reason)
        await work.revisions.save(after)
        keep(after, act, officer, reason, work)
        return replace(found, revision=after)


async def approve(
    officer: Principal, id_: str, seen: int | None, reason: str, effective_from: date | None, work: Work
) -> StoredRevision:
    """Approve a revision: in force from the beginning of `effective_from` on, at once where that is today or absent.

    Raises RevisionNotFound, PreconditionFailed, WrongState, Forbidden, AuthorReviews, Overtaken, ItemIsRetired,
    LintRefused, Invalid (a day that is over).
    """
    async with work:
        await work.one_writer()
        found = await seen_revision(id_, officer, work, lock=True)
        revision, content = found.revision, found.content
        check_seen(revision, seen)
        standing = (await work.items.standing([revision.code])).get(revision.code)
        require(officer, Act.REVIEWED, {revision.organisation} | ({standing.organisation} if standing else set()))
        effective_at = _effective_at(effective_from, work.now())
        reviewer = actor_of(officer)
        after = life.moved(revision, Act.REVIEWED, work.now(), reason, reviewer=reviewer, effective_at=effective_at)
        life.check_reviewer(reviewer, await work.history.writers(revision.code, revision.id) | {revision.author.id})
        life.check_base(after, standing.version if standing else 0, standing.status if standing else None)
        await check_lint(content, work, by=effective_at)
        await work.revisions.save(after)
        keep(after, Act.REVIEWED, officer, reason, work)
        approved = StoredRevision(after, content)
        if effective_at <= work.now():
            return await _publish(approved, work)
        version = (standing.version if standing else 0) + 1
        await work.periods.mark([(revision.code, version, ItemStatus.PUBLISHED)], effective_at)
        return approved


def _effective_at(day: date | None, now: datetime) -> datetime:
    today = periods.day_of(now)
    if day is None or day == today:
        return now  # what is approved today holds from now on, not from before anyone could know it
    if day < today:
        raise Invalid(fields=[FieldProblem("effective_from", "past", "today or later: nothing is in force before")])
    return periods.midnight(day)


async def approve_many(
    officer: Principal,
    ids: Sequence[str],
    seen: Mapping[str, int],
    reason: str,
    effective_from: date | None,
    work: Work,
) -> list[Approval]:
    """Approve many: each in a savepoint of its own, so that the good ones are kept whatever becomes of the others."""
    outcomes = []
    async with work:
        await work.one_writer()
        for id_ in dict.fromkeys(ids):
            try:
                found = await approve(officer, id_, seen.get(id_), reason, effective_from, work)
            except TongbanError as error:
                outcomes.append(Approval(id_, refusal=error))
            else:
                outcomes.append(Approval(id_, found.revision))
    return outcomes


async def _publish(approved: StoredRevision, work: Work) -> StoredRevision:
    """Put an approved revision in force, now. Raises Overtaken, ItemIsRetired."""
    revision, content = approved.revision, approved.content
    standing = (await work.items.standing([revision.code])).get(revision.code)
    life.check_base(revision, standing.version if standing else 0, standing.status if standing else None)
    version = next_version(content, standing, Provenance.EDITOR, revision.id)
    after = life.moved(revision, Act.PUBLISHED, work.now(), revision.reason)
    await work.revisions.save(after)
    await put_in_force([version], work)
    who = revision.reviewer or SYSTEM
    keep(after, Act.PUBLISHED, who, revision.reason, work, item_version=version.version, action="items.publish")
    return StoredRevision(after, content)


async def publish_due(work: Work, *, besides: Collection[str] = ()) -> tuple[int, list[str]]:
    """Put in force what was approved for a date that has come, some at a time: how many were looked at, and the ids of
    those that failed for a reason of ours. What may not be published any more is a draft again, with the reason."""
    failed = []
    async with work:
        await work.one_writer()
        due = await work.revisions.due(work.now(), DUE_AT_ONCE, besides=besides)
        for found in due:
            id_ = found.revision.id
            try:
                async with work:
                    await _publish_or_send_back(found, work)
                    await work.flush()
            except Exception as error:  # one that breaks must not keep the others from coming into force
                if is_outage(error):
                    raise
                log.error("catalog.publish_failed", revision=id_, cause=cause_of(error))
                failed.append(id_)
    return len(due), failed


async def _publish_or_send_back(found: StoredRevision, work: Work) -> None:
    code = found.revision.code
    try:
        async with work:
            await check_lint(found.content, work)
            await _publish(found, work)
    except TongbanError as error:
        rules = sorted({each["rule"] for each in error.members.get("errors", ())})
        reason = ": ".join(filter(None, (error.title, error.detail, ", ".join(rules))))
        await work.periods.forget_future([code])
        await send_back([code], reason[:1000], work)


async def waiting(work: Work) -> bool:
    """Whether anything waits to come into force now."""
    async with work:
        return await work.revisions.anything_due(work.now())
