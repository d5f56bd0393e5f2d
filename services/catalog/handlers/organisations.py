"""Organisations: registered, listed."""

from collections.abc import Sequence

from services.catalog import events
from services.catalog.domain.items import Outcome, Provenance
from services.catalog.domain.organisations import OrganisationState
from services.catalog.store.organisations import ListedOrganisation
from services.catalog.store.work import Work
from services.kit.audit import AuditEntry
from services.kit.events import event_of


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
        await work.organisations.save(changed, actor)
        for state, version in changed:
            data = events.organisation_registered(state)
            work.publish(event_of(data, subject=state.id, version=version, time=work.now()))
        if changed:
            many = f"{len(changed)} organisations from here on"
            work.audit(AuditEntry(actor, "organisations.register", "organisations", changed[0][0].id, result=many))
        return outcomes


async def list_organisations(
    division: str | None, after: str | None, limit: int, work: Work
) -> Sequence[ListedOrganisation]:
    """Organisations by id, from the one after `after`."""
    async with work:
        return await work.organisations.listed(division, after, limit)
