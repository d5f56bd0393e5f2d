"""Handing in: a draft, an application without a draft, an amendment; and taking back."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

from services.cases.domain import cases as rules
from services.cases.domain import drafts as draft_rules
from services.cases.domain import forms
from services.cases.domain.cases import Act, Case, Step
from services.cases.domain.dossier import Dossier
from services.cases.domain.items import Item
from services.cases.domain.limits import local_day
from services.cases.errors import ItemNotFound, SubmissionInvalid
from services.cases.handlers import acts
from services.cases.handlers.acts import applicant, dossier, item_in_force, item_version, own_case
from services.cases.handlers.drafts import draft_files, draft_item
from services.cases.store.numbers import Number
from services.cases.store.work import Work
from services.kit.auth import Principal
from services.kit.errors import FieldProblem, Invalid
from services.kit.idempotency import once
from services.kit.ids import new_id


@dataclass
class Numbering:
    """The case number in hand, and whether a case has it. Once a case was to have it, it is never given to another."""

    number: Number
    used: bool = False

    def use(self, division: str, day: date) -> str:
        """The number for a case of that division and day. Raises _OtherPlace."""
        if (self.number.division, self.number.day) != (division[:6], day):
            raise _OtherPlace(division[:6], day)
        self.used = True
        return str(self.number)


async def submit_case(
    work: Work, citizen: Principal, item_code: str, answers: dict[str, Any], key: str
) -> tuple[Dossier, bool]:
    """Hand in an application at once (申请), for clients that keep no draft; whether it is new comes with it.

    The hot path: one transaction, every row of it written in one go at its end. Raises ItemNotFound, ItemSuspended,
    ItemRetired, SubmissionInvalid, KeyReused.
    """
    if not forms.is_storable(answers):
        raise Invalid(fields=[FieldProblem("answers", "too_large", "at most 128 KiB of JSON in UTF-8")])
    made: list[Dossier] = []
    case_id = new_id()
    given = forms.answered(answers)
    last = work.context.items.last(item_code)

    async def submit(work: Work, numbering: Numbering) -> str:
        item = await item_in_force(work, item_code)
        if item is not last and (problems := _problems(item, given)):
            raise SubmissionInvalid(fields=problems)
        made.append(_first(work, citizen, item, item.form.called_for(given), numbering, case_id))
        return case_id

    run: Transaction = work.context.together.run
    if last is None or _problems(last, given):
        last, run = None, _alone(work)  # what may well be refused must not undo what others hand in
    request = {"submit": item_code, "answers": answers}
    division = await _division(work, item_code)
    kept = await _numbered(work, run, citizen, key, request, division, submit, case_id)
    if made:
        return made[-1], True
    return await _read(work, citizen, kept), False


def _problems(item: Item, given: dict[str, Any]) -> list[FieldProblem]:
    return item.form.problems(given) + draft_rules.missing_materials(item, set())


async def submit_draft(work: Work, citizen: Principal, draft_id: str, seen: int, key: str) -> tuple[Dossier, bool]:
    """Hand a draft in: a new case, or what the notice on a returned one asked for; whether it is new comes with it.

    A second submission with another key is told which case the draft became (DraftSubmitted). Raises DraftNotFound,
    DraftChanged, ItemSuspended, ItemRetired, SubmissionInvalid, WrongStep for a case that waits for no amendment.
    """

    new: list[str] = []

    async def submit(work: Work, numbering: Numbering) -> str:
        draft = await work.drafts.locked(draft_id, citizen.sub)
        draft_rules.check_open(draft, seen)
        item = await draft_item(work, draft)
        if draft.amends is None:
            acts.check_offered(await work.items.current(draft.item_code))
        files = await draft_files(work, draft)
        problems = draft_rules.problems(item, draft.answers, {file.material or "" for file in files})
        if problems:
            raise SubmissionInvalid(fields=problems)
        answers = item.form.called_for(draft.answers)
        if draft.amends is None:
            case_id = new_id()
            _first(work, citizen, item, answers, numbering, case_id)
        else:
            case_id = draft.amends
            before = await work.cases.locked(case_id)
            act = rules.resubmit(before, applicant(citizen), work.now())
            await work.files.replace(case_id, {file.material or "" for file in files if file.draft_id == draft_id})
            await acts.keep(work, citizen, before, act, item, answers=answers)
        await work.files.hand_in(draft_id, case_id)
        await work.drafts.save(draft_rules.submitted(draft, case_id, work.now()))
        new.append(case_id)
        return case_id

    async with work:
        item_code = (await work.drafts.get(draft_id, citizen.sub)).item_code
    division = await _division(work, item_code)
    request = {"submit_draft": draft_id}
    kept = await _numbered(work, _alone(work), citizen, key, request, division, submit)
    return await _read(work, citizen, kept), bool(new)


async def _division(work: Work, item_code: str) -> str:
    """The division that numbers of the item's cases begin with: remembered, since it hardly ever changes."""
    known = work.context.items.last(item_code)
    if known is not None:
        return known.division
    async with work:
        current = await work.items.current(item_code)
        if current is None:
            raise ItemNotFound
        return (await item_version(work, item_code, current.version)).division


