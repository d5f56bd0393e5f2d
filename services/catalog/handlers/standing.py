"""What is in force: suspended, resumed, retired, rolled back; and its history."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from services.catalog import errors, events
from services.catalog.domain import life, periods
from services.catalog.domain.codes import normalise_code
from services.catalog.domain.comparison import Change, changes
from services.catalog.domain.items import Provenance
from services.catalog.domain.life import Act, ItemStatus
from services.catalog.handlers.life import did, record, require, send_back
from services.catalog.handlers.publishing import announce, put_in_force
from services.catalog.store.history import ListedVersion
from services.catalog.store.items import Done, Published, StoredItem
from services.catalog.store.periods import Held
from services.catalog.store.work import Work
from services.kit.auth import Principal
from services.kit.errors import PreconditionFailed
from services.kit.events import event_of


@dataclass(frozen=True, slots=True)
class StandingNow:
    """Where an item stands after an act on it."""

    code: str
    version: int
    status: ItemStatus
    reason: str


async def suspend(officer: Principal, code: str, seen: int | None, reason: str, work: Work) -> StandingNow:
    """Take no new cases of an item for a time (暂停); running ones go on. Raises ItemNotFound, WrongState, Forbidden,
    BundleNotSuspended."""
    return await _change(officer, code, seen, Act.SUSPENDED, reason, work)


async def resume(officer: Principal, code: str, seen: int | None, reason: str, work: Work) -> StandingNow:
    """Offer a suspended item again, in the version that it had. Raises ItemNotFound, WrongState, Forbidden."""
    return await _change(officer, code, seen, Act.RESUMED, reason, work)


async def retire(officer: Principal, code: str, seen: int | None, reason: str, work: Work) -> StandingNow:
    """Offer an item or bundle no longer; running cases go on, and what was being drafted of it is given up.

    Raises ItemNotFound, WrongState, Forbidden.
    """
    return await _change(officer, code, seen, Act.RETIRED, reason, work)


async def _change(officer: Principal, code: str, seen: int | None, act: Act, reason: str, work: Work) -> StandingNow:
    async with work:
        await work.one_writer()
        item = await _standing(officer, code, seen, act, work)
        content, code = item.content, item.content.code
        if content.kind == "bundle" and act is not Act.RETIRED:
            raise errors.BundleNotSuspended
        status = life.status_after(item.status, act)
        now, sequence = work.now(), item.sequence + 1
        told = reason if status is not ItemStatus.PUBLISHED else ""
        await work.items.change_status(code, sequence, status, told)
        await work.periods.mark([(code, item.version, status)], now)
        await work.search.index([content])
        await send_back([code], f"{act.value}: {reason}"[:1000], work)
        if act is Act.RETIRED:
            await _give_up(officer, code, reason, work)
        if status is ItemStatus.PUBLISHED:
            again = Published(content, item.version, sequence, Provenance(item.provenance))
            await announce([(again, item.published_at)], work)
        else:
            data = events.left(content, item.version, status, reason, now)
            work.publish(event_of(data, subject=code, version=sequence, time=now))
        did(code, act, officer, reason, work, item_version=item.version)
        record(officer, f"items.{act.value}", "item", code, content.organisation.id, reason, work)
        return StandingNow(code, item.version, status, told)


async def _give_up(officer: Principal, code: str, reason: str, work: Work) -> None:
    """Discard what is under way of a code that is retired."""
    for id_ in (await work.revisions.open_ones([code])).values():
        found = await work.revisions.get(id_, lock=True)
        assert found is not None
        after = life.moved(found.revision, Act.DISCARDED, work.now(), reason)
        await work.revisions.save(after)
        did(code, Act.DISCARDED, officer, reason, work, revision_id=id_)


async def roll_back(
    officer: Principal, code: str, seen: int | None, to_version: int, reason: str, work: Work
) -> StandingNow:
    """Put the content of an earlier version in force again, as a new version whose reason names it.

    It ends a suspension or retirement too. The lint is not asked: the version was in force, and what is wrong now is
    worse; where it came from is kept. Raises ItemNotFound, VersionNotFound, WrongState, Forbidden.
    """
    async with work:
        await work.one_writer()
        item = await _standing(officer, code, seen, Act.ROLLED_BACK, work)
        code = item.content.code
        life.status_after(item.status, Act.ROLLED_BACK)
        earlier = await work.items.item(code, to_version)
        if earlier is None:
            raise errors.VersionNotFound
        if to_version == item.version and item.status is ItemStatus.PUBLISHED:
            raise errors.WrongState(f"version {to_version} is in force", state=item.status.value)
        version = Published(earlier.content, item.version + 1, item.sequence + 1, Provenance(earlier.provenance))
        await put_in_force([version], work)
        named = f"第 {to_version} 版 (version {to_version}): {reason}"
        did(code, Act.ROLLED_BACK, officer, named, work, item_version=version.version)
        record(officer, "items.roll_back", "item", code, item.content.organisation.id, named, work)
        return StandingNow(code, version.version, ItemStatus.PUBLISHED, "")


async def _standing(officer: Principal, code: str, seen: int | None, act: Act, work: Work) -> StoredItem:
    item = await found_item(code, work)
    require(officer, act, [item.content.organisation.id])
    if seen is not None and seen != item.version:
        raise PreconditionFailed(f"version {item.version} is in force", version=item.version)
    return item


async def found_item(code: str, work: Work, version: int | None = None) -> StoredItem:
    """The version in force (or last), or the one asked for, by code or alias. Raises ItemNotFound, VersionNotFound."""
    async with work:
        code = normalise_code(code)
        found = await work.items.item(code, version)
        if found is None and version is not None and await work.items.item(code) is not None:
            raise errors.VersionNotFound
        if found is None:
            raise errors.ItemNotFound
        return found


async def list_transitions(code: str, before: int | None, limit: int, work: Work) -> Sequence[tuple[int, Done]]:
    """Who did what to a code, when and why, the latest first. Raises ItemNotFound where nothing ever was."""
    async with work:
        code = await _code(code, work)
        found = await work.history.listed(code, before, limit)
        if not found and before is None:
            raise errors.ItemNotFound
        return found


async def list_versions(code: str, before: int | None, limit: int, work: Work) -> Sequence[ListedVersion]:
    """The versions of a code, the newest first. Raises ItemNotFound."""
    async with work:
        code = (await found_item(code, work)).content.code
        return await work.history.versions(code, before, limit)


async def compare_versions(code: str, left: int, right: int, work: Work) -> list[Change]:
    """What differs from one version to another. Raises ItemNotFound, VersionNotFound."""
    async with work:
        one, other = await found_item(code, work, left), await found_item(code, work, right)
        return changes(one.content, other.content)


async def held_on(code: str, valid_on: date | None, known_on: date | None, work: Work) -> Held | None:
    """What was in force at the end of the day `valid_on`, as it was known at the end of the day `known_on`; of today,
    and of absent days, now. Raises ItemNotFound for a code that no version was ever known of."""
    async with work:
        now = work.now()
        today = periods.day_of(now)
        known_at = min(periods.end_of(known_on or today, now), now)
        valid_at = periods.end_of(valid_on or today, now)
        code = await _code(code, work)
        found = await work.periods.held(code, valid_at, known_at)
        if found is None and not await work.periods.known([code]):
            raise errors.ItemNotFound
        return found


async def _code(code: str, work: Work) -> str:
    code = normalise_code(code)
    return code if await work.items.known(code) else await work.items.alias(code) or code
