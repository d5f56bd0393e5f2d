"""Handing in, on both databases, without a broker: state, timeline, task, event, audit and answer are one."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from services.cases import events
from services.cases.errors import ItemRetired, SubmissionInvalid
from services.cases.handlers import items, submission
from services.cases.store.work import Work
from services.contracts.cases_events import CaseSubmitted
from services.kit.idempotency import KeyReused
from tests.cases.conftest import LIN, ORGAN, SIMPLE, ZHANG, Clock, Rows, published

ANSWERS = {"shop": "晓梅理发店"}
Works = Callable[[], Work]


async def _submit(work: Works, key: str = "k", answers: dict[str, Any] | None = None, who: Any = LIN) -> Any:
    return await submission.submit_case(work(), who, SIMPLE, answers or ANSWERS, key)


async def test_one_transaction_writes_all(work: Works, rows: Rows) -> None:
    dossier, new = await _submit(work)
    assert new
    case = dossier.case
    assert case.number == "511602-20261109-00001"
    assert (await rows("SELECT status, version, channel FROM cases"))[0] == ("submitted", 1, "portal")
    assert await rows.one("SELECT event FROM steps") == "submitted"
    task = (await rows("SELECT role, organisation, due_on FROM tasks"))[0]
    assert (task.role, task.organisation, str(task.due_on)) == ("intake", ORGAN, "2026-11-16")
    assert await rows.one("SELECT action FROM audit WHERE object_type = 'case'") == "case.submitted"
    [event] = await rows.events()
    assert isinstance(event, CaseSubmitted)
    assert event.case_id == case.id
    assert event.applicant == "lin"
    assert event.due.basis == "law_default"
    assert event.due.working_days == 20
    assert str(event.due.date) == "2026-12-07"


async def test_nothing_personal_lies_open(work: Works, rows: Rows) -> None:
    await _submit(work)
    for table in ("cases", "steps", "tasks", "audit", "outbox", "idempotency"):
        for row in await rows(f"SELECT * FROM {table}"):
            for value in row:
                raw = value if isinstance(value, bytes) else str(value).encode()
                assert "晓梅".encode() not in raw, table
                assert b"\\u6653\\u6885" not in raw, table


async def test_the_same_key_gives_the_same_case(work: Works, rows: Rows) -> None:
    first, _ = await _submit(work)
    again, new = await _submit(work)
    assert not new
    assert again.case == first.case
    assert again.answers == first.answers
    assert again.steps == [type(first.steps[0])(first.case.id, 1, "submitted", first.steps[0].at, again.steps[0].actor)]
    assert await rows.one("SELECT count(*) FROM cases") == 1
    assert len(await rows.events()) == 1


async def test_a_double_click_makes_one_case(work: Works, rows: Rows) -> None:
    both = await asyncio.gather(*(_submit(work) for _ in range(4)))
    assert len({dossier.case.id for dossier, _ in both}) == 1
    assert sum(new for _, new in both) == 1
    assert await rows.one("SELECT count(*) FROM cases") == 1


async def test_the_same_key_with_other_answers_is_refused(work: Works) -> None:
    await _submit(work)
    with pytest.raises(KeyReused):
        await _submit(work, answers={"shop": "另一家"})


async def test_keys_are_each_persons_own(work: Works, rows: Rows) -> None:
    await _submit(work)
    await _submit(work, who=ZHANG)
    assert await rows.one("SELECT count(*) FROM cases") == 2


async def test_numbers_are_unique_across_blocks_and_requests(work: Works, rows: Rows, clock: Clock) -> None:
    found = await asyncio.gather(*(_submit(work, key=f"k{i}") for i in range(10)))  # blocks of 3, 6, 12
    clock.move(days=1)
    next_day, _ = await _submit(work, key="tomorrow")
    numbers = sorted(dossier.case.number for dossier, _ in found)
    assert numbers == [f"511602-20261109-{i:05d}" for i in range(1, 11)]
    assert next_day.case.number == "511602-20261110-00001"
    assert await rows.one("SELECT next FROM numbers WHERE day = '2026-11-09'") == 22


async def test_a_hundred_at_once(work: Works, rows: Rows) -> None:
    found = await asyncio.gather(*(_submit(work, key=f"k{i}") for i in range(100)))
    assert len({dossier.case.number for dossier, _ in found}) == 100
    assert await rows.one("SELECT count(DISTINCT number) FROM cases") == 100


async def test_a_number_that_no_case_got_is_used_by_the_next(work: Works) -> None:
    with pytest.raises(SubmissionInvalid):
        await _submit(work, answers={"rooms": 1})
    first, _ = await _submit(work)
    await _submit(work)  # the same again: its number goes back
    second, _ = await _submit(work, key="k2")
    assert [d.case.number[-5:] for d in (first, second)] == ["00001", "00002"]


async def test_an_item_that_moves_to_another_division(work: Works) -> None:
    await _submit(work)
    await items.remember_item(work(), events.item_of(published(SIMPLE, 2, materials=[], division="511603000000")))
    moved, _ = await _submit(work, key="k2")
    assert moved.case.number == "511603-20261109-00001"


async def test_the_day_of_a_number_is_chinas(work: Works, clock: Clock) -> None:
    clock.move(hours=13)  # 17:00 UTC is 01:00 of the next day in China
    dossier, _ = await _submit(work)
    assert dossier.case.number.startswith("511602-20261110-")


async def test_a_failed_submission_leaves_nothing(work: Works, rows: Rows) -> None:
    with pytest.raises(SubmissionInvalid) as caught:
        await _submit(work, answers={"rooms": 0})
    assert [(p.field, p.reason) for p in caught.value.fields] == [
        ("answers.shop", "required"),
        ("answers.rooms", "too_small"),
    ]
    for table in ("cases", "steps", "tasks", "outbox", "idempotency"):
        assert await rows.one(f"SELECT count(*) FROM {table}") == 0, table


async def test_required_materials_are_asked_for(work: Works) -> None:
    with pytest.raises(SubmissionInvalid) as caught:
        await submission.submit_case(work(), LIN, published().code, ANSWERS, "k")
    assert [p.field for p in caught.value.fields] == ["materials.plan"]


async def test_a_case_stays_on_its_version(work: Works) -> None:
    dossier, _ = await _submit(work)
    later = published(SIMPLE, 2, materials=[], limits={"promised": {"amount": 5}})
    await items.remember_item(work(), events.item_of(later))
    again, _ = await _submit(work)
    assert (again.case.item_version, again.item.promised) == (1, None)
    newer, _ = await _submit(work, key="k2")
    assert newer.case.item_version == 2
    assert newer.due(newer.case.submitted_at).basis == "promised"
    assert dossier.case.id != newer.case.id


async def test_versions_that_arrive_late_do_not_come_into_force(work: Works) -> None:
    await items.remember_item(work(), events.item_of(published(SIMPLE, 3, materials=[])))
    await items.remember_item(work(), events.item_of(published(SIMPLE, 2, materials=[])))
    dossier, _ = await _submit(work)
    assert dossier.case.item_version == 3


async def test_a_retired_item_takes_no_new_case(work: Works) -> None:
    first, _ = await _submit(work)
    await items.hold_item(work(), SIMPLE, 1, "retired", "并入别的事项")
    with pytest.raises(ItemRetired, match="并入别的事项"):
        await _submit(work, key="k2")
    again, _ = await _submit(work)  # what was handed in goes on
    assert again.case.id == first.case.id
    await items.remember_item(work(), events.item_of(published(SIMPLE, 2, materials=[])))
    assert (await _submit(work, key="k3"))[0].case.item_version == 2