class _OtherPlace(Exception):
    """The number in hand is of another division or day than the case: leave the transaction, take another."""

    def __init__(self, division: str, day: date) -> None:
        super().__init__(division, day)
        self.division = division
        self.day = day


Transaction = Callable[[Callable[[Work], Awaitable[str]]], Awaitable[str]]
"""Runs a job in a transaction: one of its own, or one that it shares."""


def _alone(work: Work) -> Transaction:
    async def run(act: Callable[[Work], Awaitable[str]]) -> str:
        async with work:
            return await act(work)

    return run


async def _numbered(
    work: Work,
    run: Transaction,
    citizen: Principal,
    key: str,
    request: Any,
    division: str,
    submit: Callable[[Work, Numbering], Awaitable[str]],
    answer: str | None = None,
) -> str:
    """`run` a submission once for this key; the case's id (`answer` where it is known beforehand).

    The number is taken before the transaction, for `division`; one that was not needed is given back. At midnight, or
    when the item went to another division, it does not fit: then all is done again with one that does.
    """
    day = local_day(work.now())
    while True:
        number = await work.context.numbers.take(work, division, day)
        numbering = Numbering(number)

        async def act(work: Work) -> str:
            kept, _ = await once(
                work,
                caller=citizen.sub,
                key=key,
                request=request,
                act=lambda: submit(work, numbering),  # noqa: B023 (called within this round)
                keep=str,
                answer=answer,
            )
            return str(kept)

        try:
            return await run(act)
        except _OtherPlace as error:
            division, day = error.division, error.day
        finally:
            if not numbering.used:
                work.context.numbers.give_back(number)


def _first(
    work: Work, citizen: Principal, item: Item, answers: dict[str, Any], numbering: Numbering, case_id: str
) -> Dossier:
    """The new case with all that follows; nothing is written before the transaction's end. Raises _OtherPlace."""
    now = work.now()
    case = Case(
        id=case_id,
        number=numbering.use(item.division, local_day(now)),
        version=1,
        status="submitted",
        item_code=item.code,
        item_version=item.version,
        item_type=item.item_type,
        organisation=item.organisation,
        division=item.division,
        applicant=citizen.sub,
        channel=citizen.client_id,
        submitted_at=now,
        received_at=now,
        updated_at=now,
    )
    act: Act = (case, Step(case.id, 1, "submitted", now, applicant(citizen)))
    work.cases.add(case, answers, citizen.name)
    work.cases.add_step(act[1])
    acts.follow(work, citizen, act, item)
    return Dossier(case, item, answers, citizen.name, [act[1]], [])


async def _read(work: Work, citizen: Principal, case_id: str) -> Dossier:
    async with work:
        return await dossier(work, await own_case(work, citizen, case_id))


async def withdraw_case(work: Work, citizen: Principal, case_id: str, reason: str | None) -> Dossier:
    """Take the application back before it is decided. Raises CaseNotFound, WrongStep."""
    async with work:
        before = await own_case(work, citizen, case_id, lock=True)
        item = await item_version(work, before.item_code, before.item_version)
        act = rules.withdraw(before, applicant(citizen), work.now(), reason)
        amendment = await work.drafts.amending(case_id)
        if amendment is not None:
            await work.files.give_up_drafts([amendment.id])
            await work.drafts.remove([amendment.id])
        await acts.keep(work, citizen, before, act, item)
    return await _read(work, citizen, case_id)
