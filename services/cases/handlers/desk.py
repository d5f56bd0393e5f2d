"""The desk: what waits, opening a case, and the officers' acts. Every opening is noted for the applicant to read."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

from services.cases.domain import cases as rules
from services.cases.domain import workdays
from services.cases.domain.cases import Act, Case, Gap, Opinion, Outcome, Purpose
from services.cases.domain.dossier import Dossier, StoredFile
from services.cases.domain.items import Item
from services.cases.domain.limits import local_day
from services.cases.errors import EnquiryReasonRequired, FileNotFound, NotItsTurn
from services.cases.handlers import acts
from services.cases.handlers.acts import ROLES, check_seen, desk_case, dossier, item_version, official, record
from services.cases.store.cases import Listed
from services.cases.store.work import Work
from services.kit.auth import EVERYWHERE, Principal
from services.kit.errors import FieldProblem, Forbidden
from services.kit.idempotency import once

ROLE_OF_QUEUE: Final = {"intake": "intake", "review": "review", "decision": "decide", "delivery": "deliver"}
ROLE_OF_PURPOSE: Final = ROLE_OF_QUEUE
PURPOSE_OF_ROLE: Final = {role: purpose for purpose, role in ROLE_OF_PURPOSE.items()}
SOON_DAYS: Final = 3
"""Working days within which a task counts as due soon at the desk."""


@dataclass(frozen=True, slots=True)
class Queues:
    """How much waits, by queue; None where the officer has no such role anywhere."""

    waiting: dict[str, int | None]
    returned: int
    overdue: int
    due_soon: int


def _organisations(officer: Principal) -> frozenset[str]:
    """Where the officer has any role on cases. Raises Forbidden when nowhere."""
    found = frozenset[str]().union(*(officer.organisations(role) for role in ROLES))
    if not found:
        raise Forbidden("a role on cases is needed")
    return frozenset({EVERYWHERE}) if EVERYWHERE in found else found


async def count_queues(work: Work, officer: Principal) -> Queues:
    """What waits at this officer's desk. Raises Forbidden."""
    everywhere = _organisations(officer)
    today = local_day(work.now())
    waiting: dict[str, int | None] = {}
    overdue = due_soon = 0
    async with work:
        for queue, role in ROLE_OF_QUEUE.items():
            organisations = officer.organisations(role)
            if not organisations:
                waiting[queue] = None
                continue
            count, late, urgent = await work.cases.waiting(role, organisations, today, _soon(today))
            waiting[queue] = count
            overdue += late
            due_soon += urgent
        return Queues(waiting, await work.cases.count("returned", everywhere), overdue, due_soon)


def _soon(today: date) -> date:
    try:
        return workdays.add_working_days(today, SOON_DAYS)
    except workdays.UnknownYear:
        # Only what the desk marks as urgent hangs on this, nobody's right: calendar days will do.
        return today + timedelta(days=SOON_DAYS)


async def list_tasks(
    work: Work, officer: Principal, queue: str, after: tuple[date, str] | None, limit: int
) -> list[tuple[Listed, Item]]:
    """The cases that wait in a queue of the officer's role, the most urgent first. Raises Forbidden."""
    role = ROLE_OF_QUEUE[queue]
    organisations = officer.organisations(role)
    if not organisations:
        raise Forbidden(f"the role {role} is needed")
    async with work:
        found = await work.cases.queue(role, organisations, after, limit)
        record(work, officer, "desk.listed", "queue", queue)
        return await _with_items(work, found)


async def list_others(
    work: Work, officer: Principal, queue: str, after: str | None, limit: int
) -> list[tuple[Listed, Item]]:
    """The cases that wait for their applicants (returned) or for nobody (closed), newest first. Raises Forbidden."""
    statuses = ["returned"] if queue == "returned" else ["delivered", "withdrawn"]
    organisations = _organisations(officer)
    async with work:
        found = await work.cases.by_status(statuses, organisations, after, limit)
        record(work, officer, "desk.listed", "queue", queue)
        return await _with_items(work, found)


async def search_cases(
    work: Work, officer: Principal, words: str, after: str | None, limit: int
) -> list[tuple[Listed, Item]]:
    """Cases with this number or this applicant's name, exactly, among the officer's organisations: `limit` - 1 to show,
    one more to tell that there are more. Raises Forbidden."""
    organisations = _organisations(officer)
    async with work:
        found = await work.cases.search(words.strip(), organisations, after, limit)
        # What was looked for may be a name: the audit keeps which cases were shown instead, and that none were. The
        # last of `limit` rows only tells that there are more.
        for row in found[: limit - 1]:
            record(work, officer, "desk.searched", "case", row.case.id, of=row.case.organisation)
        if not found:
            record(work, officer, "desk.searched", "cases", "none found")
        return await _with_items(work, found)


async def _with_items(work: Work, found: list[Listed]) -> list[tuple[Listed, Item]]:
    return [(row, await item_version(work, row.case.item_code, row.case.item_version)) for row in found]


