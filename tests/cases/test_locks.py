"""Who locks what first: two who work on one case at the same time wait for each other in one order only."""

import asyncio
from collections.abc import Callable

from sqlalchemy import text

from services.cases.store.work import CasesContext, Work
from tests.cases.acting import As, act, submitted

WAITING = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


async def somebody_waits(context: CasesContext) -> None:
    """Return once a transaction waits for a lock. SQLite has one writer: whoever comes second waits from the start."""
    if context.database.dialect != "postgresql":
        return
    async with asyncio.timeout(10):
        while True:
            async with Work(context, readonly=True) as work:
                if (await work.execute(text(WAITING))).scalar_one():
                    return
            await asyncio.sleep(0.02)


async def test_withdrawing_while_the_amendment_is_handed_in_is_no_deadlock(
    as_: As, context: CasesContext, work: Callable[[], Work]
) -> None:
    lin = as_("lin")
    case = await submitted(as_)
    await act(as_, case, "return", 1, {"gaps": [{"what": "签名"}]})
    draft = (await lin("POST", f"/cases/{case}/amendment")).json()["id"]
    async with work() as handing_in:  # as submission does: the draft, then its case
        await handing_in.drafts.locked(draft, "lin")
        withdrawing = asyncio.create_task(lin("POST", f"/cases/{case}/withdrawal", {}))
        await somebody_waits(context)
        await handing_in.cases.locked(case)
    answer = await withdrawing
    assert (answer.status_code, answer.json()["status"]) == (200, "withdrawn")
