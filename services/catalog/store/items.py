"""What is or was in force: items and bundles, their versions, periods, aliases and history."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from orjson import Fragment
from sqlalchemy import Row, Select, select, update

from services.catalog.domain.codes import code_above
from services.catalog.domain.items import Content, Provenance, content_of
from services.catalog.domain.life import Act, ItemStatus
from services.catalog.store.periods import PeriodStore
from services.catalog.store.tables import forms, item_aliases, item_versions, items, transitions
from services.kit.db import UnitOfWork


@dataclass(frozen=True, slots=True)
class StoredItem:
    """One version as it was published, and where the item stands now."""

    content: Content
    version: int
    published_at: datetime
    provenance: str
    status: ItemStatus
    status_reason: str
    current: int
    """The version in force now, or last."""
    sequence: int
    """Of the item's events: the aggregate's version on `catalog.items`."""


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a code stands: what the next event and version are counted from."""

    version: int
    sequence: int
    digest: str
    status: ItemStatus
    kind: str
    organisation: str


@dataclass(frozen=True, slots=True)
class Published:
    """A version to put in force."""

    content: Content
    version: int
    sequence: int
    provenance: Provenance
    revision_id: str | None = None


@dataclass(frozen=True, slots=True)
class Done:
    """What somebody did (see `domain.life.Act`)."""

    code: str
    act: Act
    actor: str
    actor_name: str
    reason: str
    at: datetime
    revision_id: str | None = None
    item_version: int | None = None

    def row(self) -> dict[str, Any]:
        return {
            "code": self.code,
            "revision_id": self.revision_id,
            "item_version": self.item_version,
            "act": self.act.value,
            "actor": self.actor,
            "actor_name": self.actor_name,
            "reason": self.reason,
            "at": self.at,
        }


class ItemStore:
    """Reads and writes of items in one unit of work."""

    def __init__(self, work: UnitOfWork) -> None:
        self._work = work

    async def standing(self, codes: Iterable[str]) -> dict[str, Standing]:
        """Where those of `codes` stand that were ever in force."""
        names = ("code", "version", "sequence", "digest", "status", "kind", "organisation_id")
        statement = select(*(items.c[name] for name in names)).where(self._work.among(items.c.code, set(codes)))
        return {
            row.code: Standing(
                row.version, row.sequence, row.digest, ItemStatus(row.status), row.kind, row.organisation_id
            )
            for row in await self._work.execute(statement)
        }

    async def change_status(self, code: str, sequence: int, status: ItemStatus, reason: str) -> None:
        """What is or was in force stands otherwise now, for `reason`; `sequence` is that of the event that tells it."""
        changed = {"status": status.value, "status_reason": reason, "sequence": sequence}
        await self._work.execute(update(items).where(items.c.code == code).values(changed))

    async def publish(self, published: Sequence[Published], now: datetime) -> None:
        """Put new versions in force from `now`: each one's row, version, form, period; it is found by search."""
        if not published:
            return
        await self.save_forms({each.content.form_digest: each.content.form for each in published})
        await self._work.upsert(items, [_row(each, now) for each in published], ["code"], keep=["uses"])
        versions = [
            {
                "code": each.content.code,
                "version": each.version,
                "kind": each.content.kind,
                "document": Fragment(each.content.document_json),
                "form_digest": each.content.form_digest,
                "provenance": each.provenance.value,
                "revision_id": each.revision_id,
                "published_at": now,
            }
            for each in published
        ]
        await self._work.insert_many(item_versions, versions)
        marks = [(each.content.code, each.version, ItemStatus.PUBLISHED) for each in published]
        await PeriodStore(self._work).mark(marks, now)

    async def save_forms(self, found: Mapping[str, Mapping[str, Any]]) -> None:
        """Keep forms by their digests; those that are there stay."""
        rows = [{"digest": digest, "form": form} for digest, form in found.items()]
        if rows:
            await self._work.insert_ignore(forms, rows, forms.c.digest)

    async def item(self, code: str, version: int | None = None) -> StoredItem | None:
        """The version in force (of what is suspended or retired, the last), or the one asked for; by code or alias."""
        wanted = items.c.version if version is None else version
        statement = _whole().where(item_versions.c.version == wanted, item_versions.c.code == code)
        row = (await self._work.execute(statement)).one_or_none()
        # What a reform carried over answers as it is now; its versions of before are found under the code of then.
        if row is None or (version is None and row.status == ItemStatus.RETIRED.value):
            target = await self.alias(code)
            if target is not None and target != code:
                return await self.item(target, version)
        return _stored(row) if row is not None else None

    async def many(self, codes: Iterable[str]) -> dict[str, StoredItem]:
        """The versions in force (or last) of `codes`, each under the code or alias that it was asked for by."""
        wanted = set(codes)
        statement = select(item_aliases.c.alias, item_aliases.c.code).where(item_aliases.c.alias.in_(wanted))
        standing_for = {row.alias: row.code for row in await self._work.execute(statement)}
        own = (wanted - standing_for.keys()) | set(standing_for.values())
        whole = _whole().where(item_versions.c.version == items.c.version, item_versions.c.code.in_(own))
        found = {row.code: _stored(row) for row in await self._work.execute(whole)}
        asked = {code: found.get(standing_for.get(code, code)) for code in wanted}
        return {code: item for code, item in asked.items() if item is not None}

    async def alias(self, code: str) -> str | None:
        """The code that goes by `code` today, where that is an alias."""
        return (
            await self._work.execute(select(item_aliases.c.code).where(item_aliases.c.alias == code))
        ).scalar_one_or_none()

    async def aliases(self, code: str) -> tuple[str, ...]:
        """The other codes that an item is found by."""
        statement = select(item_aliases.c.alias).where(item_aliases.c.code == code).order_by(item_aliases.c.alias)
        return tuple((await self._work.execute(statement)).scalars())

    async def known(self, code: str) -> bool:
        """Whether an item with this code was ever published."""
        return (await self._work.execute(select(items.c.code).where(items.c.code == code))).first() is not None

    def did(self, done: Done) -> None:
        """Keep who did what, when and why: the history of a code."""
        self._work.add(transitions, done.row())


def _whole() -> Select[Any]:
    joined = item_versions.join(forms, forms.c.digest == item_versions.c.form_digest)
    standing = (items.c.status, items.c.status_reason, items.c.version.label("current"), items.c.sequence)
    return select(item_versions, forms.c.form, *standing).select_from(
        joined.join(items, items.c.code == item_versions.c.code)
    )


def _stored(row: Row[Any]) -> StoredItem:
    return StoredItem(
        content_of(row.kind, row.document, row.form),
        row.version,
        row.published_at,
        row.provenance,
        ItemStatus(row.status),
        row.status_reason,
        row.current,
        row.sequence,
    )


def _row(each: Published, now: datetime) -> dict[str, Any]:
    content = each.content
    return {
        "code": content.code,
        "kind": content.kind,
        # Where the content names none, its code may: whoever asks what implements a base item must not miss it.
        "base": content.base or code_above(content.code),
        "status": ItemStatus.PUBLISHED.value,
        "status_reason": "",
        "version": each.version,
        "sequence": each.sequence,
        "digest": content.digest,
        "organisation_id": content.organisation.id,
        "division": content.division,
        "item_type": content.item_type,
        "for_person": "person" in content.subjects,
        "for_company": "company" in content.subjects,
        "online_depth": content.online_depth,
        "provenance": each.provenance.value,
        "name_key": content.name_key,
        "rank": content.rank,
        "uses": 0,
        "published_at": now,
    }
