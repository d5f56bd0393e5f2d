"""Items that take no new cases, and the running cases that those see who keep an item."""

from collections.abc import Callable

import pytest

from services.cases import consumers, events
from services.cases.handlers import items, running
from services.cases.store.work import Work
from services.contracts.catalog_items import ItemSuspended
from services.kit.events import event_of
from tests.cases.acting import As, act, brought_to, submitted
from tests.cases.conftest import ORGAN, SIMPLE, START, Rows, published
from tests.cases.test_drafts_http import begun, problem

Works = Callable[[], Work]
ANSWERS = {"shop": "晓梅理发店"}


async def _suspend(work: Works, version: int) -> None:
    told = ItemSuspended(code=SIMPLE, item_version=version, suspended_at=START, reason="系统升级")
    await consumers.item_suspended(event_of(told, subject=SIMPLE, version=2, time=START), work())


async def test_a_suspended_item_takes_no_new_case_and_says_why(as_: As, work: Works) -> None:
    draft, version = await begun(as_("lin"), SIMPLE)
    case = (await as_("lin")("POST", "/cases", {"item_code": SIMPLE, "answers": ANSWERS})).json()
    await _suspend(work, 1)
    for path, body in (("/drafts", {"item_code": SIMPLE}), ("/cases", {"item_code": SIMPLE, "answers": ANSWERS})):
        refused = await as_("lin")("POST", path, body)
        problem(refused, 409, "item-suspended")
        assert refused.json()["reason"] == "系统升级"
    path = f"/drafts/{draft}"
    saved = await as_("lin")("PUT", f"{path}/pages/shop", {"answers": ANSWERS}, seen=version)
    assert saved.status_code == 200, saved.text
    seen = saved.json()["version"]
    problem(await as_("lin")("POST", f"{path}/submission", seen=seen), 409, "item-suspended")
    # What runs goes on, on its version.
    assert (await act(as_, case["id"], "acceptance", 1)).json()["status"] == "accepted"
    # Published again, in the same version, it takes cases, and the draft is still there.
    await items.remember_item(work(), events.item_of(published(SIMPLE, 1, materials=[])))
    assert (await as_("lin")("POST", f"{path}/submission", seen=seen)).status_code == 201
    # An older suspension is none.
    await items.remember_item(work(), events.item_of(published(SIMPLE, 2, materials=[])))
    await _suspend(work, 1)
    assert (await as_("lin")("POST", "/cases", {"item_code": SIMPLE, "answers": ANSWERS})).status_code == 201


async def test_who_keeps_an_item_sees_its_running_cases(as_: As, work: Works, rows: Rows) -> None:
    first = await submitted(as_)
    second = await submitted(as_)
    done = await submitted(as_)
    await brought_to(as_, done, "delivered")
    await items.remember_item(work(), events.item_of(published(SIMPLE, 2, materials=[])))
    newer = await submitted(as_)
    path = f"/desk/items/{SIMPLE}/running"
    found = await as_("keeper").get(path)
    numbers = {r.id: r.number for r in await rows("SELECT id, number FROM cases")}
    assert (found["count"], found["more"]) == (3, False)
    assert [(each["number"], each["item_version"], each["status"]) for each in found["cases"]] == [
        (numbers[first], 1, "submitted"),
        (numbers[second], 1, "submitted"),
        (numbers[newer], 2, "submitted"),
    ]
    assert set(found["cases"][0]) == {"number", "item_version", "status", "submitted_at"}
    assert [each["number"] for each in (await as_("keeper").get(path, version=2))["cases"]] == [numbers[newer]]
    noted = await rows("SELECT actor, object_id, on_behalf_of FROM audit WHERE action = 'item.running_listed'")
    assert noted == [("keeper", SIMPLE, ORGAN)] * 2
    for person in ("stranger", "clerk", "boss", "auditor"):
        problem(await as_(person)("GET", path), 403, "forbidden")
    problem(await as_("lin")("GET", path), 403, "forbidden")
    problem(await as_("keeper")("GET", "/desk/items/NOT-THERE/running"), 404, "item-not-found")
    problem(await as_("keeper")("GET", f"{path}?version=0"), 422, "invalid")


async def test_of_many_running_cases_not_all_are_counted(as_: As, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(3):
        await submitted(as_)
    monkeypatch.setattr(running, "MOST_COUNTED", 2)
    monkeypatch.setattr(running, "MOST_SHOWN", 1)
    found = await as_("keeper").get(f"/desk/items/{SIMPLE}/running")
    assert (found["count"], found["more"], len(found["cases"])) == (2, True, 1)
