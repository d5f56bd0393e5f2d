"""What every use case does alike: who acts, whose case it is, and keeping an act with all that follows from it."""

from typing import Any

from services.cases.domain import cases as rules
from services.cases.domain.cases import Act, Actor, Case
from services.cases.domain.dossier import Dossier
from services.cases.domain.items import Item, Offer
from services.cases.errors import CaseNotFound, ItemNotFound, ItemRetired, ItemSuspended
from services.cases.events import case_event
from services.cases.store.work import Work
from services.kit.audit import AuditEntry
from services.kit.auth import Principal
from services.kit.errors import PreconditionFailed

ROLES = ("intake", "review", "decide", "deliver")
"""The staff roles that work on cases (受理, 审查, 决定, 送达)."""


def applicant(citizen: Principal) -> Actor:
    """The citizen as one who acts."""
    return Actor("applicant", citizen.sub, citizen.name)


def official(officer: Principal) -> Actor:
    """The officer as one who acts."""
    return Actor("officer", officer.sub, officer.name)


def roles_at(officer: Principal, organisation: str) -> frozenset[str]:
    """The roles on cases that an officer has at an organisation."""
    return frozenset(role for role in ROLES if officer.holds(role, organisation))


async def own_case(work: Work, citizen: Principal, case_id: str, *, lock: bool = False) -> Case:
    """The citizen's case. Raises CaseNotFound, for someone else's too.

    With `lock` its open amendment is locked first, in the order in which the amendment's submission locks the two.
    """
    if lock:
        await work.drafts.lock_amendment(case_id)
    case = await (work.cases.locked(case_id) if lock else work.cases.get(case_id))
    if case.applicant != citizen.sub:
        raise CaseNotFound
    return case


async def desk_case(work: Work, officer: Principal, case_id: str, *, lock: bool = False) -> Case:
    """A case of an organisation that the officer works for. Raises CaseNotFound, for any other too."""
    case = await (work.cases.locked(case_id) if lock else work.cases.get(case_id))
    if not roles_at(officer, case.organisation):
        raise CaseNotFound
    return case


def check_seen(case: Case, seen: int) -> None:
    """Raise PreconditionFailed unless the caller acts on what it saw (RFC 9110 §13.1.1)."""
    if seen != case.version:
        raise PreconditionFailed(f"the case is at version {case.version}", version=case.version)


async def item_in_force(work: Work, code: str) -> Item:
    """The current version of an item that takes new cases. Raises ItemNotFound, ItemSuspended, ItemRetired."""
    offer = check_offered(await work.items.in_force(code))
    return await item_version(work, code, offer.version)


def check_offered(offer: Offer | None) -> Offer:
    """Raise ItemNotFound, ItemSuspended, ItemRetired unless the item takes new cases."""
    if offer is None:
        raise ItemNotFound
    if offer.status == "suspended":
        raise ItemSuspended(offer.reason, reason=offer.reason)
    if offer.status == "retired":
        raise ItemRetired(offer.reason, reason=offer.reason)
    return offer


async def item_version(work: Work, code: str, version: int) -> Item:
    """One version of an item. Raises ItemNotFound."""
    item = await work.items.version(code, version)
    if item is None:
        raise ItemNotFound
    return item


def record(
    work: Work,
    who: Principal,
    action: str,
    kind: str,
    object_id: str,
    *,
    purpose: str | None = None,
    of: str | None = None,
) -> None:
    """Put what somebody did into the audit, in the running transaction; an officer acts for the organisation `of`."""
    work.audit(AuditEntry(who.sub, action, kind, object_id, who.realm, who.client_id, of, purpose))


async def keep(
    work: Work,
    who: Principal,
    before: Case,
    act: Act,
    item: Item,
    *,
    answers: dict[str, Any] | None = None,
    sha256: str | None = None,
) -> None:
    """Write an act on a case: state, timeline, whose turn it is, event, audit; all in the running transaction."""
    case, step = act
    await work.cases.save(case, answers)
    work.cases.add_step(step)
    if before.status in rules.ROLE_OF:
        await work.cases.close_task(case.id, step.actor.id, step.at)
    follow(work, who, act, item, sha256=sha256)


def follow(work: Work, who: Principal, act: Act, item: Item, *, sha256: str | None = None) -> None:
    """What follows from any act, a case's first among them: the next one's turn, the event, the audit record."""
    case, step = act
    role = rules.ROLE_OF.get(case.status)
    if role is not None:
        work.cases.open_task(case, role, rules.task_due(case, item.terms, step.at))
    work.publish(case_event(case, step, item, rules.due(case, item.terms, step.at), sha256))
    of = case.organisation if step.actor.kind == "officer" else None
    record(work, who, f"case.{step.event}", "case", case.id, of=of)


async def dossier(work: Work, case: Case) -> Dossier:
    """The case with everything that belongs to it."""
    item = await item_version(work, case.item_code, case.item_version)
    answers, name = await work.cases.content(case.id)
    amending = await work.drafts.amending(case.id) if case.status == "returned" else None
    return Dossier(
        case=case,
        item=item,
        answers=answers,
        applicant_name=name,
        steps=await work.cases.timeline(case.id),
        files=await work.files.of_case(case.id),
        amendment=amending.id if amending else None,
    )
