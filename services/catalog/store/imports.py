"""Runs over import files, and what a batch of one needs to know of the items that it names."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from orjson import Fragment
from sqlalchemy import bindparam, insert, select, update

from services.catalog.domain.items import Content, content_of
from services.catalog.domain.life import RevisionState
from services.catalog.store.items import ItemStore
from services.catalog.store.tables import forms, imports, item_versions, items, revisions
from services.kit.db import UnitOfWork


@dataclass(frozen=True, slots=True)
class StoredRun:
    """A run that has not come to its end."""

    id: str
    position: int
    """The last row whose outcome is committed."""
    report: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class OpenRevision:
    """The revision of a code that is under way."""

    id: str
    version: int
    state: RevisionState
    author: str
    digest: str


class ImportStore:
    """Reads and writes of imports in one unit of work."""

    def __init__(self, work: UnitOfWork) -> None:
        self._work = work

    async def unfinished(self, file_digest: str) -> StoredRun | None:
        """The run over this file, read and taken in the same way, that was broken off last."""
        statement = (
            select(imports)
            .where(imports.c.file_digest == file_digest, imports.c.state == "running")
            .order_by(imports.c.started_at.desc())
            .limit(1)
        )
        row = (await self._work.execute(statement)).one_or_none()
        return StoredRun(row.id, row.position, row.report) if row is not None else None

    async def begin(self, values: Mapping[str, Any]) -> None:
        """Keep a new run."""
        now = self._work.now()
        await self._work.execute(insert(imports), {**values, "state": "running", "position": 0, "started_at": now})

    async def advance(
        self, id_: str, seen: int, position: int, report: Mapping[str, Any], *, finished: datetime | None = None
    ) -> bool:
        """The run has come to `position`; False where somebody else moved it from `seen` meanwhile."""
        values: dict[str, Any] = {"position": position, "report": dict(report)}
        if finished is not None:
            values |= {"state": "finished", "finished_at": finished}
        mine = update(imports).where(imports.c.id == id_, imports.c.position == seen, imports.c.state == "running")
        return (await self._work.execute(mine.values(values).returning(imports.c.id))).first() is not None

    async def open_revisions(self, codes: Iterable[str]) -> dict[str, OpenRevision]:
        """The open revisions of `codes`, locked."""
        names = ("open_code", "id", "version", "state", "author", "digest")
        statement = select(*(revisions.c[name] for name in names)).where(
            self._work.among(revisions.c.open_code, set(codes))
        )
        return {
            row.open_code: OpenRevision(row.id, row.version, RevisionState(row.state), row.author, row.digest)
            for row in await self._work.execute(statement.with_for_update())
        }

    async def contents(self, codes: Sequence[str], drafts: Sequence[str]) -> dict[str, Content]:
        """By code: the open draft of those of `drafts` (ids), of other `codes` the version that is in force or was
        last."""
        found: dict[str, Content] = {}
        if codes:
            joined = items.join(
                item_versions, (item_versions.c.code == items.c.code) & (item_versions.c.version == items.c.version)
            ).join(forms, forms.c.digest == item_versions.c.form_digest)
            published = select(item_versions.c.code, item_versions.c.kind, item_versions.c.document, forms.c.form)
            for row in await self._work.execute(
                published.select_from(joined).where(self._work.among(items.c.code, codes))
            ):
                found[row.code] = content_of(row.kind, row.document, row.form)
        if drafts:
            drafted = select(revisions.c.code, revisions.c.kind, revisions.c.document, forms.c.form).join_from(
                revisions, forms, forms.c.digest == revisions.c.form_digest
            )
            for row in await self._work.execute(drafted.where(self._work.among(revisions.c.id, drafts))):
                found[row.code] = content_of(row.kind, row.document, row.form)
        return found

    async def rewrite(self, changed: Sequence[tuple[OpenRevision, int, Content]], reason: str) -> None:
        """Other contents for drafts of imports, begun from the versions that are in force now."""
        if not changed:
            return
        await ItemStore(self._work).save_forms({content.form_digest: content.form for _, _, content in changed})
        now = self._work.now()
        names = ("version", "from_version", "organisation_id", "document", "form_digest", "digest", "reason")
        statement = (
            update(revisions)
            .where(revisions.c.id == bindparam("of"))
            .values({**{name: bindparam(f"new_{name}") for name in names}, "updated_at": now})
        )
        rows = [
            {
                "of": before.id,
                "new_version": before.version + 1,
                "new_from_version": from_version,
                "new_organisation_id": content.organisation.id,
                "new_document": Fragment(content.document_json),
                "new_form_digest": content.form_digest,
                "new_digest": content.digest,
                "new_reason": reason,
            }
            for before, from_version, content in changed
        ]
        await self._work.execute(statement, rows)
