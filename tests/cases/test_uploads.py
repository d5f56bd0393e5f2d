"""Uploads that meet trouble: repeated, overtaken by the sweep, named with malice."""

from collections.abc import AsyncIterator, Callable

import pytest

from services.cases import events
from services.cases.errors import DraftNotFound
from services.cases.handlers import items, materials
from services.cases.handlers.materials import Upload
from services.cases.store.work import CasesContext, Work
from services.cases.sweeper import Sweeper
from services.kit.storage import FileMissing
from tests.cases.acting import As
from tests.cases.conftest import LIN, PNG, Clock, Rows, published
from tests.cases.test_drafts_http import begun, problem, upload

Works = Callable[[], Work]


async def test_an_upload_repeated_where_no_more_fits_finds_its_file(as_: As, work: Works, rows: Rows) -> None:
    plan = {"id": "plan", "name": {"zh": "平面图"}, "required": True, "max_files": 1}
    await items.remember_item(work(), events.item_of(published("one", materials=[plan])))
    lin = as_("lin")
    draft, _ = await begun(lin, "one")
    first = await upload(lin, draft, key="u")
    again = await upload(lin, draft, key="u")
    assert (again.status_code, again.json()) == (first.status_code, first.json()) == (201, again.json())
    problem(await upload(lin, draft), 409, "too-many-files")
    problem(await upload(lin, draft, content=PNG + b"x", key="u"), 422, "idempotency-key-reused")
    assert await rows.one("SELECT count(*) FROM files WHERE state = 'stored'") == 1
    assert await rows.one("SELECT count(*) FROM files WHERE state = 'removed'") == 3


async def test_the_sweep_leaves_what_was_attached_after_it_looked(
    as_: As, context: CasesContext, work: Works, rows: Rows, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    lin = as_("lin")
    draft, _ = await begun(lin)
    late = (await upload(lin, draft)).json()["file_id"]
    async with work() as one:
        (file,) = await one.files.of_draft(draft)
        await one.files.give_up([late])
    # As if its bytes were still on their way: an hour goes by, and they are there just when the sweep has looked.
    async with work() as one:
        await one.files.forget([late])
        await one.files.reserve(file)
    clock.move(hours=2)
    delete = context.storage.delete
    attached = []

    async def slowly(path: str) -> None:
        async with work() as one:
            attached.append(await one.files.store(file))
        await delete(path)

    monkeypatch.setattr(context.storage, "delete", slowly)
    await Sweeper(context).sweep()
    assert attached == [False], "whose bytes are about to go is nobody's file any more"
    assert await rows("SELECT * FROM files") == []


async def test_bytes_of_an_upload_that_the_sweep_gave_up_do_not_stay(
    as_: As, context: CasesContext, work: Works, rows: Rows, clock: Clock
) -> None:
    draft, _ = await begun(as_("lin"))
    path = ""

    async def slow() -> AsyncIterator[bytes]:
        nonlocal path
        yield PNG.ljust(600, b"\0")
        path = await rows.one("SELECT path FROM files")
        clock.move(hours=2)
        await Sweeper(context).sweep()
        assert await rows("SELECT * FROM files") == []
        yield b"the end"

    with pytest.raises(DraftNotFound):
        await materials.upload_material(work(), LIN, draft, "plan", Upload(slow(), None), "u")
    with pytest.raises(FileMissing):
        _ = [chunk async for chunk in context.storage.get(path)]


async def test_a_name_written_against_the_rules_is_no_error_of_ours(as_: As) -> None:
    lin = as_("lin")
    draft, _ = await begun(lin)
    headers = {
        "Content-Type": "application/octet-stream",
        "Content-Disposition": "attachment; filename*=a; filename*0=b",
    }
    answer = await lin("POST", f"/drafts/{draft}/materials/plan", content=PNG, headers=headers)
    assert (answer.status_code, answer.json()["filename"]) == (201, "file.png")


async def test_deleting_honours_if_match(as_: As) -> None:
    lin = as_("lin")
    draft, _ = await begun(lin)
    file = (await upload(lin, draft)).json()["file_id"]
    for path in (f"/drafts/{draft}/materials/plan/{file}", f"/drafts/{draft}"):
        problem(await lin("DELETE", path, seen=1), 412, "version-mismatch")
        problem(await lin("DELETE", path, headers={"If-Match": 'W/"2"'}), 412, "version-mismatch")
    gone = await lin("DELETE", f"/drafts/{draft}/materials/plan/{file}", seen=2)
    assert (gone.status_code, gone.headers["etag"]) == (204, '"3"')
    assert (await lin("DELETE", f"/drafts/{draft}", seen=3)).status_code == 204
