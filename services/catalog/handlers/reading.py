"""What is in force, and finding it."""

from collections.abc import Sequence

from services.catalog import errors
from services.catalog.domain.codes import normalise_code
from services.catalog.domain.items import SearchQuery
from services.catalog.store.items import StoredItem
from services.catalog.store.search import FoundItem
from services.catalog.store.work import Work


async def item_in_force(code: str, work: Work) -> StoredItem:
    """The version in force (the last one of what is suspended or retired). Raises ItemNotFound."""
    async with work:
        if found := await work.items.item(normalise_code(code)):
            return found
        raise errors.ItemNotFound


async def item_version(code: str, version: int, work: Work) -> StoredItem:
    """A version that is or was in force. Raises ItemNotFound, VersionNotFound."""
    async with work:
        code = normalise_code(code)
        if found := await work.items.item(code, version):
            return found
        raise errors.VersionNotFound if await work.items.known(code) else errors.ItemNotFound


async def search_items(query: SearchQuery, work: Work) -> Sequence[FoundItem]:
    """Items in force, the best first. Words without a term (only punctuation) find nothing; no words, everything."""
    if query.phrase and not query.terms:
        return []
    async with work:
        return await work.search.search(query)
