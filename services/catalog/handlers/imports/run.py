"""One run over one file: batches that commit with their events, at a bounded rate, from where a killed run was."""

import asyncio
import contextlib
import gc
import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from services.catalog.domain.imports import ImportReport, Mode, Problem, Row, Unreadable, batches
from services.catalog.domain.items import Outcome, Provenance
from services.catalog.domain.mapping import DEFAULT, ColumnMapping, canonical
from services.catalog.domain.organisations import OrganisationState
from services.catalog.handlers.imports.outcomes import ACTOR_ID, take
from services.catalog.handlers.imports.readers import Format
from services.catalog.handlers.imports.reading import BATCH_ROWS, Batch, Reading
from services.catalog.handlers.imports.report import ReportFile
from services.catalog.handlers.organisations import register_organisations
from services.catalog.store.work import Work
from services.contracts.base import Text
from services.kit.ids import new_id
from services.kit.testing import failpoint

COLLECT_BATCHES: Final = 40
"""After so many the garbage collector walks all: each leaves 50 kB in circles, 90 MB of a million rows."""
CHINA: Final = ZoneInfo("Asia/Shanghai")


@dataclass(frozen=True, slots=True)
class Order:
    """What to import, and how."""

    path: Path
    kind: Format
    source: str
    """Where the items come from: in the history, the audit, the drafts."""
    mode: Mode = Mode.DRAFTS
    mapping: ColumnMapping = DEFAULT

    def digest(self) -> str:
        """SHA-256 of the file and of how it is read: the same again is the same import."""
        found = hashlib.sha256(b"\0".join((self.kind.encode(), self.mode.encode(), self.source.encode())))
        found.update(canonical(self.mapping))
        with self.path.open("rb") as source:
            while part := source.read(1 << 20):
                found.update(part)
        return found.hexdigest()


async def import_items(
    order: Order,
    work: Work,
    *,
    events_per_second: float = 0,
    report: ReportFile | None = None,
    on_problem: Callable[[Problem, bool], None] | None = None,
) -> ImportReport:
    """Make drafts of a file's items, or put them in force (`Mode`); `on_problem` hears of each refusal (True) and
    warning (False). Raises Unreadable for a file that is not what it should be, OSError for one that cannot be read.

    Batches of rows commit with their events; the same file again changes nothing; a run that was killed goes on behind
    its last batch. Of a file only codes' digests and the organisations' names stay in memory.
    """
    digest = await asyncio.to_thread(order.digest)
    reading = Reading(order.path, order.kind, order.mapping, work.now().astimezone(CHINA).year)
    run = _Run(order, work, _Pace(events_per_second), report, on_problem)
    try:
        async with contextlib.aclosing(reading.ahead()) as parts:
            first: Batch = await anext(parts, [])  # a file that cannot be read begins no run
            await run.begin(digest)
            await run.take(first)
            number = 1
            async for batch in parts:
                await run.take(batch)
                number += 1
                if number % COLLECT_BATCHES == 0:
                    gc.collect()
        await run.finish()
    finally:
        if report is not None:
            report.close()
    return run.report


class _Named(NamedTuple):
    """How often rows call an organisation so, the first of them, whether one of them is its own."""

    times: int
    first: int
    own: bool
    """A row whose department is the organisation itself: its name counts before all others."""


class _Names:
    """What the rows of one file call an organisation. A large file names some ten thousand: these stay small."""

    __slots__ = ("_division", "_english", "_id", "_uscc", "named")

    def __init__(self, state: OrganisationState) -> None:
        self._id, self._division, self._uscc = state.id, state.division, state.uscc
        self._english = state.name if state.name.en else None
        self.named: dict[str, _Named] = {}

    def add(self, row: Row) -> None:
        name = row.organisation.name.zh
        before = self.named.get(name, _Named(0, row.number, False))
        self.named[name] = _Named(before.times + 1, before.first, before.own or row.names_itself)

    def best(self) -> str:
        """The name that most rows give; the first of several."""
        return max(self.named, key=lambda name: (self.named[name].own, self.named[name].times))

    def state(self) -> OrganisationState:
        """The organisation under that name."""
        best = self.best()
        name = self._english if self._english is not None and self._english.zh == best else Text(zh=best)
        return OrganisationState(self._id, name, self._division, self._uscc)


class _Pace:
    """Lets so many events a second pass: what an import announces must not stand in others' way."""

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._free = 0.0

    async def passed(self, events: int) -> None:
        """`events` more were announced; wait until the next may be."""
        if not self._rate:
            return
        now = asyncio.get_running_loop().time()
        self._free = max(self._free, now) + events / self._rate
        await asyncio.sleep(max(0.0, self._free - now))


