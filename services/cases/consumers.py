"""What the cases service hears: items published, suspended and retired by the catalogue.

Bundles (一件事) it passes over: they lead to items, and nobody applies for one here.
"""

from services.cases import events
from services.cases.handlers import items
from services.cases.store.work import Work
from services.contracts.catalog_items import ItemPublished, ItemRetired, ItemSuspended
from services.kit.consumers import Consumers, Received

consumers = Consumers("cases")


@consumers.on(ItemPublished)
async def item_published(event: Received, work: Work) -> None:
    """A version of an item is in force; whatever kept it from taking cases is over."""
    assert isinstance(event.data, ItemPublished)
    if event.data.kind == "base":
        return  # nobody applies for a base item (基本目录): it has no form
    await items.remember_item(work, events.item_of(event.data))


@consumers.on(ItemSuspended)
async def item_suspended(event: Received, work: Work) -> None:
    """An item takes no new cases for a time."""
    assert isinstance(event.data, ItemSuspended)
    await items.hold_item(work, event.data.code, event.data.item_version, "suspended", event.data.reason)


@consumers.on(ItemRetired)
async def item_retired(event: Received, work: Work) -> None:
    """An item is no longer offered."""
    assert isinstance(event.data, ItemRetired)
    await items.hold_item(work, event.data.code, event.data.item_version, "retired", event.data.reason)
