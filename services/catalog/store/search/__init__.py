"""Finding items: the documents that the versions in force are found by, the vocabulary, what people looked for."""

from services.catalog.store.search.finding import FindingStore
from services.catalog.store.search.indexing import IndexingStore
from services.catalog.store.search.words import WordStore


class SearchStore(IndexingStore, FindingStore, WordStore):
    """The index and the questions to it, in one unit of work."""
