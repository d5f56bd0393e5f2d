"""Coverage (应上尽上): what a department should offer by its functions, what it has published, what is online.

国发〔2018〕27号, part 3: 应上尽上、全程在线. So an item counts as online with its depth (网上办理深度, 1 to 4), and
each that is not wholly online (depth 4) is shown with the reason that it states.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from services.catalog.domain.organisations import OrganisationState
from services.contracts.base import Text
from services.contracts.catalog_organisations import Function

WHOLLY_ONLINE: Final = 4
DEPTHS: Final = (1, 2, 3, 4)


@dataclass(frozen=True, slots=True)
class Counts:
    """What an organisation has in force."""

    published: int = 0
    unlinted: int = 0
    """Imported as published and not edited since."""
    by_depth: Mapping[int, int] | None = None


@dataclass(frozen=True, slots=True)
class NotOnline:
    """An item that is not wholly online."""

    code: str
    name: Text
    depth: int | None
    reason: Text | None


@dataclass(frozen=True, slots=True)
class Missing:
    """A function without an item, or items that exist by it and that are not published."""

    function: Function
    items: tuple[str, ...]
    reason: Text | None


@dataclass(frozen=True, slots=True)
class Coverage:
    """One row of the table."""

    organisation: OrganisationState
    expected: int
    """Items that exist by its functions."""
    fulfilled: int
    """Those of them that it has published."""
    counts: Counts
    missing: tuple[Missing, ...]
    not_online: tuple[NotOnline, ...]
    not_online_more: bool


def expected(state: OrganisationState) -> frozenset[str]:
    """Codes of the base items that exist by an organisation's functions."""
    return frozenset(code for function in state.functions for code in function.items)


def missing(state: OrganisationState, published: Collection[str]) -> Iterator[Missing]:
    """The functions that are not covered, given the base items of which the organisation has published a version."""
    for function in state.functions:
        absent = tuple(code for code in function.items if code not in published)
        if absent or not function.items:
            yield Missing(function, absent, function.reason)
