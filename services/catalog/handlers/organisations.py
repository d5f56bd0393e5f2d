"""Organisations: kept by the registrar, registered from imports and demonstrations, listed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from zoneinfo import ZoneInfo

from services.catalog import errors, events
from services.catalog.domain.items import Outcome, Provenance
from services.catalog.domain.organisations import OrganisationState, cycle_through, new_id_problem, read
from services.catalog.store.organisations import DEEPEST, ListedOrganisation, OrganisationQuery, PastState
from services.catalog.store.work import Work
from services.kit.audit import AuditEntry
from services.kit.auth import Principal
from services.kit.errors import FieldProblem, PreconditionFailed, PreconditionRequired
from services.kit.events import event_of

CHINA: Final = ZoneInfo("Asia/Shanghai")
SHOWN_HISTORY: Final = 20


@dataclass(frozen=True, slots=True)
class ShownOrganisation:
    """An organisation with all that its page shows."""

    listed: ListedOrganisation
    version: int
    above: Sequence[OrganisationState]
    """The top of the tree first, the parent last."""
    past: Sequence[PastState]


async def register_organisations(
    states: Sequence[OrganisationState], provenance: Provenance, work: Work
) -> list[Outcome]:
    """Make `states` (ids differ) the latest; what is already so stays untouched and is not announced. One audit record
    tells of all that changed, as for items."""
    async with work:
        await work.one_writer()
        known = await work.organisations.many(state.id for state in states)
        outcomes, changed = [], []
        for state in states:
            before, version = known.get(state.id, (None, 0))
            if before == state:
                outcomes.append(Outcome.UNCHANGED)
                continue
            outcomes.append(Outcome.CHANGED if before else Outcome.CREATED)
            changed.append((state, version + 1))
        actor = f"system:{provenance.value}"
        await keep(changed, actor, "", work)
        if changed:
            many = f"{len(changed)} organisations from here on"
            work.audit(AuditEntry(actor, "organisations.register", "organisations", changed[0][0].id, result=many))
        return outcomes


async def keep(changed: Sequence[tuple[OrganisationState, int]], actor: str, reason: str, work: Work) -> None:
    """Keep states with their new versions and announce them, in the caller's transaction."""
    await work.organisations.save(changed, actor, reason)
    for state, version in changed:
        data = events.organisation_registered(state)
        work.publish(event_of(data, subject=state.id, version=version, time=work.now()))


def read_state(raw: Mapping[str, Any], work: Work, id_: str | None = None) -> OrganisationState:
    """An organisation as somebody wrote it. Raises OrganisationInvalid."""
    state, problems = read(raw, work.now().astimezone(CHINA).year, id_)
    if state is None:
        raise errors.OrganisationInvalid(fields=problems)
    return state


async def put_organisation(
    id_: str, raw: Mapping[str, Any], reason: str, seen: int | None, officer: Principal, work: Work
) -> tuple[ShownOrganisation, Outcome]:
    """Register or change an organisation; `seen` is the version that the caller read (None: none is there).

    Said again it changes nothing. Status and successors change by a reform alone, and so do name, division and USCC of
    an organisation that has items, for the items carry them. Raises OrganisationInvalid, OrganisationClosed,
    ReformNeeded, PreconditionRequired, PreconditionFailed.
    """
    officer.require("registrar", id_)
    wanted = read_state(raw, work, id_)
    async with work:
        await work.one_writer()
        found = await work.organisations.counted(id_)
        before, version = (found[0].state, found[1]) if found else (None, 0)
        if before is None:
            if seen is not None:
                raise PreconditionFailed("there is no such organisation yet: send no If-Match")
            if (problem := new_id_problem(wanted)) is not None:
                raise errors.OrganisationInvalid(fields=[problem])
        else:
            if seen is None:
                raise PreconditionRequired("send If-Match with the ETag that you read")
            if seen != version:
                raise PreconditionFailed(f"the organisation is at version {version}", version=version)
            check_change(before, wanted, has_items=await work.organisations.has_items(id_))
        if before == wanted:
            return await _shown(id_, work), Outcome.UNCHANGED
        problems = await tree_problems([wanted], work)
        if wanted.id in problems:
            raise errors.OrganisationInvalid(fields=[problems[wanted.id]])
        await keep([(wanted, version + 1)], officer.sub, reason, work)
        audit(officer, "organisation.change" if before else "organisation.register", id_, reason, work)
        return await _shown(id_, work), Outcome.CHANGED if before else Outcome.CREATED


