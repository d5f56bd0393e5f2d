"""The relevance table: what people type finds what they mean, the same on both databases."""

import orjson

from services.catalog.domain.search.queries import SearchQuery
from services.catalog.handlers import search
from services.catalog.indexer import read_by_dictionary
from services.catalog.store.work import Work
from services.kit.service import Service
from tests.catalog.relevance import MEANT, fill


def names(found: search.Found) -> list[str]:
    return [orjson.loads(summary)["name"]["zh"] for _, _, summary in found.page]


async def test_the_relevance_table(catalog: Service) -> None:
    await fill(catalog.context, read_by_dictionary)
    found = {}
    for query in MEANT:
        hits = await search.find(SearchQuery(query), Work(catalog.context, readonly=True))
        found[query] = next(iter(names(hits)), None)
    assert found == MEANT
