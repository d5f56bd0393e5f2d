"""Files of rows: CSV and XLSX, mappings, whole items; what is hostile in one is refused in words."""

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook

from services.catalog.demo.for_people import RESIDENCE_PERMIT
from services.catalog.demo.organisations import EDUCATION
from services.catalog.domain.exports import native
from services.catalog.domain.imports import Raw, Refused, Unreadable
from services.catalog.domain.items import ItemContent
from services.catalog.domain.mapping import DEFAULT, ColumnMapping, canonical, parse_mapping
from services.catalog.domain.rows.reader import RowReader, laid_over
from services.catalog.handlers.imports import xlsx
from services.catalog.handlers.imports.readers import LONGEST_LINE, Format, Rows, json_row, open_rows
from services.contracts.base import Text
from services.contracts.catalog_items import Basis, Condition, Contact, Fee, Limit, Limits, Material, Result

USCC = EDUCATION.id
CODE = f"{USCC}4510101001000"
HEAD = "item_code,name,area_code,task_type,department"
ROW = f"{CODE},教师资格认定,511602000000,1,区教体局"
GOOD = {"item_code": CODE, "name": "教师资格认定", "area_code": "511602000000", "task_type": "1"}


def csv_rows(path: Path, given: str | bytes) -> list[Raw]:
    path.write_bytes(given if isinstance(given, bytes) else given.encode())
    return list(open_rows(path, "csv").rows)


def read(raw: Raw, mapping: ColumnMapping = DEFAULT) -> ItemContent:
    content = RowReader(mapping, 2026).read(raw).content
    assert isinstance(content, ItemContent)
    return content


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_csv_as_spreadsheets_write_it(tmp_path: Path, delimiter: str) -> None:
    text = "\r\n".join((HEAD, "", ROW, ROW.replace("教师", '"教\n师,""甲"""'))).replace(",", delimiter)
    text = text.replace(f"师{delimiter}", "师,") + "\r\n"
    for mark in (b"", b"\xef\xbb\xbf"):
        rows = csv_rows(tmp_path / "a.csv", mark + text.encode())
        assert [row.number for row in rows] == [3, 4]
        assert read(rows[0]).name.zh == "教师资格认定"
        assert read(rows[1]).name.zh == '教 师,"甲"资格认定'


def test_what_is_wrong_with_a_csv_row_is_told_of_it_alone(tmp_path: Path) -> None:
    good = ROW.encode()
    lines = [
        HEAD.encode(),
        good,
        "教师".encode("gb18030") + b"," + good,
        good + b",too,many",
        b"too,few",
        b'x,"' + b"y" * 200_000 + b'",1,2,3',
        b"z" * (2 * LONGEST_LINE),
        "，'=1+1,511602000000,1,x".encode(),
        good,
    ]
    rows = csv_rows(tmp_path / "a.csv", b"\n".join(lines))
    assert [(row.number, row.problem.reason if row.problem else None) for row in rows] == [
        (2, None),
        (3, "not_utf8"),
        (4, "cells"),
        (5, "cells"),
        (6, "unreadable_csv"),
        (7, "unreadable_csv"),
        (8, "cells"),
        (9, None),
    ]
    [row] = csv_rows(tmp_path / "a.csv", f"{HEAD}\n{CODE},'=1+1,511602000000,1,x\n")
    assert row.values["name"] == "=1+1"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (b"", "must name the columns"),
        (",,\n", "must name the columns"),
        ("name,name\n", "columns twice"),
        ("名称\n".encode("gb18030"), "not UTF-8"),
        ("name,a\n".encode("utf-16"), "not UTF-8"),
    ],
)
def test_a_csv_without_a_header_that_can_be_read_is_refused(tmp_path: Path, given: str | bytes, words: str) -> None:
    with pytest.raises(Unreadable, match=words):
        csv_rows(tmp_path / "a.csv", given)


def workbook(path: Path, *rows: list[Any]) -> Path:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    for row in rows:
        sheet.append(row)
    book.save(path)
    return path


def sheet(path: Path) -> Rows:
    return open_rows(path, "xlsx")


