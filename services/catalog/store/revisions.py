"""Revisions: proposed contents on their way."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from orjson import Fragment
from sqlalchemy import Row, delete, select, update

from services.catalog.domain.items import Content, content_of
from services.catalog.domain.life import Actor, ItemStatus, Revision, RevisionState
from services.catalog.store.items import ItemStore
from services.catalog.store.tables import forms, item_versions, items, realignments, revisions
from services.contracts.base import Text
from services.kit.auth import EVERYWHERE
from services.kit.db import UnitOfWork


@dataclass(frozen=True, slots=True)
class StoredRevision:
    """A revision with its content."""

    revision: Revision
    content: Content


@dataclass(frozen=True, slots=True)
class ListedRevision:
    """A revision as a list shows it."""

    revision: Revision
    name: Text
    organisation_name: Text


@dataclass(frozen=True, slots=True)
class Touched:
    """What implements a base item, and is touched by a change of it."""

    code: str
    name: Text
    organisation: Text


@dataclass(frozen=True, slots=True)
class RevisionFilter:
    """Which revisions a list shows: those of `organisations` ({"*"}: of all), and narrower."""

    organisations: frozenset[str]
    state: RevisionState | None = None
    organisation: str | None = None
    author: str | None = None
    code: str | None = None


@dataclass(frozen=True, slots=True)
class Realignment:
    """A base item whose version is being carried to its implementations; those up to `after` have been looked at."""

    base: str
    version: int
    after: str


class RevisionStore:
    """Reads and writes of revisions in one unit of work."""

    def __init__(self, work: UnitOfWork) -> None:
        self._work = work

    async def begin(self, begun: Sequence[tuple[Revision, Content]]) -> set[str]:
        """Keep new revisions; the ids of those that were kept: where another of a code is open, that one stays (whoever
        is first, also of two at once)."""
        if not begun:
            return set()
        await ItemStore(self._work).save_forms({content.form_digest: content.form for _, content in begun})
        rows = [_row(revision) | _content(content) for revision, content in begun]
        return set(await self._work.insert_ignore(revisions, rows, revisions.c.id))

    async def ever(self, code: str) -> bool:
        """Whether there was ever a revision of `code`."""
        statement = select(revisions.c.id).where(revisions.c.code == code).limit(1)
        return (await self._work.execute(statement)).first() is not None

    async def open_ones(self, codes: Iterable[str]) -> dict[str, str]:
        """The ids of the open revisions of those of `codes` that have one."""
        wanted = self._work.among(revisions.c.open_code, set(codes))
        statement = select(revisions.c.open_code, revisions.c.id).where(wanted)
        return {row.open_code: row.id for row in await self._work.execute(statement)}

    async def get(self, id_: str, *, lock: bool = False) -> StoredRevision | None:
        """A revision with its content; with `lock` nobody else changes it before the transaction's end."""
        found = await self._many(revisions.c.id == id_, lock=lock)
        return found[0] if found else None

    async def approved(self, codes: Iterable[str], *, lock: bool = True) -> Sequence[StoredRevision]:
        """Revisions of `codes` that wait for their date; with `lock` nobody else changes them meanwhile."""
        wanted = self._work.among(revisions.c.open_code, set(codes))
        return await self._many(wanted, revisions.c.state == RevisionState.REVIEWED.value, lock=lock)

    async def due(self, now: datetime, limit: int, *, besides: Collection[str] = ()) -> Sequence[StoredRevision]:
        """Revisions whose date has come, the earliest first and of one date items before bundles, which name them;
        locked."""
        wanted = [revisions.c.state == RevisionState.REVIEWED.value, revisions.c.effective_at <= now]
        if besides:
            wanted.append(revisions.c.id.not_in(list(besides)))
        return await self._many(*wanted, lock=True, limit=limit)

    async def _many(self, *wanted: Any, lock: bool = False, limit: int | None = None) -> list[StoredRevision]:
        statement = (
            select(revisions, forms.c.form)
            .join(forms, forms.c.digest == revisions.c.form_digest)
            .where(*wanted)
            .order_by(revisions.c.effective_at, revisions.c.kind == "bundle", revisions.c.id)
        )
        if limit is not None:
            statement = statement.limit(limit)
        if lock:
            statement = statement.with_for_update(of=revisions)
        rows = await self._work.execute(statement)
        return [StoredRevision(_revision(row), content_of(row.kind, row.document, row.form)) for row in rows]

    async def save(self, revision: Revision, content: Content | None = None) -> None:
        """Keep a revision as it is now, with its `content` where that changed."""
        values = _row(revision)
        if content is not None:
            await ItemStore(self._work).save_forms({content.form_digest: content.form})
            values |= _content(content)
        await self._work.execute(update(revisions).where(revisions.c.id == values.pop("id")).values(values))

    async def listed(self, wanted: RevisionFilter, before: str | None, limit: int) -> Sequence[ListedRevision]:
        """Revisions, the newest first, from the one before `before` on."""
        statement = select(revisions).order_by(revisions.c.id.desc()).limit(limit)
        if EVERYWHERE not in wanted.organisations:
            statement = statement.where(revisions.c.organisation_id.in_(wanted.organisations))
        for column, value in (
            (revisions.c.state, wanted.state and wanted.state.value),
            (revisions.c.organisation_id, wanted.organisation),
            (revisions.c.author, wanted.author),
            (revisions.c.code, wanted.code),
        ):
            if value is not None:
                statement = statement.where(column == value)
        if before is not None:
            statement = statement.where(revisions.c.id < before)
        return [
            ListedRevision(
                _revision(row),
                Text.model_validate(row.document["name"]),
                Text.model_validate(row.document["organisation"]["name"]),
            )
            for row in await self._work.execute(statement)
        ]

    async def anything_due(self, now: datetime) -> bool:
        """Whether there is anything for the publisher to do: one small query, asked often."""
        waiting = select(revisions.c.id).where(
            revisions.c.state == RevisionState.REVIEWED.value, revisions.c.effective_at <= now
        )
        either = select(waiting.exists() | select(realignments.c.base).exists())
        return bool((await self._work.execute(either)).scalar_one())

    async def realign(self, bases: Sequence[tuple[str, int]]) -> None:
        """Have the implementations of base items (code, version) looked at, from the first on."""
        rows = [{"base": base, "version": version, "after": ""} for base, version in bases]
        await self._work.upsert(realignments, rows, ["base"])

    async def realignment(self) -> Realignment | None:
        """A base whose implementations are to be looked at."""
        row = (await self._work.execute(select(realignments).order_by(realignments.c.base).limit(1))).one_or_none()
        return Realignment(row.base, row.version, row.after) if row is not None else None

    async def realigned(self, base: str, after: str | None) -> None:
        """The implementations of `base` up to `after` have been looked at; None: all."""
        mine = realignments.c.base == base
        if after is None:
            await self._work.execute(delete(realignments).where(mine))
        else:
            await self._work.execute(update(realignments).where(mine).values(after=after))

    async def implementations(self, base: str, after: str, limit: int) -> Sequence[Touched]:
        """What is in force or suspended and implements `base`, by code, from the one after `after` on."""
        version = (item_versions.c.code == items.c.code) & (item_versions.c.version == items.c.version)
        statement = (
            select(items.c.code, item_versions.c.document)
            .join(item_versions, version)
            .where(items.c.base == base, items.c.status != ItemStatus.RETIRED.value, items.c.code > after)
            .order_by(items.c.code)
            .limit(limit)
        )
        return [
            Touched(
                row.code,
                Text.model_validate(row.document["name"]),
                Text.model_validate(row.document["organisation"]["name"]),
            )
            for row in await self._work.execute(statement)
        ]


