"""Live updates within one process: who watches which case, and the streams that tell them.

Nothing is kept: a page carries the version that it shows and reads the present state whenever it (re)connects.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

from services.kit.errors import Kind, TongbanError


class TooManyStreams(TongbanError):
    kind, slug, title = Kind.UNAVAILABLE, "too-many-streams", "Too many open streams"


_END = -1
"""Put into a queue to end its stream; versions are positive."""


def _put(queue: asyncio.Queue[int], version: int) -> None:
    if queue.full() and queue.get_nowait() == _END:
        version = _END
    queue.put_nowait(version)


class Hub:
    """Hands news to the streams that wait for them. `limit`: streams that may be open at once."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._open = 0
        self._watchers: dict[str, set[asyncio.Queue[int]]] = defaultdict(set)
        self._closed = False

    def tell(self, key: str, version: int) -> None:
        """`key` has a new version. A slow stream keeps only the latest."""
        for queue in self._watchers.get(key, ()):
            _put(queue, version)

    @contextmanager
    def watching(self, key: str) -> Iterator[asyncio.Queue[int]]:
        """A queue that gets the versions of `key` from now on. Raises TooManyStreams."""
        if self._open >= self._limit or self._closed:
            raise TooManyStreams(retry_after=10)
        queue: asyncio.Queue[int] = asyncio.Queue(1)
        self._open += 1
        self._watchers[key].add(queue)
        try:
            yield queue
        finally:
            self._open -= 1
            self._watchers[key].discard(queue)
            if not self._watchers[key]:
                del self._watchers[key]

    def renew(self) -> None:
        """End every stream, so that its page comes again and reads the present: news may have been missed."""
        for watchers in self._watchers.values():
            for queue in watchers:
                _put(queue, _END)

    async def versions(self, queue: asyncio.Queue[int], seconds: float) -> AsyncIterator[int | None]:
        """What the queue gets; None every `seconds` without news; ends when news was missed or the process stops."""
        while not self._closed:
            try:
                async with asyncio.timeout(seconds):
                    version = await queue.get()
            except TimeoutError:
                yield None
                continue
            if version == _END:
                return
            yield version

    def close(self) -> None:
        """End every stream: the process stops."""
        self._closed = True
        self.renew()