def test_xlsx_and_the_cells_that_are_refused(tmp_path: Path) -> None:
    good: list[Any] = [CODE, "教师资格认定", 511602000000, 1, "区教体局"]
    rows = [
        HEAD.split(","),
        good,
        [None] * 5,
        [CODE, "=1+1", *good[2:]],
        [CODE, "'=1+1", *good[2:]],
        [CODE, 1.5, *good[2:]],
        [1234567890123456789, *good[1:]],
        [*good, "besides"],
        good[:3],
        [CODE, True, *good[2:]],
    ]
    found = sheet(workbook(tmp_path / "a.xlsx", *rows))
    assert found.header == tuple(HEAD.split(","))
    raws = list(found.rows)
    assert [(raw.number, raw.problem.detail if raw.problem else None) for raw in raws] == [
        (2, None),
        (4, "B4: a formula"),
        (5, None),
        (6, None),
        (7, "A7: a number that has lost digits: format the column as text"),
        (8, "6 cells under 5 columns"),
        (9, None),
        (10, None),
    ]
    assert read(raws[0]).division == "511602000000"
    assert read(raws[2]).name.zh == "=1+1"
    with pytest.raises(Refused, match="text was expected"):
        read(raws[3])
    assert raws[6].values["task_type"] is None


def rewritten(source: Path, target: Path, change: Callable[[str, bytes], bytes], **more: bytes) -> Path:
    """A copy of an archive with its parts changed."""
    with zipfile.ZipFile(source) as before, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as after:
        for name in before.namelist():
            after.writestr(name, change(name, before.read(name)))
        for name, content in more.items():
            after.writestr(name, content)
    return target


SHEET = "xl/worksheets/sheet1.xml"


def test_a_zip_bomb_is_refused_before_it_is_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = workbook(tmp_path / "a.xlsx", HEAD.split(","), ROW.split(","))
    bomb = rewritten(whole, tmp_path / "b.xlsx", lambda name, part: b" " * 30_000_000 if name == SHEET else part)
    assert bomb.stat().st_size < 100_000
    monkeypatch.setattr(xlsx.zipfile.ZipFile, "open", lambda *_: pytest.fail("unpacked"))
    with pytest.raises(Unreadable, match="200:1"):
        sheet(bomb)
    monkeypatch.setattr(xlsx, "MOST_BYTES", 1000)
    with pytest.raises(Unreadable, match="larger than 1000"):
        sheet(whole)
    monkeypatch.setattr(xlsx, "MOST_ENTRIES", 3)
    with pytest.raises(Unreadable, match="more than 3"):
        sheet(whole)


def test_an_archive_that_is_no_sheet_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = workbook(tmp_path / "a.xlsx", HEAD.split(","), ROW.split(","))
    entity = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "b">]><worksheet>&a;</worksheet>'
    for content in (entity, b"<worksheet><sheetData><row>", b""):
        path = rewritten(whole, tmp_path / "b.xlsx", lambda name, part, c=content: c if name == SHEET else part)
        with pytest.raises(Unreadable, match="not an XLSX file"):
            list(sheet(path).rows)
    path.write_bytes(b"PK\x03\x04 no archive")
    with pytest.raises(Unreadable, match="not an XLSX file"):
        sheet(path)
    # One row that has no end would fill the memory as a tree.
    monkeypatch.setattr(xlsx, "LARGEST_ELEMENT", 1000)
    wide = workbook(tmp_path / "c.xlsx", HEAD.split(","), ["x" * 3000])
    with pytest.raises(Unreadable, match="longer than 1000"):
        list(sheet(wide).rows)


def test_rows_that_say_they_are_far_away_cost_nothing(tmp_path: Path) -> None:
    whole = workbook(tmp_path / "a.xlsx", HEAD.split(","), ROW.split(","))
    far = [(b'r="2"', b'r="1048576"'), (b'r="A2"', b'r="A1048576"'), (b'ref="A1:E2"', b'ref="A1:XFD1048576"')]

    def change(name: str, part: bytes) -> bytes:
        for before, after in far if name == SHEET else ():
            part = part.replace(before, after)
        return part

    [raw] = sheet(rewritten(whole, tmp_path / "b.xlsx", change)).rows
    assert (raw.number, raw.values["name"]) == (1048576, "教师资格认定")
    far[:] = [(b'r="E2"', b'r="XFD2"')]
    [raw] = sheet(rewritten(whole, tmp_path / "b.xlsx", change)).rows
    assert raw.problem is not None and raw.problem.reason == "cells"


