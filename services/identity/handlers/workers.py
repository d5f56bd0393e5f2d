"""The worker that tends keys, ends timed-out sessions and removes what has expired, in small batches."""

import asyncio
from datetime import timedelta

from services.identity.handlers.keys import tend_keys
from services.identity.handlers.provider import Provider
from services.identity.handlers.sessions import end_timed_out
from services.kit import replays
from services.kit.telemetry import log

BATCH = 500
KEEP_SESSIONS = timedelta(days=7)
KEEP_CODES = timedelta(hours=1)
"""Used codes are remembered beyond their life: a late reuse still ends what the first use gave."""


class Housekeeping:
    """One round every `prune_seconds`; replicas may all run it."""

    name = "housekeeping"

    def __init__(self, provider: Provider) -> None:
        self._provider = provider
        self._failures = 0

    async def run(self) -> None:
        while True:
            try:
                await self.round()
                self._failures = 0
            except Exception as error:
                self._failures += 1
                log.warning("housekeeping.failed", cause=type(error).__name__)
            await asyncio.sleep(self._provider.settings.prune_seconds)

    async def round(self) -> int:
        """One round; how many rows it removed or ended."""
        provider, count = self._provider, 0
        await tend_keys(provider.work())
        while ended := await end_timed_out(provider, provider.work()):
            count += ended
        count += await replays.prune(provider.context)
        while removed := await self._prune():
            count += removed
            await asyncio.sleep(0.05)  # others may write between two batches
        return count

    async def _prune(self) -> int:
        async with self._provider.work() as work:
            now = work.now()
            removed = await work.tokens.prune(now, now - KEEP_CODES, BATCH)
            removed += await work.sessions.prune(now - KEEP_SESSIONS, BATCH)
            # A count lasts for one pause, a lock that ends it for another.
            pause = timedelta(seconds=2 * self._provider.settings.lockout_seconds)
            return removed + await work.accounts.prune_counters(now - pause, BATCH)

    async def health(self) -> str | None:
        return None if self._failures < 10 else "ten rounds have failed"