def audit(officer: Principal, action: str, id_: str, reason: str, work: Work) -> None:
    """Record what an officer did to an organisation, in the caller's transaction."""
    who = (officer.realm, officer.client_id)
    work.audit(AuditEntry(officer.sub, action, "organisations", id_, *who, purpose=reason[:500]))


def check_change(before: OrganisationState, wanted: OrganisationState, *, has_items: bool) -> None:
    """Raise OrganisationClosed or ReformNeeded for a change that only a reform may make."""
    if before.status == "closed":
        raise errors.OrganisationClosed(f"{before.id} was closed", successors=list(before.successors))
    if has_items:
        fields = [name for name in ("name", "division", "uscc") if getattr(before, name) != getattr(wanted, name)]
        if fields:
            raise errors.ReformNeeded(
                "items in force carry it: rename the organisation by a reform, which carries them over",
                fields=[FieldProblem(name, "reform_needed") for name in fields],
            )


async def tree_problems(wanted: Sequence[OrganisationState], work: Work) -> dict[str, FieldProblem]:
    """What is wrong with the places of `wanted` in the tree, by id: a parent that is not there or closed, a cycle (with
    its chain), a tree too deep. `wanted` count as if they were kept already, one after the other."""
    known = await work.organisations.many(state.parent for state in wanted if state.parent)
    parents = dict(await work.organisations.parents([state.parent for state in wanted if state.parent]))
    active = {id_: state.status == "active" for id_, (state, _) in known.items()}
    problems: dict[str, FieldProblem] = {}
    for state in wanted:
        before = parents.get(state.id)
        parents[state.id] = state.parent
        problem = None
        if state.parent is not None and state.parent not in active:
            problem = FieldProblem("parent", "unknown", f"no organisation has the id {state.parent}")
        elif state.parent is not None and not active[state.parent]:
            problem = FieldProblem("parent", "closed", f"{state.parent} was closed")
        elif chain := cycle_through(state.id, parents):
            problem = FieldProblem("parent", "cycle", " → ".join(chain))
        elif _depth(state.id, parents) > DEEPEST:
            problem = FieldProblem("parent", "too_deep", f"more than {DEEPEST} steps below the top")
        if problem is None:
            active[state.id] = True
        else:
            problems[state.id] = problem
            parents[state.id] = before
    return problems


def _depth(id_: str, parents: Mapping[str, str | None]) -> int:
    depth, above = 0, parents.get(id_)
    while above is not None:
        depth, above = depth + 1, parents.get(above)
    return depth


async def show_organisation(id_: str, work: Work) -> ShownOrganisation:
    """An organisation, its place in the tree and its latest states. Raises OrganisationNotFound."""
    async with work:
        return await _shown(id_, work)


async def _shown(id_: str, work: Work) -> ShownOrganisation:
    found = await work.organisations.counted(id_)
    if found is None:
        raise errors.OrganisationNotFound
    listed, version = found
    parents = await work.organisations.parents([listed.state.parent] if listed.state.parent else [])
    known = await work.organisations.many(parents)
    above: list[OrganisationState] = []
    next_ = listed.state.parent
    while next_ is not None and next_ in known and len(above) < DEEPEST:
        above.append(known[next_][0])
        next_ = parents.get(next_)
    past = await work.organisations.past(id_, None, SHOWN_HISTORY)
    return ShownOrganisation(listed, version, above[::-1], past)


async def past_states(id_: str, before: int | None, limit: int, work: Work) -> Sequence[PastState]:
    """Who made an organisation what it is, when and why; for staff. Raises OrganisationNotFound."""
    async with work:
        if await work.organisations.one(id_) is None:
            raise errors.OrganisationNotFound
        return await work.organisations.past(id_, before, limit)


async def list_organisations(
    query: OrganisationQuery, after: str | None, limit: int, work: Work
) -> Sequence[ListedOrganisation]:
    """Organisations by id, from the one after `after`."""
    async with work:
        return await work.organisations.listed(query, after, limit)
