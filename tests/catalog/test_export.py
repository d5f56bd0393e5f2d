"""Exports: what comes out goes in again unchanged, in every format, and no spreadsheet runs any of it."""

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import load_workbook
from sqlalchemy import text

from services.catalog.demo import load_demo
from services.catalog.demo.for_people import RESIDENCE_PERMIT
from services.catalog.demo.generate import FIELDS, rows, write
from services.catalog.domain import codes
from services.catalog.domain.exports import cells, guarded, unguarded
from services.catalog.domain.imports import Mode, Raw, Unreadable
from services.catalog.domain.items import Outcome, Provenance
from services.catalog.domain.mapping import DEFAULT, parse_mapping
from services.catalog.domain.rows.reader import RowReader, laid_over
from services.catalog.handlers import exports
from services.catalog.handlers.imports.readers import FORMATS, Format
from services.catalog.handlers.imports.run import Order, import_items
from services.catalog.handlers.publishing import publish_items
from services.catalog.store.work import Work
from services.contracts.base import Text
from services.contracts.catalog_items import Condition, Contact, Material, Result
from services.kit.service import Service

MAPPING = parse_mapping(
    """
fields:
  code: 编码
  name: 名称
  division: 区划
  item_type: {column: 类型, values: {许可: "01", 确认: "07", 公共服务: "20"}}
  subjects: {column: 对象, separator: "|", values: {民: person, 商: company}}
  materials: 材料
""".encode()
)


async def test_what_was_exported_changes_nothing(
    catalog: Service, work: Callable[[], Work], counts: Callable[..., Any], tmp_path: Path
) -> None:
    await load_demo(catalog)
    dangerous = RESIDENCE_PERMIT.model_copy(
        update={
            "code": RESIDENCE_PERMIT.code[:-1] + "9",
            "name": Text(zh="=1+1"),
            "summary": Text(zh="'=SUM(A1)"),
            "contact": Contact(phone="+86 1", address=Text(zh="@一楼")),
            "conditions": (Condition(zh="-1 岁以上", expression="age > 1"), Condition(zh="甲\n乙")),
            "results": (Result(name=Text(zh="＝证")),),
        }
    )
    async with work() as held:
        await publish_items([dangerous], Provenance.EDITOR, held)
    tables = ("items", "item_versions", "outbox", "revisions", "organisations", "organisation_versions")
    before = await counts(*tables)
    for kind in FORMATS:
        for mapping in (DEFAULT, MAPPING) if kind != "jsonl" else (DEFAULT,):
            path = tmp_path / f"items.{kind}"
            with path.open("wb") as target:
                count = await exports.export_items(target, kind, mapping, Work(catalog.context, readonly=True))
            for mode in Mode:
                problems: list[Any] = []
                order = Order(path, kind, "demo", mode, mapping)
                report = await import_items(order, work(), on_problem=lambda *told, to=problems: to.append(told))
                assert (kind, report.taken, problems) == (kind, {Outcome.UNCHANGED: count}, [])
                assert await counts(*tables) == before, kind
    assert count == before["items"] - await bundles(work)
    # Nothing in a table begins as a formula does, and of the XLSX nothing is one.
    for row in csv.reader(io.StringIO((tmp_path / "items.csv").read_text("utf-8-sig"))):
        assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r", "＝")) for cell in row)
    sheet = load_workbook(tmp_path / "items.xlsx")["items"]
    assert "f" not in {cell.data_type for row in sheet for cell in row}


async def bundles(work: Callable[[], Work]) -> int:
    async with work() as held:
        found = await held.execute(text("SELECT count(*) FROM items WHERE kind = 'bundle'"))
        return int(found.scalar_one())


TEXTS = st.text(st.sampled_from("='+-@＝＋\t\r\nab，许可；;|\"<"), max_size=8)


@settings(max_examples=300)
@given(TEXTS)
def test_a_guarded_cell_is_no_formula_and_comes_back(cell: str) -> None:
    shown = guarded(cell)
    assert not shown.startswith(("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"))
    assert unguarded(shown) == cell


WORDS = st.text(st.sampled_from("=+-@'甲乙（可不交）《》;；、 1a"), min_size=1, max_size=8).map(
    lambda text: " ".join(text.split()) or "甲"
)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(WORDS, max_size=3), st.lists(WORDS, max_size=3), st.booleans(), WORDS, st.sampled_from([DEFAULT, MAPPING])
)
def test_an_item_is_the_same_after_the_way_through_a_table(
    lines: list[str], materials: list[str], required: bool, name: str, mapping: Any
) -> None:
    content = RESIDENCE_PERMIT.model_copy(
        update={
            "name": Text(zh=name, en="x"),
            "topics": tuple(dict.fromkeys(lines)),
            "conditions": tuple(Condition(zh=line, en="x") for line in lines),
            "materials": tuple(
                Material(id=f"a{place}", name=Text(zh=each), required=required, max_files=2)
                for place, each in enumerate(materials)
            ),
        }
    )
    row = dict(zip((name for name, _ in mapping.header()), map(guarded, cells(content, mapping)), strict=True))
    read = RowReader(mapping, 2026).read(Raw(2, {name: unguarded(cell) for name, cell in row.items()}))
    assert laid_over(read, content) == content


def test_a_cell_that_a_spreadsheet_would_cut_is_refused() -> None:
    sheet = exports.table(io.BytesIO(), "xlsx")
    with pytest.raises(Unreadable, match="A: a cell of XLSX"):
        sheet.row(["A", "x" * 32_768])
    exports.table(io.BytesIO(), "csv").row(["A", "x" * 32_768])


@pytest.mark.parametrize("kind", FORMATS)
def test_made_up_items_are_the_same_for_the_same_seed(kind: Format, tmp_path: Path) -> None:
    found = []
    for seed in (1, 1, 2):
        target = io.BytesIO()
        write(60, seed, kind, target)
        found.append(target.getvalue())
    if kind == "xlsx":  # an archive holds its time
        sheets = [load_workbook(io.BytesIO(each)).worksheets[0] for each in found]
        assert [cell.value for row in sheets[0] for cell in row] == [cell.value for row in sheets[1] for cell in row]
        assert sheets[0].max_row == 61
    else:
        assert found[0] == found[1] != found[2]


def test_made_up_items_are_such_as_real_ones_are() -> None:
    made = list(rows(4000, 3))
    assert {tuple(row) for row in made} == {FIELDS}
    read = [RowReader(DEFAULT, 2026).read(Raw(at, row)) for at, row in enumerate(made)]
    assert not any(row.warnings for row in read)
    assert len({row.content.code for row in read}) == 4000
    assert {codes.parse_item_code(row.content.code).system for row in read} == {"gb-31"}  # type: ignore[union-attr]
    assert len({row.content.division for row in read}) > 80
    assert 0.12 < sum("许可" in row.content.name.zh for row in read) / 4000 < 0.2
    assert json.dumps(made[0], ensure_ascii=False) == json.dumps(next(rows(4000, 3)), ensure_ascii=False)
