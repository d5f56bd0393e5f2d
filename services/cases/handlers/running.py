"""Running cases of an item, for those who keep the item: they stay on their version whatever becomes of it."""

from dataclasses import dataclass
from typing import Final

from services.cases.errors import ItemNotFound
from services.cases.handlers.acts import item_version, record
from services.cases.store.cases import RunningCase
from services.cases.store.work import Work
from services.kit.auth import Principal
from services.kit.errors import Forbidden

KEEPERS: Final = ("editor", "reviewer", "registrar")
"""The catalogue's roles (审核、变更、应用); none of them opens a case."""
MOST_COUNTED: Final = 1000
MOST_SHOWN: Final = 100


@dataclass(frozen=True, slots=True)
class Running:
    """How many cases run (`more`: at least), and the oldest of them."""

    count: int
    more: bool
    cases: list[RunningCase]


async def list_running(work: Work, officer: Principal, code: str, version: int | None) -> Running:
    """Cases of an item that have not come to their end, of all its versions or of one. Raises ItemNotFound, Forbidden.

    Nothing personal: number, version, step and day. That they were looked at is in the audit.
    """
    async with work:
        offer = await work.items.current(code)
        if offer is None:
            raise ItemNotFound
        organisation = (await item_version(work, code, offer.version)).organisation
        if not any(officer.holds(role, organisation) for role in KEEPERS):
            raise Forbidden("a role of the catalogue at the item's organisation is needed")
        found = await work.cases.running(code, version, MOST_COUNTED + 1)
        record(work, officer, "item.running_listed", "item", code, of=organisation)
        return Running(min(len(found), MOST_COUNTED), len(found) > MOST_COUNTED, found[:MOST_SHOWN])
