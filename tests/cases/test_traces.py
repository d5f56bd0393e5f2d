"""Every staff reading and every writing leaves its record, and the applicant reads who opened the case."""

from typing import Any

import pytest

from services.cases.store.work import CasesContext
from services.cases.sweeper import Sweeper
from tests.cases.acting import As, act, brought_to, submitted
from tests.cases.conftest import Clock, Rows
from tests.cases.test_drafts_http import begun, problem, upload

STATUS_BEFORE = {"acceptance": "submitted", "review": "accepted", "decision": "reviewed", "delivery": "decided"}


async def actions(rows: Rows, after: int = 0) -> list[str]:
    return [row.action for row in await rows("SELECT action FROM audit ORDER BY id")][after:]


async def test_each_door_that_writes_leaves_one_record(
    as_: As, rows: Rows, context: CasesContext, clock: Clock
) -> None:
    lin = as_("lin")
    seen = len(await actions(rows))

    async def leaves(*expected: str) -> None:
        nonlocal seen
        assert await actions(rows, seen) == list(expected)
        seen += len(expected)

    draft, _ = await begun(lin)
    await leaves("draft.begun")
    await lin("PUT", f"/drafts/{draft}/pages/shop", {"answers": {"shop": "晓梅"}}, seen=1)
    await leaves("draft.filled")
    wrong = {"answers": {"shop": "晓梅", "opens": "soon"}}
    problem(await lin("PUT", f"/drafts/{draft}/pages/shop", wrong, seen=2), 422, "answers-invalid")
    await leaves("draft.filled")  # what was valid has been kept
    file = (await upload(lin, draft)).json()["file_id"]
    await leaves("material.uploaded")
    await lin("DELETE", f"/drafts/{draft}/materials/plan/{file}")
    await leaves("material.removed")
    await lin("DELETE", f"/drafts/{draft}")
    await leaves("draft.discarded")
    await begun(lin)
    clock.move(days=91)
    await Sweeper(context).sweep()
    await leaves("draft.begun", "draft.expired")
    case = await submitted(as_)
    await leaves("case.submitted")
    await act(as_, case, "return", 1, {"gaps": [{"what": "签名"}]})
    await leaves("case.returned")
    again = (await lin("POST", f"/cases/{case}/amendment")).json()["id"]
    await leaves("draft.begun")
    await lin("POST", f"/drafts/{again}/submission", seen=1)
    await leaves("case.resubmitted")
    for version, (step, word) in enumerate(
        {"acceptance": "accepted", "review": "reviewed", "decision": "decided", "delivery": "delivered"}.items(), 3
    ):
        assert (await act(as_, case, step, version)).status_code == 200
        await leaves(f"case.{word}")
    other = await submitted(as_)
    await lin("POST", f"/cases/{other}/withdrawal", {})
    await leaves("case.submitted", "case.withdrawn")


@pytest.mark.parametrize("step", STATUS_BEFORE)
async def test_an_act_told_again_is_an_opening(as_: As, rows: Rows, step: str) -> None:
    case = await submitted(as_)
    if STATUS_BEFORE[step] != "submitted":
        await brought_to(as_, case, STATUS_BEFORE[step])
    version = list(STATUS_BEFORE).index(step) + 1
    first = await act(as_, case, step, version, key="k")
    assert (await as_("lin").get(f"/cases/{case}/accesses"))["items"] == []
    seen = len(await actions(rows))
    again = await act(as_, case, step, version, key="k")
    assert again.json() == first.json()
    assert await actions(rows, seen) == ["case.opened"]
    purpose = "intake" if step == "acceptance" else step
    (access,) = (await as_("lin").get(f"/cases/{case}/accesses"))["items"]
    assert (access["what"], access["purpose"]) == ("case", purpose)


async def test_a_case_is_opened_for_the_step_that_it_waits_for(as_: As, rows: Rows) -> None:
    case = await submitted(as_)
    path = f"/desk/cases/{case}"

    async def opens(person: str, **params: Any) -> Any:
        return await as_(person)("GET", path, params=params)

    assert (await opens("clerk", purpose="intake")).status_code == 200
    problem(await opens("officer", purpose="review"), 403, "not-its-turn")
    await brought_to(as_, case, "delivered")
    told = problem(await opens("clerk", purpose="intake"), 403, "not-its-turn")
    assert (told["status"], told["case_status"]) == (403, "delivered")
    problem(await opens("clerk", purpose="enquiry", reason=" "), 422, "reason-required")
    result = await rows.one("SELECT id FROM files WHERE kind = 'result'")
    file = f"{path}/materials/{result}"
    problem(await as_("clerk")("GET", file, params={"purpose": "delivery"}), 403, "not-its-turn")
    assert (await opens("clerk", purpose="enquiry", reason="申请人来电")).status_code == 200
    assert await rows.one("SELECT count(*) FROM accesses") == 2


async def test_a_search_records_each_case_that_it_shows(as_: As, rows: Rows) -> None:
    made = [await submitted(as_) for _ in range(3)]
    await as_("officer").get("/desk/cases", q="林晓梅", limit=2)
    await as_("officer").get("/desk/cases", q="谁也不是")
    found = await rows("SELECT object_type, object_id FROM audit WHERE action = 'desk.searched' ORDER BY id")
    assert [tuple(row) for row in found] == [
        ("case", made[2]),
        ("case", made[1]),
        ("cases", "none found"),
    ]


async def test_an_amendment_whose_time_was_over_is_begun_anew(as_: As, rows: Rows, clock: Clock) -> None:
    lin = as_("lin")
    case = await submitted(as_)
    await act(as_, case, "return", 1, {"gaps": [{"what": "签名"}]})
    old = (await lin("POST", f"/cases/{case}/amendment")).json()["id"]
    clock.move(days=91)  # and the sweeper has not come by yet
    assert (await lin.get(f"/cases/{case}"))["amendment"] is None
    new = await lin("POST", f"/cases/{case}/amendment")
    assert new.status_code == 201, new.text
    assert new.json()["id"] != old
    assert [row.id for row in await rows("SELECT id FROM drafts")] == [new.json()["id"]]
