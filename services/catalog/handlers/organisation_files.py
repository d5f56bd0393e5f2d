"""Organisations from files (CSV, JSON lines, XLSX): good rows are kept, each other one is told with its number.

A row may name a parent that comes later in the file: it waits until the file has been read. What a file does not say
of an organisation stays as it is; the same file again changes nothing.
"""

import asyncio
import json
import tempfile
from collections.abc import AsyncIterable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from services.catalog.domain.imports import ImportReport, Problem, Raw, Refused, Seen, Unreadable, batches
from services.catalog.domain.items import Outcome
from services.catalog.domain.organisations import OrganisationState, cycle_through, new_id_problem, read
from services.catalog.domain.texts import cleaned
from services.catalog.handlers.imports.readers import Format, open_rows
from services.catalog.handlers.life import record
from services.catalog.handlers.organisations import CHINA, check_change, keep, tree_problems
from services.catalog.store.work import Work
from services.kit.auth import EVERYWHERE, Principal
from services.kit.errors import FieldProblem, Malformed, TongbanError

BATCH_ROWS: Final = 500
MOST_WAITING: Final = 100_000
"""Rows that wait for their parents in memory: more than any province has organisations."""
_COLUMNS: Final[Mapping[str, str]] = {
    "名称": "name", "机构名称": "name", "英文名称": "name_en", "行政区划": "division", "行政区划代码": "division",
    "统一社会信用代码": "uscc", "证明": "uscc_proof", "类型": "kind", "层级": "level", "上级": "parent",
    "上级机构": "parent", "职能": "functions",
}  # fmt: skip
COLUMNS: Final = ("id", "name", "name_en", "division", "uscc", "uscc_proof", "kind", "level", "parent", "functions")
_KINDS: Final = {
    "机关": "organ", "政府机关": "organ", "行政机关": "organ",
    "企事业单位": "enterprise", "公共企事业单位": "enterprise",
}  # fmt: skip
_LEVELS: Final = {"国家级": 1, "省级": 2, "市级": 3, "县级": 4, "乡级": 5, "村级": 6, "按权限划分": 7}
_WAITS: Final = frozenset({"unknown", "cycle"})
"""What may be right once the rest of the file is known."""


@dataclass(frozen=True, slots=True)
class _Row:
    """A row that can be taken, if its place in the tree can."""

    number: int
    cells: Mapping[str, Any]
    state: OrganisationState


async def import_organisations(
    rows: Iterable[Raw],
    source: str,
    officer: Principal,
    work: Work,
    *,
    on_problem: Callable[[Problem, bool], None] | None = None,
) -> ImportReport:
    """Register and change organisations as `rows` say; `on_problem` hears of each refusal (True). Batches of rows
    commit with their events. Raises Forbidden, and what reading `rows` raises."""
    officer.require("registrar", EVERYWHERE)
    run = _Run(source, officer, work, on_problem)
    parts = batches(rows, BATCH_ROWS)
    while batch := await asyncio.to_thread(next, parts, None):
        await run.take([row for raw in batch if (row := run.read(raw)) is not None])
    await run.finish()
    return run.report


async def import_uploaded(
    body: AsyncIterable[bytes],
    kind: Format,
    officer: Principal,
    work: Work,
    *,
    on_problem: Callable[[Problem, bool], None] | None = None,
) -> ImportReport:
    """The same of a file that somebody sends. Raises Forbidden, Malformed for what is no such file."""
    officer.require("registrar", EVERYWHERE)
    with tempfile.NamedTemporaryFile() as file:
        async for part in body:
            file.write(part)
        file.flush()
        try:
            rows = open_rows(Path(file.name), kind).rows
            return await import_organisations(rows, "upload", officer, work, on_problem=on_problem)
        except Unreadable as error:
            raise Malformed(str(error)) from None


