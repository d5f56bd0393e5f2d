"""The life of a case (办件): 申请 受理 审查 决定 送达, with the one notice, its amendment, and withdrawal.

    submitted ─accept→ accepted ─review→ reviewed ─decide→ decided ─deliver→ delivered
        │  ↑ resubmit
      return│
        ↓  │
     returned            submitted, returned, accepted, reviewed ─withdraw→ withdrawn

Each act gives the case after it, its version one higher, and the step that the timeline keeps.
"""

from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Final, Literal

from services.cases.domain import limits
from services.cases.domain.limits import Due, Limit, Terms
from services.cases.errors import (
    NoticeAlreadyGiven,
    NoticeTooLate,
    ReasonRequired,
    SeparationOfDuties,
    UnknownGap,
    WrongStep,
)
from services.kit.errors import FieldProblem

Status = Literal["submitted", "accepted", "reviewed", "decided", "delivered", "returned", "withdrawn"]
Event = Literal[
    "submitted",
    "returned",
    "resubmitted",
    "accepted",
    "reviewed",
    "decided",
    "delivered",
    "withdrawn",
]
Outcome = Literal["granted", "refused"]
Opinion = Literal["approve", "refuse"]
Role = Literal["intake", "review", "decide", "deliver"]
Action = Literal["accept", "return", "review", "decide", "deliver"]
Purpose = Literal["intake", "review", "decision", "delivery", "enquiry"]

ROLE_OF: Final[dict[str, Role]] = {
    "submitted": "intake",
    "accepted": "review",
    "reviewed": "decide",
    "decided": "deliver",
}
"""Whose turn it is: the role that works on a case of this status. In any other status no officer's."""
RUNNING: Final = frozenset({"accepted", "reviewed"})
"""Statuses in which the limit runs."""
WITHDRAWABLE: Final = frozenset({"submitted", "returned", "accepted", "reviewed"})


@dataclass(frozen=True, slots=True)
class Case:
    """A case without its personal data: what the rules need to know."""

    id: str
    number: str
    version: int
    status: Status
    item_code: str
    item_version: int
    item_type: str
    organisation: str
    division: str
    applicant: str
    channel: str
    submitted_at: datetime
    received_at: datetime
    updated_at: datetime
    noticed_at: datetime | None = None
    accepted_at: datetime | None = None
    accepted_by: str | None = None
    counted_from: date | None = None
    """The day as of which the case counts as accepted; the period begins the day after."""
    reviewed_at: datetime | None = None
    reviewed_by: str | None = None
    opinion: Opinion | None = None
    decided_at: datetime | None = None
    decided_by: str | None = None
    outcome: Outcome | None = None
    delivered_at: datetime | None = None
    withdrawn_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: the applicant, an officer, or the system itself."""

    kind: Literal["applicant", "officer", "system"]
    id: str
    name: str | None


@dataclass(frozen=True, slots=True)
class Gap:
    """One thing missing, of a material, of a field, or of the application as a whole."""

    material: str | None
    field: str | None
    what: str


@dataclass(frozen=True, slots=True)
class Step:
    """What the timeline keeps of one act. `note` and `gaps` are people's words: they are stored encrypted."""

    case_id: str
    version: int
    event: Event
    at: datetime
    actor: Actor
    note: str | None = None
    gaps: tuple[Gap, ...] = ()


Act = tuple[Case, Step]


def _at(case: Case, *statuses: Status) -> None:
    if case.status not in statuses:
        raise WrongStep(f"the case is {case.status}", case_status=case.status)


def _next(case: Case, event: Event, actor: Actor, now: datetime, note: str | None = None) -> Step:
    return Step(case.id, case.version + 1, event, now, actor, note)


def accept(case: Case, officer: Actor, now: datetime) -> Act:
    """Take the case in (受理, 行政许可法 art. 32). Raises WrongStep.

    The limit is counted from the day that `limits.acceptance_day` finds, which may lie before today.
    """
    _at(case, "submitted")
    day = limits.acceptance_day(
        limits.local_day(case.received_at),
        limits.local_day(now),
        case.noticed_at is not None,
    )
    accepted = replace(
        case,
        status="accepted",
        version=case.version + 1,
        accepted_at=now,
        accepted_by=officer.id,
        counted_from=day,
        updated_at=now,
    )
    return accepted, _next(case, "accepted", officer, now)


def give_notice(
    case: Case,
    officer: Actor,
    now: datetime,
    gaps: tuple[Gap, ...],
    note: str | None,
    known: frozenset[str],
) -> Act:
    """Return the case, telling all that is missing at once (一次告知, art. 32 (4)).

    `known` holds what may be missing: the item's materials and the form's fields, as `materials.…` and `answers.…`.
    Raises WrongStep, NoticeAlreadyGiven for a second notice, NoticeTooLate when five working days have gone by and the
    case is accepted by law, UnknownGap for what the item does not ask for (art. 31: nothing that has nothing to do
    with the application may be demanded).
    """
    _at(case, "submitted")
    if case.noticed_at is not None:
        raise NoticeAlreadyGiven
    if limits.notice_is_late(limits.local_day(case.received_at), limits.local_day(now)):
        raise NoticeTooLate
    problems = []
    for index, gap in enumerate(gaps):
        if gap.material is not None and gap.field is not None:
            problems.append(FieldProblem(f"gaps.{index}", "ambiguous", "name a material or a field, not both"))
        elif gap.material is not None and f"materials.{gap.material}" not in known:
            problems.append(
                FieldProblem(
                    f"gaps.{index}.material",
                    "unknown",
                    "the item asks for no such material",
                )
            )
        elif gap.field is not None and f"answers.{gap.field}" not in known:
            problems.append(FieldProblem(f"gaps.{index}.field", "unknown", "the form has no such field"))
    if problems:
        raise UnknownGap(fields=problems)
    returned = replace(
        case,
        status="returned",
        version=case.version + 1,
        noticed_at=now,
        updated_at=now,
    )
    return returned, replace(_next(case, "returned", officer, now, note), gaps=gaps)


