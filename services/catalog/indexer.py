"""The worker that keeps the search: bulk changes into the index, new names into the vocabulary, tiers by use.

A single publication is in the index when it commits; what comes by the thousand waits in a queue, so that the two do
not wait for one another. All of it can be made anew at any time, and two workers at once only do the same twice.
"""

import asyncio
import contextlib
import sys
from collections.abc import Awaitable, Callable, Sequence
from importlib.resources import files
from typing import Any, Final

import orjson

from services.catalog.domain.search.documents import TIERS
from services.catalog.store.work import Work
from services.kit.service import Context
from services.kit.telemetry import log

BATCH: Final = 200
NAMES: Final = 500
POLL_SECONDS: Final = 1.0
TIER_SECONDS: Final = 3600.0
TIER_ROWS: Final = 5_000
READ_SECONDS: Final = 120.0


class Indexer:
    """Keeps the search until cancelled."""

    name = "indexer"

    def __init__(self, context: Context, read: "Reader | None" = None) -> None:
        self._context = context
        self._read = read or read_by_dictionary
        self._tiers_due = 0.0
        self._indexed = 0

    async def run(self) -> None:
        await self.load_synonyms()
        while True:
            if not await self.index_some():
                await self.read_names()
                await self._tiers()
                await asyncio.sleep(POLL_SECONDS)

    async def health(self) -> str | None:
        """Never a reason to take no requests: what waits is found a little later."""
        return None

    async def drain(self) -> int:
        """Index all that waits, and read all new names. How many items waited."""
        waited = 0
        while found := await self.index_some():
            waited += found
        await self.read_names()
        return waited

    async def index_some(self) -> int:
        """Index the first of the queue. How many items."""
        async with Work(self._context, readonly=True) as work:
            ids, codes = await work.search.queued(BATCH)
        if not ids:
            return 0
        async with Work(self._context) as work:
            found = await work.items.many(codes)
            await work.search.index_now([item.content for item in found.values()])
            await work.search.dequeue(ids)
        self._indexed += len(codes)
        return len(codes)

    async def read_names(self) -> int:
        """Read the words of new names, a process for each round of them: its dictionaries are not kept. How many."""
        read = 0
        while True:
            async with Work(self._context, readonly=True) as work:
                names = await work.search.unread_names(NAMES)
            if not names:
                return read
            found = await self._read(names)
            async with Work(self._context) as work:
                await work.search.learn(found)
            read += len(names)

    async def _tiers(self) -> None:
        now = asyncio.get_running_loop().time()
        # After a bulk change at once: a common word would otherwise be looked for among all items.
        if now < self._tiers_due and self._indexed < TIERS[0]:
            return
        self._tiers_due, self._indexed = now + TIER_SECONDS, 0
        if moved := await self.retier():
            log.info("catalog.search_tiers", moved=moved)

    async def retier(self) -> int:
        """Put every document into its tier, a batch at a time. How many changed theirs."""
        async with Work(self._context, readonly=True) as work:
            borders, last = await work.search.borders(), await work.search.last_id()
        moved = 0
        for first in range(1, last + 1, TIER_ROWS):
            async with Work(self._context) as work:
                moved += await work.search.retier(borders, first, first + TIER_ROWS - 1)
        return moved

    async def load_synonyms(self) -> None:
        """Put the synonyms in that come with the platform, the first time; from then on they are the registrar's."""
        async with Work(self._context) as work:
            if await work.search.synonyms_version() is None:
                await work.search.put_synonyms(shipped_synonyms(), 1)


Reader = Callable[[Sequence[tuple[str, str]]], Awaitable[list[dict[str, Any]]]]


def shipped_synonyms() -> list[tuple[str, str]]:
    """People's words and items' words of `data/synonyms.tsv`."""
    lines = files("services.catalog.data").joinpath("synonyms.tsv").read_text("utf-8").splitlines()
    pairs = (line.split("\t") for line in lines if line and not line.startswith("#"))
    return [(word, meaning) for word, meanings in pairs for meaning in meanings.split("、")]


async def read_by_dictionary(names: Sequence[tuple[str, str]]) -> list[dict[str, Any]]:
    """What the dictionaries say of names, by a process of its own."""
    module = "services.catalog.domain.search.dictionary"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", module, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    given = "".join(f"{' '.join(name.split())}\t{' '.join(english.split())}\n" for name, english in names).encode()
    try:
        async with asyncio.timeout(READ_SECONDS):
            out, _ = await process.communicate(given)
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
    lines = out.splitlines()
    if process.returncode or len(lines) != len(names):
        raise RuntimeError("the names were not read")
    return [{**orjson.loads(line), "name": name} for (name, _), line in zip(names, lines, strict=True)]
