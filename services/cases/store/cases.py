"""Cases, their timeline, their tasks, and who opened them: the statements."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import Row, Select, func, select, text, tuple_, update

from services.cases.domain.cases import Actor, Case, Gap, Status, Step
from services.cases.domain.limits import Due
from services.cases.errors import CaseNotFound
from services.cases.store.sealing import Sealing
from services.cases.store.tables import RUNNING, accesses, cases, steps, tasks
from services.kit.auth import EVERYWHERE
from services.kit.db import UnitOfWork
from services.kit.ids import new_id

NO_DATE: Final = date(9999, 12, 31)
"""The sort key of a task that no date is known for: after all others."""
_STATE: Final = [field.name for field in fields(Case)]
_COLUMNS: Final = [cases.c[name] for name in _STATE]
_CHANGING: Final = [
    name
    for name in _STATE
    if name
    not in (
        "id",
        "number",
        "item_code",
        "item_version",
        "item_type",
        "organisation",
        "division",
        "applicant",
        "channel",
        "submitted_at",
    )
]


@dataclass(frozen=True, slots=True)
class Listed:
    """A row of a list: the case and, for staff, its applicant's name. `due_on` is the sort key of a queue."""

    case: Case
    applicant_name: str | None
    due_on: date | None = None


@dataclass(frozen=True, slots=True)
class RunningCase:
    """A case that has not come to its end, as those who keep its item see it: nothing of its applicant."""

    number: str
    item_version: int
    status: Status
    submitted_at: datetime


@dataclass(frozen=True, slots=True)
class Access:
    """One opening of a case by one of the staff."""

    id: str
    case_id: str
    at: datetime
    officer: str
    officer_name: str | None
    what: str
    purpose: str
    reason: str | None


