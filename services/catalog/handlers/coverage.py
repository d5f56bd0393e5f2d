"""Coverage (应上尽上), a page of organisations at a time."""

from collections.abc import Sequence
from typing import Final

from services.catalog.domain.coverage import Counts, Coverage, expected, missing
from services.catalog.domain.organisations import OrganisationState
from services.catalog.errors import OrganisationNotFound
from services.catalog.handlers.life import ROLES
from services.catalog.store.work import Work
from services.kit.auth import Principal

MOST_IN_LIST: Final = 20
MOST_OF_ONE: Final = 500
"""Items not wholly online that are named, of each organisation of a list, and of one by itself."""


async def covered(
    officer: Principal, division: str | None, after: str | None, limit: int, work: Work
) -> Sequence[Coverage]:
    """The active organisations that the officer works for, by id from the one after `after` on."""
    mine = frozenset[str]().union(*(officer.organisations(role) for role in ROLES))
    if not mine:
        return []
    async with work:
        found = await work.coverage.active(mine, division, after, limit)
        return await _covered(found, MOST_IN_LIST, work)


async def coverage_of(officer: Principal, organisation: str, work: Work) -> Coverage:
    """One organisation's. Raises OrganisationNotFound, for one that the officer has no role at, too."""
    if not any(officer.holds(role, organisation) for role in ROLES):
        raise OrganisationNotFound
    async with work:
        known = await work.organisations.one(organisation)
        if known is None:
            raise OrganisationNotFound
        [found] = await _covered([known[0]], MOST_OF_ONE, work)
        return found


async def _covered(states: Sequence[OrganisationState], most: int, work: Work) -> list[Coverage]:
    ids = [state.id for state in states]
    if not ids:
        return []
    wanted = {state.id: expected(state) for state in states}
    counts = await work.coverage.counts(ids)
    published = await work.coverage.published(ids, frozenset[str]().union(*wanted.values()))
    offline = await work.coverage.not_online(ids, most + 1)
    found = []
    for state in states:
        there, away = published.get(state.id, set()), offline.get(state.id, [])
        found.append(
            Coverage(
                state,
                expected=len(wanted[state.id]),
                fulfilled=len(wanted[state.id] & there),
                counts=counts.get(state.id, Counts()),
                missing=tuple(missing(state, there)),
                not_online=tuple(away[:most]),
                not_online_more=len(away) > most,
            )
        )
    return found
