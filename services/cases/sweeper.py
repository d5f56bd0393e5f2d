"""The worker that removes what has expired: drafts after their days, files that nobody has any more."""

import asyncio

from services.cases.handlers import upkeep
from services.cases.store.work import CasesContext, Work
from services.kit.telemetry import log


class Sweeper:
    """Runs the upkeep every `sweep_seconds`. Several at once do no harm: each takes other drafts, a file goes once."""

    name = "sweeper"

    def __init__(self, context: CasesContext) -> None:
        self._context = context
        self._trouble: str | None = None

    async def run(self) -> None:
        """Sweep until cancelled."""
        while True:
            try:
                await self.sweep()
                self._trouble = None
            except Exception as error:
                # What is not removed now is removed by a later sweep; the service goes on without.
                self._trouble = type(error).__name__
                log.warning("sweeper.failed", cause=self._trouble)
            await asyncio.sleep(self._context.settings.sweep_seconds)

    async def sweep(self) -> tuple[int, int]:
        """Remove all that is due now: drafts expired, files removed."""
        drafts = files = 0
        while removed := await upkeep.expire_drafts(Work(self._context)):
            drafts += removed
        while removed := await upkeep.sweep_files(Work(self._context)):
            files += removed
        if drafts or files:
            log.info("sweeper.swept", drafts=drafts, files=files)
        return drafts, files

    async def health(self) -> str | None:
        """Never a reason to take no requests: what waits to be removed harms nobody meanwhile."""
        return None