class _Run:
    """One run over one file."""

    def __init__(
        self,
        order: Order,
        work: Work,
        pace: _Pace,
        file: ReportFile | None,
        on_problem: Callable[[Problem, bool], None] | None,
    ) -> None:
        self.report = ImportReport()
        self._order = order
        self._work = work
        self._pace = pace
        self._file = file
        self._on_problem = on_problem
        self._id = new_id()
        self._position = 0
        self._organisations: dict[str, _Names] = {}
        self._registered: set[str] = set()
        """Organisations that the catalogue has: it forgets none."""

    async def begin(self, digest: str) -> None:
        """A new run, or the one that was broken off."""
        order = self._order
        async with self._work as work:
            before = await work.imports.unfinished(digest)
            if before is None:
                values = {"id": self._id, "file_digest": digest, "source": order.source[:200], "actor": ACTOR_ID}
                await work.imports.begin({**values, "mode": order.mode.value, "report": self._document(0)})
        if before is not None:
            self._id, self._position = before.id, before.position
            self.report = ImportReport.of(before.report)
            self.report.resumed_at = before.position
        if self._file is not None:
            self._file.open(before.report["file"] if before is not None else 0)

    def _document(self, file: int) -> dict[str, object]:
        return self.report.document() | {"file": file}

    async def take(self, batch: Batch) -> None:
        """What can be taken of some rows, in one transaction."""
        for each in batch:
            if isinstance(each, Row):
                self._organisations.setdefault(each.organisation.id, _Names(each.organisation)).add(each)
        batch = [each for each in batch if _number(each) > self._position]
        if not batch:
            return
        rows = [each for each in batch if isinstance(each, Row)]
        before = self._position
        created: list[Outcome] = []

        async def register(ids: set[str]) -> None:
            ids -= self._registered
            if not ids:
                return
            known = await work.organisations.many(ids)
            # One that is known keeps its name until the whole file has been heard (see `finish`).
            new = [names.state() for key, names in self._organisations.items() if key in ids and key not in known]
            created.extend(await register_organisations(new, Provenance.IMPORT, work) if new else ())
            self._registered |= ids

        async with self._work as work:
            found = await take(rows, self._order.mode, self._order.source, register, work)
            refused = [each for each in batch if isinstance(each, Problem)] + found.refused
            gone = {problem.row for problem in found.refused}
            warned = [each for each in found.warned if each.row not in gone]
            self.report.rows += len(batch)
            self.report.organisations.update(created)
            self.report.taken.update(found.taken)
            self.report.refused.update(problem.reason for problem in refused)
            self.report.warned.update(problem.reason for problem in warned)
            self._position = _number(batch[-1])
            await self._kept(before, refused, warned, work)
            await failpoint("import.before_commit")
        self._tell(refused, warned)
        await failpoint("import.after_commit")
        announced = found.announced if self._order.mode is Mode.AS_PUBLISHED else 0
        await self._pace.passed(announced + len(created))

    async def _kept(self, before: int, refused: list[Problem], warned: list[Problem], work: Work) -> None:
        """The file and the run know of the batch: what the file has behind the committed place is cut off again."""
        place = 0
        if self._file is not None:
            for problem, outcome in _in_order(refused, warned):
                self._file.write(problem, outcome)
            place = self._file.flush()
        if not await work.imports.advance(self._id, before, self._position, self._document(place)):
            raise Unreadable("this file is being imported by another run at this moment")

    def _tell(self, refused: list[Problem], warned: list[Problem]) -> None:
        if self._on_problem is not None:
            for problem, outcome in _in_order(refused, warned):
                self._on_problem(problem, outcome == "refused")

    async def finish(self) -> None:
        """Name each organisation as most of its rows do, and warn of other names.

        Published data lists one organisation's items under several departments. Deciding only now makes the outcome
        the same whenever the same file is imported again. What somebody has said of an organisation elsewhere stays.
        """
        heard: set[str] = set()
        for batch in batches(self._organisations, BATCH_ROWS):
            async with self._work as work:
                # What no item names is not known: a table changes only what it tells otherwise.
                known = await work.organisations.many(batch)
                heard |= known.keys()
                changed = []
                for key, (state, _) in known.items():
                    names = self._organisations[key]
                    from_here = state == replace(names.state(), name=state.name) and state.name.zh in names.named
                    if from_here and state.name.zh != names.best():
                        changed.append(names.state())
                outcomes = await register_organisations(changed, Provenance.IMPORT, work) if changed else []
            self.report.organisations.update(outcomes)
        warned = []
        for key in heard:
            names = self._organisations[key]
            best = names.best()
            for name in names.named.keys() - {best}:
                detail = f"{names.named[name].times} rows call {key} {name}; kept as {best}"
                warned.append(Problem(names.named[name].first, "department", "organisation_name", detail, best))
        warned.sort(key=lambda problem: problem.row)
        self.report.warned.update(problem.reason for problem in warned)
        async with self._work as work:
            for problem in warned:
                if self._file is not None:
                    self._file.write(problem, "taken")
            place = self._file.flush() if self._file is not None else 0
            document = self._document(place)
            await work.imports.advance(self._id, self._position, self._position, document, finished=work.now())
        self._tell([], warned)


def _number(each: Row | Problem) -> int:
    return each.number if isinstance(each, Row) else each.row


def _in_order(refused: Iterable[Problem], warned: Iterable[Problem]) -> list[tuple[Problem, str]]:
    found = [(problem, "refused") for problem in refused] + [(problem, "taken") for problem in warned]
    return sorted(found, key=lambda each: each[0].row)
