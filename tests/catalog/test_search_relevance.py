"""The relevance table: what people type finds what they mean, the same on both databases."""

from collections.abc import Callable

import orjson
import pytest

from services.catalog.demo.organisations import ORGANISATIONS
from services.catalog.domain.items import Provenance
from services.catalog.domain.search.queries import SearchQuery
from services.catalog.handlers import organisations, publishing, search
from services.catalog.indexer import Indexer
from services.catalog.store.work import Work
from services.kit.service import Service
from tests.catalog.relevance import MEANT, contents


@pytest.fixture
async def filled(catalog: Service, work: Callable[[], Work]) -> Indexer:
    """The small catalogue, its words read, its synonyms in."""
    indexer = Indexer(catalog.context)
    await indexer.load_synonyms()
    async with work() as unit:
        await organisations.register_organisations(ORGANISATIONS, Provenance.DEMO, unit)
        await publishing.publish_items(contents(), Provenance.IMPORT, unit)
    assert await indexer.drain() == len(contents())
    return indexer


def names(found: search.Found) -> list[str]:
    return [orjson.loads(summary)["name"]["zh"] for _, _, summary in found.page]


@pytest.mark.usefixtures("filled")
async def test_the_relevance_table(work: Callable[[], Work]) -> None:
    found = {}
    for query in MEANT:
        hits = await search.find(SearchQuery(query), Work(work().context, readonly=True))
        found[query] = next(iter(names(hits)), None)
    assert found == MEANT
