"""What the catalogue tells."""

from services.cases.domain.items import Item, ItemStatus
from services.cases.errors import ItemUnusable
from services.cases.store.work import Work


async def remember_item(work: Work, item: Item) -> None:
    """Keep a published version, for new drafts and for the cases that will stand on it. Raises ItemUnusable."""
    try:
        pages = item.form.pages
    except ValueError as error:
        raise ItemUnusable(f"item {item.code} version {item.version}: {error}") from None
    if not pages:
        raise ItemUnusable(f"item {item.code} version {item.version}: its form has no page")
    async with work:
        await work.items.save(item)


async def hold_item(work: Work, code: str, version: int, status: ItemStatus, reason: str) -> None:
    """Take no new cases of an item, for a time or for good; its running cases go on."""
    async with work:
        await work.items.hold(code, version, status, reason)