MAPPING = """
fields:
  code: 编码
  name: [事项, 事项名称]
  division: {constant: "511602000000"}
  item_type: {column: 类型, values: {许可: "01", 服务: 20}}
  subjects: {column: 对象, separator: "|", values: {民: person, 商: company}}
  fee_charged: {column: 收费, values: {无: no}}
"""


def test_a_mapping_says_which_column_holds_which_field() -> None:
    as_json = json.dumps({"fields": {"code": "编码", "name": "事项", "division": "区", "item_type": "类型"}})
    assert parse_mapping(as_json.encode()).missing(["编码", "事项", "区"]) == ["item_type"]
    mapping = parse_mapping(MAPPING.encode())
    assert canonical(mapping) == canonical(parse_mapping(MAPPING.replace("  ", "    ").encode()))
    values = {"编码": CODE, "事项名称": "甲", "类型": "服务", "对象": "商|民", "收费": "无", "别的": {"not": "read"}}
    content = read(Raw(1, values), mapping)
    assert (content.item_type, content.subjects, content.fee) == ("20", ("person", "company"), Fee(charged=False))
    assert content.division == "511602000000"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (b"fields: {", "neither YAML nor JSON"),
        (b"\xff", "not UTF-8"),
        (b"x" * 300_000, "longer than"),
        (b"[]", "no fields"),
        (b"fields: {colour: a}", "does not have: colour"),
        (b"fields: {code: a}", "lacks name, division, item_type"),
        (b"fields: {code: a, name: a, division: b, item_type: c}", "twice: a"),
        (b"fields: {code: {kolumn: a}}", "not a column or an object"),
        (b"fields: {code: {column: a, constant: b}}", "either a column or a constant"),
        (b"fields: {code: {column: [[a]]}}", "either a column or a constant"),
        (b"fields: {code: {column: a, values: [b]}}", "values of code"),
        (b"fields: {name: {column: a, separator: b}}", "separator of name"),
        (b"fields: !!python/object:os.system {}", "no fields|neither"),
    ],
)
def test_a_mapping_that_says_nothing_clear_is_refused(given: bytes, words: str) -> None:
    with pytest.raises(Unreadable, match=words):
        parse_mapping(given)


FULL = RESIDENCE_PERMIT.model_copy(
    update={
        "code": CODE,
        "topics": ("户籍", "社会保障"),
        "channels": ("window", "mobile"),
        "online_depth": 2,
        "offline_reason": Text(zh="要核对\n原件", en="Originals are checked"),
        "visit_reason": Text(zh="核对原件", en="Check"),
        "results": (Result(name=Text(zh="居住证", en="Permit"), licence_type="X"),),
        "function": "f1",
        "base": "510101001000",
    }
)


def test_each_field_of_a_table_is_read_as_it_is_meant() -> None:
    values = {
        "subject": "个人、企业",
        "name_en": "Teachers",
        "kind": "实施清单",
        "base": "",
        "summary": "一\r\n二",
        "topics": "教育；教师",
        "case_kind": "承诺件",
        "statutory_limit": "20个工作日",
        "promised_limit": "3 月",
        "fee_charged": "是",
        "fee_note": "按次",
        "visits": 2,
        "visit_reason": "面试",
        "channels": ["窗口", "手机"],
        "online_depth": "3",
        "offline_reason": "试用",
        "conditions": "年满十八\n\n身体健康",
        "basis": "《教师法》第十条\n省条例",
        "materials": "照片\n健康证明（可不交）",
        "results": ["资格证"],
        "function": "f",
        "phone": "+86 12345",
        "complaint_phone": "12345",
        "address": "一楼",
        "hours": "九点到五点",
    }
    content = read(Raw(1, GOOD | values))
    assert content.name == Text(zh="教师资格认定", en="Teachers")
    assert (content.kind, content.base, content.summary) == ("implementation", None, Text(zh="一\n二"))
    assert (content.topics, content.case_kind, content.visits) == (("教育", "教师"), "promised", 2)
    assert content.limits == Limits(statutory=Limit(amount=20), promised=Limit(amount=3, unit="month"))
    assert (content.fee, content.channels) == (Fee(charged=True, note=Text(zh="按次")), ("window", "mobile"))
    assert (content.online_depth, content.offline_reason) == (3, Text(zh="试用"))
    assert content.conditions == (Condition(zh="年满十八"), Condition(zh="身体健康"))
    assert content.basis == (Basis(law="教师法", article="第十条"), Basis(law="省条例"))
    assert [(m.id, m.name.zh, m.required) for m in content.materials] == [
        ("m1", "照片", True),
        ("m2", "健康证明", False),
    ]
    assert (content.results, content.function) == ((Result(name=Text(zh="资格证")),), "f")
    assert content.contact == Contact(
        phone="+86 12345", complaint_phone="12345", address=Text(zh="一楼"), hours=Text(zh="九点到五点")
    )