async def open_case(work: Work, officer: Principal, case_id: str, purpose: Purpose, reason: str | None) -> Dossier:
    """Open a case, noting who, when and why. Raises CaseNotFound, Forbidden, NotItsTurn, EnquiryReasonRequired."""
    async with work:
        case = await desk_case(work, officer, case_id)
        _note(work, officer, case, "case", purpose, reason)
        return await dossier(work, case)


async def open_material(
    work: Work, officer: Principal, case_id: str, file_id: str, purpose: Purpose, reason: str | None
) -> StoredFile:
    """Open a material or the result of a case. Raises FileNotFound besides what `open_case` raises."""
    async with work:
        case = await desk_case(work, officer, case_id)
        file = next((f for f in await work.files.of_case(case_id) if f.id == file_id), None)
        if file is None:
            raise FileNotFound
        _note(work, officer, case, file.kind, purpose, reason)
        return file


def _note(work: Work, officer: Principal, case: Case, what: str, purpose: Purpose, reason: str | None) -> None:
    """Note who opens what of a case and why: for the step that the case waits for, where that is the officer's duty.

    For anything else, a step that is over among it, it is an enquiry with its reason (个人信息保护法 art. 6: no more
    than the purpose needs).
    """
    if purpose == "enquiry":
        if not (reason and reason.strip()):
            raise EnquiryReasonRequired(fields=[FieldProblem("reason", "required", "say why the case is opened")])
    else:
        role = ROLE_OF_PURPOSE[purpose]
        officer.require(role, case.organisation)
        if rules.ROLE_OF.get(case.status) != role:
            raise NotItsTurn(f"the case is {case.status}", case_status=case.status)
    _opened(work, officer, case, what, purpose, reason)


def _opened(work: Work, officer: Principal, case: Case, what: str, purpose: str, reason: str | None) -> None:
    work.cases.add_access(case.id, officer.sub, officer.name, work.now(), what, purpose, reason)
    record(work, officer, f"{what}.opened", "case", case.id, purpose=purpose, of=case.organisation)


Doing = Callable[[Case, Item], Act]


async def _act(
    work: Work, officer: Principal, case_id: str, role: str, seen: int, key: str, request: dict[str, Any], do: Doing
) -> Dossier:
    """One officer's act, done once for its key. Raises CaseNotFound, Forbidden, PreconditionFailed, KeyReused."""

    async def act() -> str:
        before = await desk_case(work, officer, case_id, lock=True)
        officer.require(role, before.organisation)
        check_seen(before, seen)
        item = await item_version(work, before.item_code, before.item_version)
        await acts.keep(work, officer, before, do(before, item), item)
        return case_id

    async with work:
        _, repeated = await once(
            work,
            caller=officer.sub,
            key=key,
            request={"case": case_id, "seen": seen} | request,
            act=act,
            keep=str,
            answer=case_id,
        )
    return await after_act(work, officer, case_id, role, repeated=repeated)


async def after_act(work: Work, officer: Principal, case_id: str, role: str, *, repeated: bool) -> Dossier:
    """The case as it stands after an act of `role`. The act has its own record; told again it is an opening."""
    async with work:
        case = await desk_case(work, officer, case_id)
        if repeated:
            _opened(work, officer, case, "case", PURPOSE_OF_ROLE[role], None)
        return await dossier(work, case)


async def accept_case(work: Work, officer: Principal, case_id: str, seen: int, key: str) -> Dossier:
    """Take a case in (受理). Raises WrongStep and what every act raises."""

    def do(case: Case, _: Item) -> Act:
        return rules.accept(case, official(officer), work.now())

    return await _act(work, officer, case_id, "intake", seen, key, {"act": "accept"}, do)


async def return_case(
    work: Work, officer: Principal, case_id: str, seen: int, key: str, gaps: tuple[Gap, ...], note: str | None
) -> Dossier:
    """Tell all that is missing, once (一次告知). Raises WrongStep, NoticeAlreadyGiven, UnknownGap."""

    def do(case: Case, item: Item) -> Act:
        return rules.give_notice(case, official(officer), work.now(), gaps, note, item.askable)

    told = {"act": "return", "gaps": [[g.material, g.field, g.what] for g in gaps], "note": note}
    return await _act(work, officer, case_id, "intake", seen, key, told, do)


async def review_case(
    work: Work, officer: Principal, case_id: str, seen: int, key: str, opinion: Opinion, note: str | None
) -> Dossier:
    """Examine a case and give an opinion (审查). Raises WrongStep."""

    def do(case: Case, _: Item) -> Act:
        return rules.review(case, official(officer), work.now(), opinion, note)

    told = {"act": "review", "opinion": opinion, "note": note}
    return await _act(work, officer, case_id, "review", seen, key, told, do)


async def decide_case(
    work: Work, officer: Principal, case_id: str, seen: int, key: str, outcome: Outcome, reason: str | None
) -> Dossier:
    """Decide a case (决定). Raises WrongStep, SeparationOfDuties, ReasonRequired."""

    def do(case: Case, _: Item) -> Act:
        return rules.decide(case, official(officer), work.now(), outcome, reason)

    told = {"act": "decide", "outcome": outcome, "reason": reason}
    return await _act(work, officer, case_id, "decide", seen, key, told, do)
