"""What the service does with the catalogue's events."""

from collections.abc import Callable
from typing import Any

import pytest

from services.cases import consumers
from services.cases.errors import ItemUnusable
from services.cases.store.work import Work
from services.contracts.catalog_items import ItemPublished, ItemRetired, ItemSuspended
from services.kit.events import event_of
from tests.cases.conftest import START, Rows, published

Works = Callable[[], Work]


async def _hear(work: Works, data: Any, version: int = 1) -> None:
    handle = {
        ItemPublished: consumers.item_published,
        ItemSuspended: consumers.item_suspended,
        ItemRetired: consumers.item_retired,
    }[type(data)]
    await handle(event_of(data, subject=data.code, version=version, time=START), work())


async def test_an_item_is_kept_with_the_order_of_its_fields(work: Works) -> None:
    form = {"type": "object", "properties": {"z": {"type": "string"}, "a": {"type": "string"}}}
    limits = {"promised": {"amount": 8}, "statutory": {"amount": 1, "unit": "month"}}
    await _hear(work, published("new", 4, form=form, limits=limits))
    async with work() as reading:
        item = await reading.items.version("new", 4)
    assert item is not None
    assert item.form.pages[0].fields == ("z", "a")
    assert item.terms.basis == "promised"
    assert item.statutory is not None
    assert item.statutory.unit == "month"
    assert item.askable == {"answers.z", "answers.a", "materials.plan", "materials.photo"}


async def test_an_item_heard_twice_changes_nothing(work: Works, rows: Rows) -> None:
    before = await rows("SELECT * FROM items ORDER BY code"), await rows("SELECT * FROM item_versions ORDER BY code")
    await _hear(work, published())
    assert before == (
        await rows("SELECT * FROM items ORDER BY code"),
        await rows("SELECT * FROM item_versions ORDER BY code"),
    )


async def test_a_retirement_that_is_older_than_the_version_in_force_is_none(work: Works, rows: Rows) -> None:
    await _hear(work, published("new", 2))
    await _hear(work, ItemRetired(code="new", item_version=1, retired_at=START, reason="merged"), 3)
    assert await rows.one("SELECT status FROM items WHERE code = 'new'") == "published"
    await _hear(work, ItemRetired(code="new", item_version=2, retired_at=START, reason="merged"), 4)
    assert await rows.one("SELECT status FROM items WHERE code = 'new'") == "retired"


async def test_nobody_applies_for_a_base_item(work: Works, rows: Rows) -> None:
    await _hear(work, published("new", 1, kind="base", form={}))
    assert await rows.one("SELECT count(*) FROM items WHERE code = 'new'") == 0


@pytest.mark.parametrize(
    "form", [{"type": "nonsense"}, {"x-pages": [{"title": "no id"}]}, {"x-pages": "none"}, {"properties": {"a": 5}}]
)
async def test_an_item_whose_form_cannot_be_used_is_poison(work: Works, rows: Rows, form: dict[str, Any]) -> None:
    with pytest.raises(ItemUnusable):
        await _hear(work, published("bad", 1, form=form))
    assert await rows.one("SELECT count(*) FROM items WHERE code = 'bad'") == 0
