"""The worker that removes what has expired: drafts after their days, files that nobody has any more.

When it begins it also dates the open tasks of a year whose working days were not known before.
"""

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
        self._dated = False

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
        """Remove all that is due now: drafts expired, files removed. The first time, date tasks that had no date."""
        await self._date_tasks()
        drafts = files = 0
        while removed := await upkeep.expire_drafts(Work(self._context)):
            drafts += removed
        while removed := await upkeep.sweep_files(Work(self._context)):
            files += removed
        if drafts or files:
            log.info("sweeper.swept", drafts=drafts, files=files)
        return drafts, files

    async def _date_tasks(self) -> None:
        """Once in a process: a new year's arrangement comes with a new version of the program, never while it runs."""
        after: str | None = "" if not self._dated else None
        while after is not None:
            after = await upkeep.date_tasks(Work(self._context), after)
        self._dated = True

    async def health(self) -> str | None:
        """Never a reason to take no requests: what waits to be removed harms nobody meanwhile."""
        return None
