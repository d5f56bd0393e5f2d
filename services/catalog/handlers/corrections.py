"""Correction requests (异议): filed where a disagreement is found, answered by the source."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, timedelta
from typing import Final

from services.catalog import errors
from services.catalog.domain import corrections
from services.catalog.domain.codes import normalise_code
from services.catalog.domain.corrections import Answering, Correction, CorrectionState
from services.catalog.domain.identity_numbers import holds_identity_number
from services.catalog.domain.periods import day_of, end_of
from services.catalog.domain.registers import Register, normalise
from services.catalog.handlers.life import actor_of, record
from services.catalog.store.corrections import CorrectionFilter
from services.catalog.store.work import Work
from services.contracts.base import Text
from services.kit.auth import Principal
from services.kit.errors import FieldProblem, Forbidden, Invalid, PreconditionFailed
from services.kit.ids import new_id

_ROLES: Final = ("editor", "registrar")


@dataclass(frozen=True, slots=True)
class ShownCorrection:
    """A request with what its reader sees besides."""

    request: Correction
    entry_name: Text
    source_name: Text
    organisation_name: Text
    overdue: bool
    acts: Sequence[Answering]


@dataclass(frozen=True, slots=True)
class NewCorrection:
    """What the finder says."""

    register: Register
    code: str
    organisation: str
    text: str
    item_code: str | None = None


async def file_correction(officer: Principal, new: NewCorrection, days: int, work: Work) -> ShownCorrection:
    """Send a disagreement to the source of an entry, which has `days` days to answer. Raises Forbidden, EntryNotFound,
    Invalid."""
    officer.require("editor", new.organisation)
    _refuse_personal(new.text, "text")
    code = normalise(new.register, new.code)
    item_code = normalise_code(new.item_code) if new.item_code else None
    async with work:
        entry = await work.registers.one(new.register, code)
        if entry is None:
            raise errors.EntryNotFound
        source = entry.content.source.id
        problems = []
        if new.organisation == source:
            problems.append(FieldProblem("organisation", "is_source", "the source corrects its own entry"))
        elif await work.organisations.one(new.organisation) is None:
            problems.append(FieldProblem("organisation", "unknown", "no registered organisation has this id"))
        if item_code and not await work.facts.known([item_code]):
            problems.append(FieldProblem("item_code", "unknown", "no item has this code"))
        if problems:
            raise Invalid(fields=problems)
        now, actor = work.now(), actor_of(officer)
        request = Correction(
            id=new_id(),
            register=new.register,
            code=code,
            source=source,
            state=CorrectionState.OPEN,
            version=1,
            organisation_id=new.organisation,
            author=actor.id,
            author_name=actor.name,
            text=new.text,
            created_at=now,
            updated_at=now,
            due_at=end_of(day_of(now) + timedelta(days=days), now).astimezone(UTC),
            item_code=item_code,
        )
        await work.corrections.add(request)
        record(officer, "corrections.file", "correction", request.id, new.organisation, "", work)
        return (await _shown([request], officer, work))[0]


async def answer_correction(
    officer: Principal, id_: str, act: Answering, answer: str, seen: int, work: Work
) -> ShownCorrection:
    """Accept, correct or reject, by the source's editor or the registrar; withdraw, by the finder's editor. Raises
    CorrectionNotFound, Forbidden, WrongState, Invalid, PreconditionFailed."""
    _refuse_personal(answer, "answer")
    async with work:
        request = await _seen(id_, officer, work, lock=True)
        if seen != request.version:
            raise PreconditionFailed(f"the request is at version {request.version}", version=request.version)
        source, finder = _sides(request, officer)
        if not (finder if act == "withdraw" else source):
            raise Forbidden("the source answers, and who found it withdraws")
        after = corrections.answered(request, act, answer, officer.sub, work.now())
        await work.corrections.save(after)
        acting = request.organisation_id if act == "withdraw" else request.source
        record(officer, f"corrections.{act}", "correction", id_, acting, answer, work)
        return (await _shown([after], officer, work))[0]


async def get_correction(officer: Principal, id_: str, work: Work) -> ShownCorrection:
    """A request that the officer's organisation found or answers. Raises CorrectionNotFound, for any other too."""
    async with work:
        return (await _shown([await _seen(id_, officer, work)], officer, work))[0]


async def list_corrections(
    officer: Principal,
    state: CorrectionState | None,
    source: str | None,
    organisation: str | None,
    overdue: bool,
    before: str | None,
    limit: int,
    work: Work,
) -> Sequence[ShownCorrection]:
    """Requests of the officer's organisations, found or to answer, the newest first."""
    mine = frozenset(each for role in _ROLES for each in officer.organisations(role))
    if not mine:
        raise Forbidden("the role editor or registrar is needed")
    async with work:
        wanted = CorrectionFilter(mine, state, source, organisation, work.now() if overdue else None)
        return await _shown(await work.corrections.listed(wanted, before, limit), officer, work)


async def _seen(id_: str, officer: Principal, work: Work, *, lock: bool = False) -> Correction:
    request = await work.corrections.one(id_, lock=lock)
    if request is None or not any(_sides(request, officer)):
        raise errors.CorrectionNotFound
    return request


def _sides(request: Correction, officer: Principal) -> tuple[bool, bool]:
    """Whether the officer acts for the source, for the finder."""
    return (
        any(officer.holds(role, request.source) for role in _ROLES),
        officer.holds("editor", request.organisation_id),
    )


def _refuse_personal(text: str, field: str) -> None:
    if holds_identity_number(text):
        raise Invalid(fields=[FieldProblem(field, "personal_data", "leave identity numbers out")])


async def _shown(requests: Sequence[Correction], officer: Principal, work: Work) -> list[ShownCorrection]:
    codes: dict[Register, set[str]] = {}
    for request in requests:
        codes.setdefault(request.register, set()).add(request.code)
    entries = await work.registers.many(codes) if codes else {}
    ids = {id_ for request in requests for id_ in (request.source, request.organisation_id)}
    known = await work.organisations.many(ids) if ids else {}
    names = {id_: state.name for id_, (state, _) in known.items()}
    shown = []
    for request in requests:
        source, finder = _sides(request, officer)
        entry = entries.get((request.register, request.code))
        shown.append(
            ShownCorrection(
                request,
                entry.content.name if entry else Text(zh=request.code),
                names.get(request.source, Text(zh=request.source)),
                names.get(request.organisation_id, Text(zh=request.organisation_id)),
                request.overdue(work.now()),
                request.acts(source=source, finder=finder),
            )
        )
    return shown
