"""Appeals against refusals of the lint: filed by editors, decided by the registrar, public where granted."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Final

from services.catalog import errors
from services.catalog.domain.items import ItemContent
from services.catalog.domain.life import OPEN, Act
from services.catalog.domain.lint import APPEALABLE
from services.catalog.domain.periods import day_of
from services.catalog.handlers.life import ROLES, actor_of, did, keep, record, seen_revision
from services.catalog.handlers.lint import findings_of
from services.catalog.store.appeals import Appeal, AppealState, ListedAppeal
from services.catalog.store.work import Work
from services.kit.auth import Principal
from services.kit.errors import FieldProblem, Forbidden, Invalid
from services.kit.ids import new_id

LONGEST_YEARS: Final = 2
"""For how long a refusal may be let pass at once; afterwards it is appealed anew, or mended."""


async def appeal(officer: Principal, revision_id: str, rule: str, field: str, reason: str, work: Work) -> ListedAppeal:
    """Ask the registrar to let a refusal of an open revision pass, by an editor of its organisation. Raises
    RevisionNotFound, Forbidden, WrongState, NotAppealable, NoSuchFinding, AppealOpen."""
    async with work:
        found = await seen_revision(revision_id, officer, work, lock=True)
        revision = found.revision
        officer.require("editor", revision.organisation)
        if revision.state not in OPEN:
            raise errors.WrongState(f"the revision is {revision.state.value}", state=revision.state.value)
        if rule not in APPEALABLE:
            raise errors.NotAppealable(f"the rule {rule} is mended, not appealed", rule=rule)
        content = found.content
        against = await findings_of(content, work) if isinstance(content, ItemContent) else []
        if all((each.rule, each.field) != (rule, field) for each in against):
            raise errors.NoSuchFinding
        if (other := await work.appeals.open_for(revision.code, rule, field)) is not None:
            raise errors.AppealOpen(appeal=other.id)
        actor = actor_of(officer)
        made = Appeal(
            id=new_id(),
            code=revision.code,
            revision_id=revision.id,
            rule=rule,
            field=field,
            state="open",
            author=actor.id,
            author_name=actor.name,
            reason=reason,
            created_at=work.now(),
        )
        await work.appeals.add(made)
        keep(revision, Act.APPEALED, officer, f"{rule} {field}: {reason}", work)
        return await _seen(made.id, officer, work)


async def decide(
    officer: Principal, id_: str, granted: bool, reason: str, until: date | None, work: Work
) -> ListedAppeal:
    """Let a refusal pass up to and with the day `until`, or not; by the registrar, who is not the appellant. Raises
    AppealNotFound, Forbidden, OwnAppeal, AppealDecided, Invalid."""
    async with work:
        listed = await _seen(id_, officer, work, lock=True)
        made, organisation = listed.appeal, listed.organisation
        officer.require("registrar", organisation)
        if made.author == officer.sub:
            raise errors.OwnAppeal
        if made.state != "open":
            raise errors.AppealDecided(f"it is {made.state}", state=made.state)
        _check_until(granted, until, day_of(work.now()))
        after = replace(
            made,
            state="granted" if granted else "refused",
            decided_by=officer.sub,
            decision=reason,
            until=until,
            decided_at=work.now(),
        )
        await work.appeals.decided(after)
        act = Act.EXEMPTED if granted else Act.APPEAL_REFUSED
        end = f" ({until})" if until else ""
        did(made.code, act, officer, f"{made.rule} {made.field}{end}: {reason}", work, revision_id=made.revision_id)
        record(officer, f"appeals.{after.state}", "appeal", id_, organisation, reason, work)
        return replace(listed, appeal=after)


def _check_until(granted: bool, until: date | None, today: date) -> None:
    problem = None
    if granted and until is None:
        problem = FieldProblem("until", "required", "what is let pass has an end date")
    elif not granted and until is not None:
        problem = FieldProblem("until", "unexpected", "nothing is let pass")
    elif until is not None and until <= today:
        problem = FieldProblem("until", "past", "a day to come")
    elif until is not None and until > _years_on(today, LONGEST_YEARS):
        problem = FieldProblem("until", "too_late", f"at most {LONGEST_YEARS} years from today")
    if problem:
        raise Invalid(fields=[problem])


def _years_on(day: date, years: int) -> date:
    try:
        return day.replace(year=day.year + years)
    except ValueError:  # 29 February
        return date(day.year + years, 2, 28)


async def get_appeal(officer: Principal, id_: str, work: Work) -> ListedAppeal:
    """An appeal of an organisation that the officer works for. Raises AppealNotFound, for any other too."""
    async with work:
        return await _seen(id_, officer, work)


async def _seen(id_: str, officer: Principal, work: Work, *, lock: bool = False) -> ListedAppeal:
    found = await work.appeals.one(id_, lock=lock)
    if found is None or not any(officer.holds(role, found.organisation) for role in ROLES):
        raise errors.AppealNotFound
    return found


async def list_appeals(
    officer: Principal, state: AppealState | None, code: str | None, before: str | None, limit: int, work: Work
) -> Sequence[ListedAppeal]:
    """Appeals of the officer's organisations, the newest first."""
    mine = frozenset(each for role in ROLES for each in officer.organisations(role))
    if not mine:
        raise Forbidden("the role editor, reviewer or registrar is needed")
    async with work:
        return await work.appeals.listed(mine, state, code, before, limit)
