"""What the cases service hears: items published and retired by the catalogue."""

from services.cases import events
from services.cases.handlers import items
from services.cases.store.work import Work
from services.contracts.catalog_items import ItemPublished, ItemRetired
from services.kit.consumers import Consumers, Received

consumers = Consumers("cases")


@consumers.on(ItemPublished)
async def item_published(event: Received, work: Work) -> None:
    """A version of an item is in force."""
    assert isinstance(event.data, ItemPublished)
    await items.remember_item(work, events.item_of(event.data))


@consumers.on(ItemRetired)
async def item_retired(event: Received, work: Work) -> None:
    """An item is no longer offered."""
    assert isinstance(event.data, ItemRetired)
    await items.retire_item(work, event.data.code, event.data.item_version, event.data.retired_at)