def resubmit(case: Case, applicant: Actor, now: datetime) -> Act:
    """Hand in what the notice asked for: received anew, it counts from this day once accepted. Raises WrongStep."""
    _at(case, "returned")
    again = replace(
        case,
        status="submitted",
        version=case.version + 1,
        received_at=now,
        updated_at=now,
    )
    return again, _next(case, "resubmitted", applicant, now)


def review(case: Case, officer: Actor, now: datetime, opinion: Opinion, note: str | None) -> Act:
    """Examine the case and give an opinion (审查, art. 34). Raises WrongStep."""
    _at(case, "accepted")
    reviewed = replace(
        case,
        status="reviewed",
        version=case.version + 1,
        reviewed_at=now,
        reviewed_by=officer.id,
        opinion=opinion,
        updated_at=now,
    )
    return reviewed, _next(case, "reviewed", officer, now, note)


def decide(case: Case, officer: Actor, now: datetime, outcome: Outcome, reason: str | None) -> Act:
    """Decide in writing (决定, art. 38). Raises WrongStep, SeparationOfDuties, ReasonRequired (a bare refusal)."""
    _at(case, "reviewed")
    if officer.id == case.accepted_by:
        raise SeparationOfDuties
    if outcome == "refused" and not (reason and reason.strip()):
        raise ReasonRequired(fields=[FieldProblem("reason", "required", "say why the application is refused")])
    decided = replace(
        case,
        status="decided",
        version=case.version + 1,
        decided_at=now,
        decided_by=officer.id,
        outcome=outcome,
        updated_at=now,
    )
    return decided, _next(case, "decided", officer, now, reason)


def deliver(case: Case, officer: Actor, now: datetime) -> Act:
    """Hand the result out (送达, art. 44). Raises WrongStep."""
    _at(case, "decided")
    delivered = replace(
        case,
        status="delivered",
        version=case.version + 1,
        delivered_at=now,
        updated_at=now,
    )
    return delivered, _next(case, "delivered", officer, now)


def withdraw(case: Case, applicant: Actor, now: datetime, reason: str | None) -> Act:
    """Take the application back, before it is decided. Raises WrongStep."""
    _at(case, *sorted(WITHDRAWABLE))  # type: ignore[arg-type]
    withdrawn = replace(
        case,
        status="withdrawn",
        version=case.version + 1,
        withdrawn_at=now,
        updated_at=now,
    )
    return withdrawn, _next(case, "withdrawn", applicant, now, reason)


def actions(case: Case, officer: str, roles: frozenset[str], now: datetime) -> list[Action]:
    """What an officer with these roles at the case's organisation may do now; the rules above have the last word."""
    role = ROLE_OF.get(case.status)
    if role is None or role not in roles:
        return []
    if role == "intake":
        late = limits.notice_is_late(limits.local_day(case.received_at), limits.local_day(now))
        return ["accept", "return"] if case.noticed_at is None and not late else ["accept"]
    if role == "review":
        return ["review"]
    if role == "decide":
        return [] if officer == case.accepted_by else ["decide"]
    return ["deliver"]


def due(case: Case, terms: Terms, now: datetime) -> Due:
    """When the case is due, as of `now`: an estimate before acceptance, running until the decision, then at rest."""
    if case.counted_from is None:
        return limits.due(terms, limits.local_day(case.received_at), None, estimate=True)
    today = limits.local_day(now) if case.status in RUNNING else None
    return limits.due(terms, case.counted_from, today)


def task_due(case: Case, terms: Terms, now: datetime) -> Due | None:
    """By when the officer whose turn it is must act, as of `now`; None when it is no officer's turn.

    Intake within five working days of receipt (art. 32), review and decision within the case's limit, delivery of a
    grant within ten working days of the decision (art. 44; a refusal is handed out alike).
    """
    role = ROLE_OF.get(case.status)
    if role is None:
        return None
    today = limits.local_day(now)
    if role == "intake":
        return limits.due(_law(limits.NOTICE_LIMIT), limits.local_day(case.received_at), today)
    if role == "deliver" and case.decided_at is not None:
        return limits.due(_law(limits.DELIVERY_LIMIT), limits.local_day(case.decided_at), today)
    return limits.due(terms, case.counted_from or limits.local_day(case.received_at), today)


def _law(limit: Limit) -> Terms:
    return Terms("statutory", limit, limit)