def test_a_table_changes_what_it_tells_and_leaves_the_rest() -> None:
    reader = RowReader(DEFAULT, 2026)
    changed = laid_over(reader.read(Raw(1, GOOD | {"materials": "近期证件照\n新材料", "promised_limit": "4"})), FULL)
    assert isinstance(changed, ItemContent)
    assert (changed.name, changed.item_type) == (Text(zh="教师资格认定", en=FULL.name.en), "01")
    assert (changed.form, changed.steps, changed.conditions) == (FULL.form, FULL.steps, FULL.conditions)
    assert changed.materials == (FULL.materials[0], Material(id="m2", name=Text(zh="新材料"), required=True))
    assert changed.limits.statutory == FULL.limits.statutory
    assert changed.limits.promised == Limit(amount=4)
    emptied = laid_over(reader.read(Raw(1, GOOD | {"summary": "", "phone": "", "fee_charged": ""})), FULL)
    assert isinstance(emptied, ItemContent)
    assert (emptied.summary, emptied.fee, emptied.contact and emptied.contact.phone) == (None, None, None)


BAD_NATIVE: list[tuple[dict[str, Any], str, str]] = [
    ({"code": "不是"}, "code", "malformed"),
    ({"kind": "thing"}, "kind", "malformed"),
    ({"kind": ["base"]}, "kind", "malformed"),
    ({"name": "text"}, "name", "model_type"),
    ({"name": {"zh": ["x"]}}, "name.zh", "string_type"),
    ({"name": {"zh": "<script>x</script>"}}, "name.zh", "markup"),
    ({"name": {"zh": "许\u202e可"}}, "name.zh", "bad_character"),
    ({"summary": {"zh": "x" * 100_000}}, "summary.zh", "too_long"),
    ({"division": "999999000000"}, "division", "unknown"),
    ({"online_depth": 5}, "online_depth", "out_of_range"),
    ({"visits": 2**60}, "visits", "number"),
    ({"visits": 10**400}, "visits", "number"),  # beyond every float
    ({"visits": float("nan")}, "visits", "number"),
    ({"form": {"minimum": 10**400}}, "form", "format"),
    ({"colour": "red"}, "colour", "unknown"),
    ({"form": {"a": "\ud800"}}, "form", "format"),
]


@pytest.mark.parametrize(("change", "field", "reason"), BAD_NATIVE)
def test_why_a_whole_item_is_refused(change: dict[str, Any], field: str, reason: str) -> None:
    with pytest.raises(Refused) as refused:
        RowReader(DEFAULT, 2026).read(Raw(3, native(FULL) | change))
    problem = refused.value.problem
    assert (problem.row, problem.field, problem.reason) == (3, field, reason)


def test_a_whole_item_comes_back_as_it_was() -> None:
    line = json.dumps(native(FULL), ensure_ascii=False).encode()
    row = RowReader(DEFAULT, 2026).read(json_row(1, line))
    assert (row.content, row.warnings, row.cells) == (FULL, (), None)
    untidy = native(FULL) | {"code": CODE.lower(), "name": {"zh": " 居住证１ ", "en": "Permit"}}
    row = RowReader(DEFAULT, 2026).read(Raw(1, untidy))
    assert row.content.name.zh == "居住证1"
    assert [(each.field, each.reason, each.kept) for each in row.warnings] == [
        ("name.zh", "normalised", "居住证1"),
        ("code", "normalised", CODE),
    ]


def test_formats_go_by_the_name_or_by_what_is_said(tmp_path: Path) -> None:
    from services.catalog.handlers.imports.readers import format_named

    found: list[Format] = [format_named(Path(name), None) for name in ("a.JSONL", "b.csv", "c.xlsm")]
    assert found == ["jsonl", "csv", "xlsx"]
    assert format_named(Path("x"), "csv") == "csv"
    for path, name in (("a.pdf", None), ("a.csv", "pdf")):
        with pytest.raises(Unreadable, match="the format is one of"):
            format_named(Path(path), name)
