"""Importing service items from files."""

import asyncio
import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Final, TypeVar
from zoneinfo import ZoneInfo

from services.catalog.domain.imports import LONGEST_LINE, ImportReport, Problem, Refused, Row, read_row
from services.catalog.domain.items import Provenance
from services.catalog.domain.organisations import OrganisationState
from services.catalog.handlers.organisations import register_organisations
from services.catalog.handlers.publishing import publish_items
from services.catalog.store.work import Work
from services.contracts.base import Text

BATCH_ROWS: Final = 500
"""Rows of an import that commit together, with their events."""
T = TypeVar("T")
CHINA: Final = ZoneInfo("Asia/Shanghai")


def lines_of(path: Path) -> Iterator[bytes]:
    """The lines of an import file. An endless line is cut, so that it is refused, not kept. Raises OSError."""
    with path.open("rb") as source:
        while line := source.readline(LONGEST_LINE + 1):
            rest = line
            while len(rest) > LONGEST_LINE and not rest.endswith(b"\n"):
                rest = source.readline(LONGEST_LINE + 1)
            yield line


async def import_items(
    lines: Iterable[bytes], work: Work, *, on_problem: Callable[[Problem, bool], None] | None = None
) -> ImportReport:
    """Publish the items of a JSON-lines file (see `domain.imports`); `on_problem` hears of each refusal (True) and
    warning (False).

    Batches of rows commit with their events; the same file again changes nothing, whether or not the run before came
    to its end. Only codes' digests and the organisations' names stay in memory. What `lines` raises goes to the caller.
    """
    run = _Import(ImportReport(on_problem), work)
    batches = _batches(enumerate(lines, 1))
    # The file is read in another thread: a slow disk must not stop whatever else this loop runs.
    while batch := await asyncio.to_thread(next, batches, None):
        await run.take(batch)
    await run.finish()
    return run.report


@dataclass
class _Names:
    """What the rows of one file call an organisation."""

    state: OrganisationState
    counts: Counter[str] = field(default_factory=Counter)
    own: set[str] = field(default_factory=set)
    """Names from rows whose department is the organisation itself: they count before all others."""
    rows: dict[str, int] = field(default_factory=dict)
    """The first row with each name."""

    def add(self, row: Row) -> None:
        name = row.organisation.name.zh
        self.counts[name] += 1
        self.rows.setdefault(name, row.number)
        if row.names_itself:
            self.own.add(name)

    def best(self) -> str:
        """The name that most rows give; the first of several."""
        return max(self.counts, key=lambda name: (name in self.own, self.counts[name]))


class _Import:
    """One run over one file."""

    def __init__(self, report: ImportReport, work: Work) -> None:
        self.report = report
        self._work = work
        self._year = work.now().astimezone(CHINA).year
        self._seen: set[int] = set()
        self._organisations: dict[str, _Names] = {}

    async def take(self, batch: Iterable[tuple[int, bytes]]) -> None:
        """Publish what can be taken of some lines, in one transaction."""
        rows = [row for number, line in batch if line.strip() and (row := self._read(number, line))]
        if not rows:
            return
        for row in rows:
            self._organisations.setdefault(row.organisation.id, _Names(row.organisation)).add(row)
        ids = dict.fromkeys(row.organisation.id for row in rows)
        async with self._work as work:
            known = await work.organisations.many(ids)
            # One that is known keeps its name until the whole file has been heard (see `finish`).
            new = [self._named(key) for key in ids if key not in known]
            created = await register_organisations(new, Provenance.IMPORT, work)
            outcomes = await publish_items([row.content for row in rows], Provenance.IMPORT, work)
        # Counted once they are committed: the report never tells of more than what is there.
        self.report.organisations.update(created)
        self.report.taken.update(outcomes)
        for row in rows:
            for warning in row.warnings:
                self.report.warn(warning)

    async def finish(self) -> None:
        """Name each organisation as most of its rows do, and warn of other names.

        Published data lists one organisation's items under several departments. Deciding only now makes the outcome
        the same whenever the same file is imported again.
        """
        for batch in _batches(self._organisations):
            async with self._work as work:
                known = await work.organisations.many(batch)
                wanted = [self._named(key) for key in batch]
                changed = [state for state in wanted if known[state.id][0].name.zh != state.name.zh]
                outcomes = await register_organisations(changed, Provenance.IMPORT, work)
            self.report.organisations.update(outcomes)
        for key, names in self._organisations.items():
            best = names.best()
            for name in names.counts.keys() - {best}:
                detail = f"{names.counts[name]} rows call {key} {name}; kept as {best}"
                self.report.warn(Problem(names.rows[name], "department", "organisation_name", detail))

    def _named(self, key: str) -> OrganisationState:
        names = self._organisations[key]
        return replace(names.state, name=Text(zh=names.best()))

    def _read(self, number: int, line: bytes) -> Row | None:
        self.report.rows += 1
        try:
            row = read_row(number, line, self._year)
        except Refused as refused:
            self.report.refuse(refused.problem)
            return None
        # Eight bytes of a digest instead of the code: a file of a million rows needs some 60 MB for them.
        digest = int.from_bytes(hashlib.blake2b(row.content.code.encode(), digest_size=8).digest())
        if digest in self._seen:
            self.report.refuse(Problem(number, "item_code", "repeated_code", f"{row.content.code} came before"))
            return None
        self._seen.add(digest)
        return row


def _batches(values: Iterable[T]) -> Iterator[list[T]]:
    source = iter(values)
    while batch := list(islice(source, BATCH_ROWS)):
        yield batch