class CaseStore:
    """Reads and writes of cases in one unit of work."""

    def __init__(self, work: UnitOfWork, sealing: Sealing) -> None:
        self._work = work
        self._seal = sealing

    def add(self, case: Case, answers: dict[str, Any], applicant_name: str | None) -> None:
        """A new case, written with the transaction's other rows just before it commits."""
        self._work.add(
            cases,
            {name: getattr(case, name) for name in _STATE}
            | {
                "answers_sealed": self._seal.json(answers, "cases.answers_sealed", case.id),
                "applicant_sealed": self._seal.text(applicant_name, "cases.applicant_sealed", case.id),
                "applicant_index": self._seal.name_index(applicant_name),
            },
        )

    def add_step(self, step: Step) -> None:
        """One more entry of the timeline."""
        words = {"note": step.note, "gaps": [[g.material, g.field, g.what] for g in step.gaps]}
        self._work.add(
            steps,
            {
                "case_id": step.case_id,
                "version": step.version,
                "event": step.event,
                "at": step.at,
                "actor_kind": step.actor.kind,
                "actor": step.actor.id,
                # The applicant's name is sealed with the case; officers act in public under theirs.
                "actor_name": step.actor.name if step.actor.kind == "officer" else None,
                "words_sealed": self._seal.json(words, "steps.words_sealed", f"{step.case_id}.{step.version}")
                if step.note or step.gaps
                else None,
            },
        )

    def open_task(self, case: Case, role: str, due: Due | None) -> None:
        """Make it the turn of `role` at the case's organisation."""
        self._work.add(
            tasks,
            {
                "case_id": case.id,
                "case_version": case.version,
                "role": role,
                "organisation": case.organisation,
                "due_on": due.date if due and due.date else NO_DATE,
                "opened_at": case.updated_at,
                "closed_at": None,
                "closed_by": None,
            },
        )

    async def running(self, item_code: str, version: int | None, limit: int) -> list[RunningCase]:
        """Cases of an item that have not come to their end, the oldest first."""
        names = ("number", "item_version", "status", "submitted_at")
        statement = (
            select(*(cases.c[name] for name in names))
            .where(cases.c.item_code == item_code, text(RUNNING))
            .order_by(cases.c.id)
            .limit(limit)
        )
        if version is not None:
            statement = statement.where(cases.c.item_version == version)
        return [
            RunningCase(row.number, row.item_version, row.status, row.submitted_at)
            for row in await self._work.execute(statement)
        ]

    async def undated(self, after: str, limit: int) -> list[Case]:
        """Cases whose open task has no date, by id, from the one after `after`."""
        statement = select(*_COLUMNS).join_from(tasks, cases, cases.c.id == tasks.c.case_id)
        statement = statement.where(tasks.c.closed_at.is_(None), tasks.c.due_on == NO_DATE, tasks.c.case_id > after)
        return [_case(row) for row in await self._work.execute(statement.order_by(tasks.c.case_id).limit(limit))]

    async def date_task(self, case: Case, due_on: date) -> None:
        """Set by when the open task of a case is due, unless the case has moved on."""
        same = (tasks.c.case_id == case.id) & (tasks.c.case_version == case.version) & tasks.c.closed_at.is_(None)
        await self._work.execute(update(tasks).where(same).values(due_on=due_on))

    async def close_task(self, case_id: str, by: str, at: datetime) -> None:
        """End the open task of a case, if there is one."""
        await self._work.execute(
            update(tasks)
            .where(tasks.c.case_id == case_id, tasks.c.closed_at.is_(None))
            .values(closed_at=at, closed_by=by)
        )

    async def save(self, case: Case, answers: dict[str, Any] | None = None) -> None:
        """Write the case's new state over the version before. The row is locked by `locked`."""
        values = {name: getattr(case, name) for name in _CHANGING}
        if answers is not None:
            values["answers_sealed"] = self._seal.json(answers, "cases.answers_sealed", case.id)
        before = (cases.c.id == case.id) & (cases.c.version == case.version - 1)
        changed = await self._work.execute(update(cases).where(before).values(**values).returning(cases.c.id))
        if changed.first() is None:
            raise RuntimeError("a case was saved without its lock")

    async def locked(self, case_id: str) -> Case:
        """The case, to be changed: nobody else changes it before this transaction ends. Raises CaseNotFound."""
        found = (await self._work.execute(select(*_COLUMNS).where(cases.c.id == case_id).with_for_update())).first()
        if found is None:
            raise CaseNotFound
        return _case(found)

    async def get(self, case_id: str) -> Case:
        """The case, to be read. Raises CaseNotFound."""
        found = (await self._work.execute(select(*_COLUMNS).where(cases.c.id == case_id))).first()
        if found is None:
            raise CaseNotFound
        return _case(found)

    async def content(self, case_id: str) -> tuple[dict[str, Any], str | None]:
        """The answers and the applicant's name."""
        statement = select(cases.c.answers_sealed, cases.c.applicant_sealed).where(cases.c.id == case_id)
        found = (await self._work.execute(statement)).one()
        answers = self._seal.open_json(found.answers_sealed, "cases.answers_sealed", case_id) or {}
        return answers, self._seal.open_text(found.applicant_sealed, "cases.applicant_sealed", case_id)

    async def timeline(self, case_id: str) -> list[Step]:
        """The steps, oldest first."""
        rows = await self._work.execute(select(steps).where(steps.c.case_id == case_id).order_by(steps.c.version))
        return [self._step(row) for row in rows]

    def _step(self, row: Row[Any]) -> Step:
        words = self._seal.open_json(row.words_sealed, "steps.words_sealed", f"{row.case_id}.{row.version}") or {}
        return Step(
            row.case_id,
            row.version,
            row.event,
            row.at,
            Actor(row.actor_kind, row.actor, row.actor_name),
            words.get("note"),
            tuple(Gap(*gap) for gap in words.get("gaps", ())),
        )

    async def of_applicant(self, applicant: str, after: str | None, limit: int) -> list[Listed]:
        """A person's cases, newest first, at most `limit`, after the case of id `after`."""
        statement = select(*_COLUMNS).where(cases.c.applicant == applicant)
        if after is not None:
            statement = statement.where(cases.c.id < after)
        rows = await self._work.execute(statement.order_by(cases.c.id.desc()).limit(limit))
        return [Listed(_case(row), None) for row in rows]

    async def queue(
        self, role: str, organisations: frozenset[str], after: tuple[date, str] | None, limit: int
    ) -> list[Listed]:
        """Open tasks of a role, the most urgent first."""
        statement: Select[Any] = (
            select(*_COLUMNS, cases.c.applicant_sealed, tasks.c.due_on)
            .join_from(tasks, cases, cases.c.id == tasks.c.case_id)
            .where(tasks.c.role == role, tasks.c.closed_at.is_(None))
        )
        statement = _at(statement, tasks.c.organisation, organisations)
        if after is not None:
            statement = statement.where(tuple_(tasks.c.due_on, tasks.c.case_id) > tuple_(*after))
        rows = await self._work.execute(statement.order_by(tasks.c.due_on, tasks.c.case_id).limit(limit))
        return [self._listed(row, row.due_on) for row in rows]

    async def by_status(
        self, statuses: Sequence[str], organisations: frozenset[str], after: str | None, limit: int
    ) -> list[Listed]:
        """Cases at some statuses, newest first."""
        statement = select(*_COLUMNS, cases.c.applicant_sealed).where(cases.c.status.in_(statuses))
        return await self._newest(_at(statement, cases.c.organisation, organisations), after, limit)

    async def search(self, words: str, organisations: frozenset[str], after: str | None, limit: int) -> list[Listed]:
        """Cases with this number, or whose applicant has exactly this name (by its blind index), newest first."""
        found = cases.c.number == words
        index = self._seal.name_index(words)
        if index is not None:
            found = found | (cases.c.applicant_index == index)
        statement = select(*_COLUMNS, cases.c.applicant_sealed).where(found)
        return await self._newest(_at(statement, cases.c.organisation, organisations), after, limit)

    async def _newest(self, statement: Select[Any], after: str | None, limit: int) -> list[Listed]:
        if after is not None:
            statement = statement.where(cases.c.id < after)
        rows = await self._work.execute(statement.order_by(cases.c.id.desc()).limit(limit))
        return [self._listed(row, None) for row in rows]

    def _listed(self, row: Row[Any], due_on: date | None) -> Listed:
        return Listed(_case(row), self._seal.open_text(row.applicant_sealed, "cases.applicant_sealed", row.id), due_on)

    async def waiting(self, role: str, organisations: frozenset[str], today: date, soon: date) -> tuple[int, int, int]:
        """How many open tasks a role has: all, those overdue, those due by `soon`."""
        mine = _at(select(tasks.c.due_on), tasks.c.organisation, organisations)
        open_tasks = mine.where(tasks.c.role == role, tasks.c.closed_at.is_(None)).subquery()
        overdue = func.count().filter(open_tasks.c.due_on < today)
        urgent = func.count().filter(open_tasks.c.due_on.between(today, soon))
        statement = select(func.count(open_tasks.c.due_on), overdue, urgent)
        count, late, near = list((await self._work.execute(statement)).one())
        return count, late, near

    async def count(self, status: str, organisations: frozenset[str]) -> int:
        """How many cases are at a status."""
        statement = _at(select(func.count()).where(cases.c.status == status), cases.c.organisation, organisations)
        return int((await self._work.execute(statement)).scalar_one())

    def add_access(
        self, case_id: str, officer: str, name: str | None, at: datetime, what: str, purpose: str, reason: str | None
    ) -> None:
        """Note who opened the case, when and why."""
        access_id = new_id()
        self._work.add(
            accesses,
            {
                "id": access_id,
                "case_id": case_id,
                "at": at,
                "officer": officer,
                "officer_name": name,
                "what": what,
                "purpose": purpose,
                "reason_sealed": self._seal.text(reason, "accesses.reason_sealed", access_id),
            },
        )

    async def accesses(self, case_id: str, after: str | None, limit: int) -> list[Access]:
        """Who opened the case, newest first."""
        statement = select(accesses).where(accesses.c.case_id == case_id)
        if after is not None:
            statement = statement.where(accesses.c.id < after)
        rows = await self._work.execute(statement.order_by(accesses.c.id.desc()).limit(limit))
        return [
            Access(
                row.id,
                row.case_id,
                row.at,
                row.officer,
                row.officer_name,
                row.what,
                row.purpose,
                self._seal.open_text(row.reason_sealed, "accesses.reason_sealed", row.id),
            )
            for row in rows
        ]


def _case(row: Row[Any]) -> Case:
    return Case(**{name: getattr(row, name) for name in _STATE})


def _at(statement: Select[Any], column: Any, organisations: frozenset[str]) -> Select[Any]:
    """Only what lies with these organisations; "*" is every one."""
    return statement if EVERYWHERE in organisations else statement.where(column.in_(organisations))
