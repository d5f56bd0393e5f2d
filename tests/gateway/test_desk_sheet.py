"""An item as a form: every member has a control, and what is typed is what is kept."""

from typing import Any

import pytest

from services.catalog.domain.items import BundleContent, ItemContent
from services.gateway.surfaces.desk.catalogue import asked, sheet, values
from services.gateway.surfaces.desk.catalogue.sheet import Flat
from services.kit.pages import Form
from tests.gateway.catalogue_parts import content

TEXT = {"zh": "字", "en": "word"}
BASIS = {"law": "某法", "article": "第一条", "text": "条文\n两行"}
WHOLE: dict[str, Any] = {
    "name": TEXT,
    "summary": TEXT,
    "subjects": ["person", "company"],
    "topics": ["housing", "别的"],
    "item_type": "01",
    "case_kind": "promised",
    "function": "f1",
    "basis": [BASIS, BASIS | {"article": None, "text": None}],
    "conditions": [TEXT | {"expression": "age >= 18 &&\n  resident"}],
    "materials": [
        {
            "id": "photo",
            "name": TEXT,
            "note": TEXT,
            "required": True,
            "media_types": ["image/png", "text/csv"],
            "max_bytes": 1_572_864,
            "max_files": 2,
            "basis": BASIS,
            "made_by": "organ",
            "issuer": TEXT,
            "result_of": "510123002000",
            "licence_type": "X",
            "elements": ["birth_date", "name"],
        }
    ],
    "limits": {
        "statutory": {"amount": 20, "unit": "day", "note": TEXT, "basis": {"law": "某法", "article": "第一条"}},
        "promised": {"amount": 0, "unit": "working_day", "note": None, "basis": None},
    },
    "channels": ["window", "mobile"],
    "online_depth": 3,
    "offline_reason": TEXT,
    "visits": 0,
    "visit_reason": TEXT,
    "visit_basis": BASIS,
    "fee": {"charged": False, "note": TEXT, "basis": BASIS},
    "steps": [{"name": TEXT, "text": TEXT, "post": None}],
    "results": [{"name": TEXT, "licence_type": "X"}],
    "contact": {"phone": "1", "complaint_phone": "2", "address": TEXT, "hours": TEXT},
    "cooperating": [{"id": "511602000000:某局", "name": TEXT}],
    "form": {"type": "object", "properties": {"a": {"type": "string", "title": "甲"}}},
}
BUNDLE: dict[str, Any] = {
    "name": TEXT,
    "summary": None,
    "subjects": ["person"],
    "topics": [],
    "members": [{"code": "a", "name": TEXT, "when": "x > 1", "when_text": None, "after": ["b", "c"]}],
    "shared_fields": ["birth_date"],
    "shared_materials": [["a#photo", "b#photo"], ["c#x"]],
}
PARTS = asked.parts("implementation", [("housing", "住房")])


@pytest.mark.parametrize(("kind", "whole"), [("implementation", WHOLE), ("bundle", BUNDLE)])
def test_what_is_shown_and_posted_unchanged_is_the_same_content(kind: str, whole: dict[str, Any]) -> None:
    parts = asked.parts(kind, [("housing", "住房")])
    flat = sheet.flattened(whole, parts)
    pairs = [
        (path, each)
        for path, value in flat.items()
        for each in (value.split("\n") if _ticked(parts, flat, path) else [value.replace("\n", "\r\n")])
    ]
    posted = sheet.read(Form(pairs), parts)
    assert posted == flat
    assert sheet.composed(posted, parts, {}) == (whole, [])
    own = {"code", "code_system", "kind", "base", "organisation", "division"}
    model = BundleContent if kind == "bundle" else ItemContent
    assert set(model.model_fields) - own == set(whole), "every member that an author writes has a control"


def _ticked(parts: Any, flat: Flat, path: str) -> bool:
    return any(ask.path == path and ask.kind in ("ticks", "tags") for ask in sheet.asks_of(parts, flat))


