"""The relevance table: what people type finds what they mean, the same on both databases."""

import signal
import subprocess
import sys

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


def test_the_dictionaries_end_without_a_word_when_nobody_listens() -> None:
    """A service that was killed while it waited for them; what they print would stand in its log."""
    command = [sys.executable, "-m", "services.catalog.domain.search.dictionary"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe) as process:
        assert process.stdin is not None and process.stdout is not None and process.stderr is not None
        process.stdout.close()
        process.stdin.write("居住证办理\t\n".encode() * 100)
        process.stdin.close()
        assert process.stderr.read() == b""
        assert process.wait() == -signal.SIGPIPE