def _row(revision: Revision) -> dict[str, Any]:
    reviewer = revision.reviewer
    return {
        "id": revision.id,
        "code": revision.code,
        "open_code": revision.open_code,
        "kind": revision.kind,
        "state": revision.state.value,
        "version": revision.version,
        "from_version": revision.from_version,
        "organisation_id": revision.organisation,
        "provenance": revision.provenance,
        "author": revision.author.id,
        "author_name": revision.author.name,
        "reviewer": reviewer.id if reviewer else None,
        "reviewer_name": reviewer.name if reviewer else None,
        "reason": revision.reason,
        "effective_at": revision.effective_at,
        "created_at": revision.created_at,
        "updated_at": revision.updated_at,
    }


def _content(content: Content) -> dict[str, Any]:
    return {"document": Fragment(content.document_json), "form_digest": content.form_digest, "digest": content.digest}


def _revision(row: Row[Any]) -> Revision:
    return Revision(
        id=row.id,
        code=row.code,
        kind=row.kind,
        state=RevisionState(row.state),
        version=row.version,
        from_version=row.from_version,
        organisation=row.organisation_id,
        provenance=row.provenance,
        author=Actor(row.author, row.author_name),
        reason=row.reason,
        created_at=row.created_at,
        updated_at=row.updated_at,
        reviewer=Actor(row.reviewer, row.reviewer_name or "") if row.reviewer else None,
        effective_at=row.effective_at,
    )
