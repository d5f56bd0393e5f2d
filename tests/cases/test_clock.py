"""What the law's clock forbids and what becomes known late: the notice after silence, dates of a year to come."""

from collections.abc import Iterator

import pytest

from services.cases.domain import limits
from services.cases.domain.arrangements import ARRANGEMENTS
from services.cases.store.work import CasesContext
from services.cases.sweeper import Sweeper
from tests.cases.acting import As, act, submitted
from tests.cases.conftest import Clock, Rows
from tests.cases.test_drafts_http import problem

GAPS = {"gaps": [{"what": "签名"}]}


async def offered(as_: As, case: str) -> list[str]:
    found = await as_("clerk")("GET", f"/desk/cases/{case}", params={"purpose": "intake"})
    actions: list[str] = found.json()["actions"]
    return actions


async def test_after_five_working_days_the_notice_comes_too_late(as_: As, clock: Clock) -> None:
    case, other = await submitted(as_), await submitted(as_)  # on Monday the 9th
    clock.move(days=7)
    assert await offered(as_, case) == ["accept", "return"]
    assert (await act(as_, other, "return", 1, GAPS)).status_code == 200
    clock.move(days=1)
    assert await offered(as_, case) == ["accept"]
    problem(await act(as_, case, "return", 1, GAPS), 409, "notice-too-late")
    accepted = (await act(as_, case, "acceptance", 1)).json()
    assert accepted["due"]["counting_from"] == "2026-11-10"


async def test_where_working_days_are_not_known_the_notice_may_be_given(as_: As, clock: Clock) -> None:
    clock.move(days=50)
    case = await submitted(as_)  # on 29 December; nobody has announced 2027
    clock.move(days=20)
    assert await offered(as_, case) == ["accept", "return"]


@pytest.fixture
def next_year(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    yield monkeypatch
    monkeypatch.undo()
    limits.end_of.cache_clear()


async def test_a_task_gets_its_date_once_the_year_is_known(
    as_: As, clock: Clock, context: CasesContext, rows: Rows, next_year: pytest.MonkeyPatch
) -> None:
    clock.move(days=50)
    for _ in range(3):
        await submitted(as_)
    await Sweeper(context).sweep()
    assert [str(row.due_on) for row in await rows("SELECT due_on FROM tasks")] == ["9999-12-31"] * 3
    next_year.setitem(ARRANGEMENTS, 2027, ("0101", ""))
    next_year.setattr("services.cases.handlers.upkeep.BATCH", 2)
    await Sweeper(context).sweep()
    assert {str(row.due_on) for row in await rows("SELECT due_on FROM tasks")} == {"2027-01-06"}
