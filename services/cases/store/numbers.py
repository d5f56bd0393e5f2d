"""Case numbers in blocks (hi-lo): a process reserves some at a time, in a transaction of its own.

A counter row that every submission locks would make them wait for one another; a block is reserved once for many.
"""

import asyncio
from dataclasses import dataclass, field
from datetime import date

from sqlalchemy.dialects import postgresql, sqlite

from services.cases.domain.numbers import case_number
from services.cases.store.tables import numbers
from services.kit.db import UnitOfWork

LARGEST_BLOCK = 2000


@dataclass
class _Block:
    """What this process has of one division and day: `next` to `last`, and `returned` ones that were not used."""

    next: int = 1
    last: int = 0
    size: int = 0
    returned: list[int] = field(default_factory=list)

    def take(self) -> int | None:
        """A number, or None when all are given out."""
        if self.returned:
            return self.returned.pop()
        if self.next > self.last:
            return None
        self.next += 1
        return self.next - 1


@dataclass(frozen=True, slots=True)
class Number:
    """A case number in hand: used for one case, or given back."""

    division: str
    day: date
    sequence: int

    def __str__(self) -> str:
        return case_number(self.division, self.day, self.sequence)


class Numbers:
    """The numbers that this process has reserved."""

    def __init__(self, block: int) -> None:
        self._first_block = block
        self._blocks: dict[tuple[str, date], _Block] = {}
        self._reserving = asyncio.Lock()

    async def take(self, work: UnitOfWork, division: str, day: date) -> Number:
        """The next number, never given twice. Reserves a block when none is left, each twice as large as the last.

        Must not be called inside a transaction: it may need one of its own.
        """
        key = (division[:6], day)
        found = self._blocks.setdefault(key, _Block()).take()
        while found is None:
            async with self._reserving:
                block = self._blocks.setdefault(key, _Block())
                found = block.take()
                if found is None:
                    size = min(block.size * 2 or self._first_block, LARGEST_BLOCK)
                    async with work:
                        after = await self._advance(work, *key, size)
                    # Days go by; what is left of earlier ones is of no use.
                    self._blocks = {k: b for k, b in self._blocks.items() if k[1] >= day}
                    self._blocks[key] = _Block(after - size, after - 1, size, block.returned)
                    found = self._blocks[key].take()
        return Number(*key, found)

    def give_back(self, number: Number) -> None:
        """The number was not used: the next case may have it."""
        block = self._blocks.get((number.division, number.day))
        if block is not None:
            block.returned.append(number.sequence)

    async def _advance(self, work: UnitOfWork, division: str, day: date, size: int) -> int:
        dialect = postgresql if work.context.database.dialect == "postgresql" else sqlite
        statement = dialect.insert(numbers).values(division=division, day=day, next=1 + size)
        statement = statement.on_conflict_do_update(
            index_elements=["division", "day"], set_={"next": numbers.c.next + size}
        )
        return int((await work.execute(statement.returning(numbers.c.next))).scalar_one())