class _Run:
    """One run over one file."""

    def __init__(
        self, source: str, officer: Principal, work: Work, on_problem: Callable[[Problem, bool], None] | None
    ) -> None:
        self.report = ImportReport()
        self._source = source
        self._officer = officer
        self._work = work
        self._on_problem = on_problem
        self._year = work.now().astimezone(CHINA).year
        self._seen = Seen()
        self._waiting: list[_Row] = []

    def read(self, raw: Raw) -> _Row | None:
        """The row, or None once its problem is told."""
        self.report.rows += 1
        try:
            return self._row(raw)
        except Refused as refused:
            self._refuse(refused.problem)
            return None

    def _row(self, raw: Raw) -> _Row:
        if raw.problem is not None:
            raise Refused(raw.problem)
        try:
            cells = _cells(raw.values)
        except ValueError as error:
            field, _, detail = str(error).partition(": ")
            raise Refused(Problem(raw.number, field, "malformed", detail)) from None
        id_ = cells.get("id")
        state, problems = read(cells, self._year, id_ if isinstance(id_, str) and id_ else None)
        if state is None:
            raise Refused(_problem(raw.number, problems[0]))
        if not self._seen.add(state.id):
            raise Refused(Problem(raw.number, "id", "repeated_id", f"{state.id} came before"))
        return _Row(raw.number, cells, state)

    async def take(self, rows: Sequence[_Row]) -> int:
        """Keep what can be kept of some rows, in one transaction; the others wait. How many were kept or refused."""
        if not rows:
            return 0
        outcomes: list[Outcome] = []
        refused: list[tuple[int, FieldProblem]] = []
        waiting: list[_Row] = []
        async with self._work as work:
            await work.one_writer()
            known = await work.organisations.many(row.state.id for row in rows)
            wanted: list[tuple[_Row, OrganisationState]] = []
            for row in rows:
                before = known[row.state.id][0] if row.state.id in known else None
                state, problem = await self._wanted(row, before, work)
                if problem is not None:
                    refused.append((row.number, problem))
                elif state == before:
                    outcomes.append(Outcome.UNCHANGED)
                else:
                    wanted.append((row, state))
            problems = await tree_problems([state for _, state in wanted], work)
            changed = []
            for row, state in wanted:
                problem = problems.get(state.id)
                if problem is None:
                    before, version = known.get(state.id, (None, 0))
                    changed.append((state, version + 1))
                    outcomes.append(Outcome.CHANGED if before else Outcome.CREATED)
                elif problem.reason in _WAITS:
                    waiting.append(row)
                else:
                    refused.append((row.number, problem))
            await keep(changed, self._officer.sub, self._source, work)
            if changed:
                first, action = changed[0][0].id, "organisations.import"
                record(self._officer, action, "organisations", first, "", f"{len(changed)}: {self._source}", work)
        # Told once it is committed: the report never tells of more than what is there.
        self.report.taken.update(outcomes)
        for number, problem in refused:
            self._refuse(_problem(number, problem))
        room = MOST_WAITING - len(self._waiting)
        self._waiting += waiting[:room]
        for row in waiting[room:]:
            self._refuse(_problem(row.number, FieldProblem("parent", "unknown", "it comes too late in the file")))
        return len(outcomes) + len(refused)

    async def _wanted(
        self, row: _Row, before: OrganisationState | None, work: Work
    ) -> tuple[OrganisationState, FieldProblem | None]:
        """The organisation as the row makes it, and what stands against that."""
        if before is None:
            return row.state, new_id_problem(row.state)
        told = {name: before.document()[name] for name in _KEPT if name not in row.cells} | dict(row.cells)
        name = told["name"]
        if isinstance(name, dict) and "en" not in name and row.state.name.zh == before.name.zh:
            told["name"] = {**name, "en": before.name.en}
        state, problems = read(told, self._year, before.id)
        if state is None:
            return row.state, problems[0]
        if state != before:
            try:
                check_change(before, state, has_items=await work.organisations.has_items(before.id))
            except TongbanError as error:
                field = error.fields[0].field if error.fields else "id"
                return state, FieldProblem(field, error.slug, error.detail)
        return state, None

    async def finish(self) -> None:
        """Take what waited for its parents, as long as any of it can be taken; refuse the rest."""
        progress = True
        while self._waiting and progress:
            rows, self._waiting, progress = self._waiting, [], False
            for at in range(0, len(rows), BATCH_ROWS):
                progress = bool(await self.take(rows[at : at + BATCH_ROWS])) or progress
        rows, self._waiting = self._waiting, []
        parents = {row.state.id: row.state.parent for row in rows}
        async with self._work as work:
            above = await work.organisations.parents(parent for parent in parents.values() if parent)
        for row in rows:
            chain = cycle_through(row.state.id, {**above, **parents})
            if chain:
                problem = FieldProblem("parent", "cycle", " → ".join(chain))
            else:
                known = row.state.parent in above or row.state.parent in parents
                why = "was not taken or leads back to itself" if known else "is in neither the file nor the catalogue"
                problem = FieldProblem("parent", "unknown", f"{row.state.parent} {why}")
            self._refuse(_problem(row.number, problem))

    def _refuse(self, problem: Problem) -> None:
        self.report.refused[problem.reason] += 1
        if self._on_problem:
            self._on_problem(problem, True)


def _problem(number: int, found: FieldProblem) -> Problem:
    return Problem(number, found.field, found.reason, found.detail)


_KEPT: Final = ("name", "division", "uscc", "uscc_proof", "kind", "level", "parent", "functions")


def _cells(values: Mapping[str, Any]) -> dict[str, Any]:
    """A row under our names of the fields, with what a table writes as words read. Raises ValueError."""
    cells: dict[str, Any] = {}
    for column, value in values.items():
        name = _COLUMNS.get(column, column)
        if name in COLUMNS:
            cells[name] = cleaned(value)[0] if isinstance(value, str) and name != "functions" else value
    english = {"en": cells.pop("name_en") or None} if "name_en" in cells else {}
    if isinstance(cells.get("name"), str):
        cells["name"] = {"zh": cells["name"], **english}
    if isinstance(kind := cells.get("kind"), str):
        cells["kind"] = _KINDS.get(kind, kind)
    if "kind" in cells and cells["kind"] in (None, ""):
        del cells["kind"]
    if isinstance(level := cells.get("level"), str):
        cells["level"] = _LEVELS.get(level, level or None)
    if isinstance(functions := cells.get("functions"), str):
        try:
            cells["functions"] = json.loads(functions) if functions.strip() else []
        except (ValueError, RecursionError):
            raise ValueError("functions: no JSON list of functions") from None
    return cells
