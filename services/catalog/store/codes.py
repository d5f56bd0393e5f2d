"""Codes that are taken, and the other codes (aliases) that items go by."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, Select, case, delete, func, insert, select, union, update

from services.catalog.store.tables import item_aliases, items, revisions
from services.kit.db import UnitOfWork

_KEPT: Final = (items.c.code, items.c.base, revisions.c.code, item_aliases.c.alias)
"""Where a code may stand that must not be given out again: in force or ever so, named as a base, drafted, an alias."""


class CodeStore:
    """Reads of codes, reads and writes of aliases, in one unit of work."""

    def __init__(self, work: UnitOfWork) -> None:
        self._work = work

    async def last(self, prefix: str, digits: int, rest: str = "") -> int:
        """The highest number of `digits` digits that follows `prefix` in a code that is taken, 0 where none does.

        `rest`: the digits that follow the number, so that the length of the code is known.
        """
        length = len(prefix) + digits + len(rest)
        first, last = prefix + "0" * (length - len(prefix)), prefix + "9" * (length - len(prefix))

        def numbers(column: ColumnElement[str | None]) -> Select[tuple[str]]:
            # The range is for the index: digits come in the same order in every collation.
            return select(func.substr(column, len(prefix) + 1, digits).label("number")).where(
                column.between(first, last),
                func.length(column) == length,
                func.substr(column, 1, len(prefix)) == prefix,
            )

        found = union(*map(numbers, _KEPT)).subquery()
        highest = (await self._work.execute(select(func.max(found.c.number)))).scalar_one_or_none()
        return int(highest) if highest is not None and highest.isdigit() else 0

    async def taken(self, code: str) -> bool:
        """Whether `code` is an item's, a draft's under way, or an alias."""
        for column in (items.c.code, revisions.c.open_code, item_aliases.c.alias):
            if (await self._work.execute(select(column).where(column == code).limit(1))).first() is not None:
                return True
        return False

    async def departments(self, organisation: str) -> Sequence[str]:
        """The department classes that the base codes of an organisation's items have."""
        length = func.length(items.c.code)
        # Where the class stands in the base code, and in the base code of the two longer ones (see `domain.codes`).
        found = case((length == 12, func.substr(items.c.code, 5, 2)), else_=func.substr(items.c.code, 24, 2))
        statement = select(found).distinct().where(items.c.organisation_id == organisation, length.in_((12, 31, 33)))
        return [each for each in (await self._work.execute(statement)).scalars() if each.isdigit()]

    async def aliases_of(self, codes: Iterable[str]) -> Mapping[str, tuple[str, ...]]:
        """The other codes of those of `codes` that have any."""
        statement = select(item_aliases.c.code, item_aliases.c.alias).where(
            self._work.among(item_aliases.c.code, set(codes))
        )
        found: dict[str, list[str]] = {}
        for row in await self._work.execute(statement.order_by(item_aliases.c.alias)):
            found.setdefault(row.code, []).append(row.alias)
        return {code: tuple(aliases) for code, aliases in found.items()}

    async def add_aliases(self, pairs: Mapping[str, str], reason: str, since: datetime) -> None:
        """From now on each key goes by its value's code; what went by the key's code goes by that one, too. A code
        that an item has again is an alias no longer."""
        if not pairs:
            return
        again = delete(item_aliases).where(item_aliases.c.alias.in_({*pairs, *pairs.values()}))
        await self._work.execute(again)
        for code, aliases in (await self.aliases_of(pairs)).items():
            moved = update(item_aliases).where(item_aliases.c.alias.in_(aliases)).values(code=pairs[code])
            await self._work.execute(moved)
        rows = [{"alias": alias, "code": code, "reason": reason, "since": since} for alias, code in pairs.items()]
        await self._work.execute(insert(item_aliases), rows)

    async def drop_alias(self, alias: str) -> None:
        await self._work.execute(delete(item_aliases).where(item_aliases.c.alias == alias))