def test_what_an_author_does_not_write_stays_and_what_is_emptied_goes() -> None:
    stored = content()
    flat = sheet.flattened(stored, PARTS)
    flat |= {"fee.charged": "", "limits.statutory.amount": "", "summary.zh": "", "summary.en": ""}
    flat |= {"steps.0.name.zh": "", "steps.0.text.zh": ""}
    composed, wrong = sheet.composed(sheet.tidied(flat, PARTS), PARTS, stored)
    assert not wrong
    assert (composed["fee"], composed["summary"], composed["steps"]) == (None, None, [])
    assert composed["limits"]["statutory"] is None, "a unit without an amount is no limit"
    assert (composed["code"], composed["division"]) == (stored["code"], stored["division"])


@pytest.mark.parametrize(
    ("path", "typed", "words"),
    [
        ("visits", "两次", "要跑几次要填整数，现在是“两次”"),
        ("visits", "٣", "要跑几次要填整数"),
        ("materials.0.max_bytes", "0", "每个最大（MB）要填一个数"),
        ("form", "{", "申请表不是 JSON，第 1 行读不懂"),
        ("form", "[" * 9000, "申请表不是 JSON"),
        ("form", "[]", "申请表要写成 JSON 对象"),
        ("name.zh", "", "请填：名称"),
        ("basis.0.law", "", "请填：法律法规"),
    ],
)
def test_what_cannot_be_understood_is_told_at_its_control(path: str, typed: str, words: str) -> None:
    flat = sheet.flattened(content(), PARTS) | {path: typed}
    _, wrong = sheet.composed(flat, PARTS, content())
    assert [name for name, _ in wrong] == [path]
    assert words in wrong[0][1]


def test_rows_come_go_and_move() -> None:
    rows = next(part.rows for part in PARTS if part.id == "materials")
    assert rows is not None
    flat = sheet.flattened(content(), PARTS)
    more = sheet.added(sheet.added(flat, rows), rows)
    assert [more[f"materials.{n}.id"] for n in range(3)] == ["photo", "m1", "m2"]
    assert more["materials.2.max_files"] == "5"
    more["materials.2.name.zh"] = "第三样"
    moved = sheet.raised(more, rows, 2)
    assert [moved[f"materials.{n}.name.zh"] for n in range(3)] == ["证件照", "第三样", ""]
    assert sheet.count(sheet.tidied(moved, PARTS), rows) == 2, "a row into which nothing was typed goes"
    assert sheet.without(moved, rows, 0)["materials.0.name.zh"] == "第三样"
    assert sheet.raised(flat, rows, 0) == flat
    full = {f"materials.{n}.id": "x" for n in range(sheet.MOST_ROWS)}
    assert sheet.added(full, rows) == full
    assert sheet.count({"materials.999.id": "x", "materials.x.id": ""}, rows) == sheet.MOST_ROWS


@pytest.mark.parametrize(
    ("field", "place"),
    [
        ("materials.photo", "materials.0"),
        ("materials.0.name.zh", "f-materials.0.name.zh"),
        ("content.materials.photo.basis", "f-materials.0.basis.law"),
        ("/content/materials/9", "materials"),
        ("materials", "materials"),
        ("limits.promised", "f-limits.promised.amount"),
        ("limits", "f-limits.statutory.amount"),
        ("conditions.0", "conditions.0"),
        ("form.properties.kind.title", "f-form"),
        ("code", ""),
        ("", ""),
    ],
)
def test_a_finding_has_its_place(field: str, place: str) -> None:
    assert sheet.place(field, sheet.flattened(content(), PARTS), PARTS) == place


@pytest.mark.parametrize(
    ("field", "value", "label", "lines"),
    [
        ("channels.3", "kiosk", "哪里能办", ["自助机"]),
        ("limits.promised", {"amount": 3, "unit": "day"}, "承诺时限", ["承诺时限：3", "承诺时限的单位：天"]),
        ("materials.photo.max_bytes", 1_572_864, "申请材料，photo，每个最大（MB）", ["1.5"]),
        (
            "materials.0",
            {"made_by": "applicant", "required": True},
            "申请材料，1",
            ["谁出：申请人自己写", "必须交：是"],
        ),
        ("form.properties.kind.title", "谁办", "申请表，properties.kind.title", ["谁办"]),
        ("fee", None, "费用", []),
        ("unheard_of", "x", "unheard_of", ["x"]),
    ],
)
def test_a_difference_is_told_in_words(field: str, value: Any, label: str, lines: list[str]) -> None:
    words = values.Names("implementation")
    assert (words.label(field), words.lines(value, field)) == (label, lines)
