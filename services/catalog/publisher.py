"""The worker that puts approved versions in force when their date has come (midnight in China), and carries the change
of a base item to what implements it.

Every replica may run it: `Work.one_writer` lets one at a time publish, and who comes second finds nothing left to do.
"""

import asyncio
from typing import Final

from services.catalog.handlers import realigning, reviewing
from services.catalog.store.work import Work
from services.kit.service import Context
from services.kit.telemetry import log

POLL_SECONDS: Final = 1.0
"""How soon what is due is seen, whichever process approved it: one query of an index."""
REST_SECONDS: Final = 60.0
"""How long what broke for a reason of ours is left alone."""


class Publisher:
    """Publishes what is due until cancelled."""

    name = "publisher"

    def __init__(self, context: Context) -> None:
        self._context = context
        self._resting: dict[str, float] = {}

    async def run(self) -> None:
        """Work until cancelled."""
        while True:
            await self.publish_due()
            await asyncio.sleep(POLL_SECONDS)

    async def publish_due(self) -> int:
        """Put everything in force that is due now. How many revisions were looked at."""
        now = asyncio.get_running_loop().time()
        self._resting = {id_: until for id_, until in self._resting.items() if until > now}
        looked_at = 0
        while await reviewing.waiting(Work(self._context, readonly=True)):
            found, failed = await reviewing.publish_due(Work(self._context), besides=self._resting)
            self._resting |= dict.fromkeys(failed, now + REST_SECONDS)
            carried = await realigning.realign_some(Work(self._context))
            looked_at += found
            if not found and not carried:
                break  # what is left is resting
        if looked_at:
            log.info("catalog.published_due", revisions=looked_at)
        return looked_at

    async def health(self) -> str | None:
        """Never a reason to take no requests: what waits is published by whoever comes next."""
        return None
