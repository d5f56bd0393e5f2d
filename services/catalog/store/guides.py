"""Where a guide stands, without its content: what is asked at every opening."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from sqlalchemy import Date, Integer, String, Text, bindparam, cast, func, select

from services.catalog.domain.items import ItemContent
from services.catalog.store.tables import appeals, forms, item_aliases, item_versions, items
from services.contracts.catalog_items import Exemption
from services.kit.db import UnitOfWork
from services.kit.statements import Statement


@dataclass(frozen=True, slots=True)
class Shown:
    """One version and where its item stands now."""

    code: str
    kind: str
    version: int
    current: int
    status: str
    status_reason: str
    provenance: str
    published_at: datetime


_WANTED: Final = func.coalesce(bindparam("version", type_=Integer()), items.c.version)
_SHOWN: Final = Statement(
    lambda insert: (
        select(
            items.c.code,
            items.c.kind,
            item_versions.c.version,
            items.c.version.label("current"),
            items.c.status,
            items.c.status_reason,
            item_versions.c.provenance,
            item_versions.c.published_at,
        )
        .join(item_versions, (item_versions.c.code == items.c.code) & (item_versions.c.version == _WANTED))
        .where(items.c.code == bindparam("code", type_=String()))
    )
)


_CONTENT: Final = Statement(
    lambda insert: (
        select(cast(item_versions.c.document, Text), cast(forms.c.form, Text))
        .join(forms, forms.c.digest == item_versions.c.form_digest)
        .where(
            item_versions.c.code == bindparam("code", type_=String()),
            item_versions.c.version == bindparam("version", type_=Integer()),
        )
    )
)
_ALIASES: Final = Statement(
    lambda insert: (
        select(item_aliases.c.alias)
        .where(item_aliases.c.code == bindparam("code", type_=String()))
        .order_by(item_aliases.c.alias)
    )
)
_LET_PASS: Final = Statement(
    lambda insert: (
        select(appeals.c.rule, appeals.c.field, appeals.c.decision, appeals.c.until)
        .where(
            appeals.c.code == bindparam("code", type_=String()),
            appeals.c.state == "granted",
            appeals.c.until >= bindparam("today", type_=Date()),
        )
        .order_by(appeals.c.id)
    )
)


class GuideStore:
    """Reads of guides, in one unit of work."""

    def __init__(self, work: UnitOfWork) -> None:
        self._work = work

    async def shown(self, code: str, version: int | None) -> Shown | None:
        """The version in force, or last, or the one asked for, of the item with this code."""
        rows = await self._work.run(_SHOWN, code=code, version=version)
        return Shown(*rows[0]) if rows else None

    async def content(self, code: str, version: int) -> ItemContent:
        """What a version of an item says, which is there."""
        [(document, form)] = await self._work.run(_CONTENT, code=code, version=version)
        return ItemContent.model_validate_json(f'{document[:-1]},"form":{form}}}')

    async def aliases(self, code: str) -> tuple[str, ...]:
        """The other codes that the item goes by."""
        return tuple(row[0] for row in await self._work.run(_ALIASES, code=code))

    async def let_pass(self, code: str, today: date) -> tuple[Exemption, ...]:
        """What the administrator let pass of the item, today."""
        rows = await self._work.run(_LET_PASS, code=code, today=today)
        return tuple(Exemption(rule=row[0], field=row[1], reason=row[2] or "", until=row[3]) for row in rows)
