"""Importing items: what is refused and why, what is warned of, and that a second run changes nothing."""

import csv
import json
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from services.catalog.demo.organisations import DISTRICT
from services.catalog.domain.imports import ImportReport, Mode, Problem, Refused, Seen
from services.catalog.domain.items import ItemContent, Outcome
from services.catalog.domain.life import RevisionState
from services.catalog.domain.mapping import DEFAULT
from services.catalog.domain.rows.reader import RowReader
from services.catalog.handlers import organisations
from services.catalog.handlers.imports.readers import LONGEST_LINE, json_row, lines_of
from services.catalog.handlers.imports.report import ReportFile
from services.catalog.handlers.imports.run import Order, import_items
from services.catalog.store.items import StoredItem
from services.catalog.store.organisations import OrganisationQuery
from services.catalog.store.revisions import StoredRevision
from services.catalog.store.work import Work
from services.contracts.base import Text

USCC = "115113010833722043"
REAL_FILE = next(
    (p for base in Path(__file__).parents for p in base.glob("shared/data/service-items-511602.jsonl")), None
)
Run = Callable[..., Any]


def line(number: int = 1, **changes: Any) -> bytes:
    """A good row; a change to None leaves the field out."""
    row = {
        "department": "区教科体局",
        "name": f"教师资格认定{number}",
        "item_code": f"511A01386{number:05d}-511602000000-000-{USCC}-1-00",
        "area_code": "511602000000",
        "task_type": "1",
        "department_code": "083372204",
    } | changes
    return json.dumps({k: v for k, v in row.items() if v is not None}, ensure_ascii=False).encode() + b"\n"


def code(number: int) -> str:
    return f"511A01386{number:05d}-511602000000-000-{USCC}-1-00"


@pytest.fixture
def run(work: Callable[[], Work], tmp_path: Path) -> Run:
    """Import lines, or a file; the report, what was refused, what was warned of."""

    async def run(
        given: Iterable[bytes] | Path, mode: Mode = Mode.AS_PUBLISHED, **more: Any
    ) -> tuple[ImportReport, list[Problem], list[Problem]]:
        path = given if isinstance(given, Path) else tmp_path / "items.jsonl"
        if not isinstance(given, Path):
            path.write_bytes(b"".join(given))
        refused: list[Problem] = []
        warned: list[Problem] = []
        report = await import_items(
            Order(path, "jsonl", "某区", mode),
            work(),
            on_problem=lambda problem, fatal: (refused if fatal else warned).append(problem),
            **more,
        )
        return report, refused, warned

    return run


async def stored(work: Callable[[], Work], code: str, version: int | None = None) -> StoredItem:
    async with work() as held:
        found = await held.items.item(code, version)
    assert found is not None
    return found


def item(found: StoredItem) -> ItemContent:
    assert isinstance(found.content, ItemContent)
    return found.content


BAD_ROWS = [
    (b"{not json}\n", "row", "unreadable_json"),
    (b"[1, 2]\n", "row", "unreadable_json"),
    (b'"text"\n', "row", "unreadable_json"),
    (b'{"name": "\xff\xfe"}\n', "row", "unreadable_json"),
    (b"[" * 60_000 + b"\n", "row", "unreadable_json"),
    (b'{"name": "a", "name": "b"}\n', "row", "unreadable_json"),
    (b'{"name": "' + b"a" * LONGEST_LINE + b'"}\n', "row", "unreadable_json"),
    (b'{"name": ' + b"9" * 5000 + b"}\n", "row", "unreadable_json"),
    (line(name=None), "name", "missing"),
    (line(name="   "), "name", "missing"),
    (line(name="\u3000"), "name", "missing"),
    (line(name={"zh": "x"}), "name", "not_text"),
    (line(name=True), "name", "not_text"),
    (line(name="许" * 201), "name", "too_long"),
    (line(name="许\u0000可"), "name", "bad_character"),
    (line(name="许\u202e可"), "name", "bad_character"),
    (line(name="<b>许可"), "name", "markup"),
    (line(name="x").replace(b'"x"', rb'"\ud800"'), "name", "bad_character"),
    (line(item_code=None), "code", "missing"),
    (line(item_code=""), "code", "missing"),
    (line(item_code="事项/1"), "code", "malformed"),
    (line(item_code="A" * 65), "code", "malformed"),
    (line(area_code=None), "division", "missing"),
    (line(area_code="999999000000"), "division", "unknown_division"),
    (line(area_code="511699000000"), "division", "unknown_division"),
    (line(area_code="110103000000"), "division", "unknown_division"),  # merged away in 2010
    (line(area_code="51160"), "division", "unknown_division"),
    (line(task_type=None), "item_type", "missing"),
    (line(task_type="11"), "item_type", "unknown_type"),
    (line(task_type="许可"), "item_type", "unknown_type"),
    (line(department=["a"]), "department", "not_text"),
    (b'{"name": NaN}\n', "row", "unreadable_json"),
    (line(name=1.5), "name", "not_text"),
    (line(summary="一\x1b[0m"), "summary", "bad_character"),
    (line(visits="-1"), "visits", "malformed"),
    (line(online_depth="5"), "online_depth", "malformed"),
    (line(promised_limit="很快"), "promised_limit", "malformed"),
    (line(fee_charged="也许"), "fee_charged", "malformed"),
    (line(fee_note="免费"), "fee_note", "malformed"),
    (line(channels=["window", "pigeon"]), "channels", "malformed"),
    (line(topics=["x"] * 201), "topics", "too_many"),
    (line(topics=[{"zh": "x"}]), "topics", "not_text"),
    (line(kind="kind"), "kind", "malformed"),
    (line(kind="handling"), "base", "required"),
    (line(base="不是"), "base", "malformed"),
]


@pytest.mark.parametrize(("bad", "field", "reason"), BAD_ROWS)
def test_why_a_row_is_refused(bad: bytes, field: str, reason: str) -> None:
    with pytest.raises(Refused) as refused:
        RowReader(DEFAULT, 2026).read(json_row(7, bad))
    problem = refused.value.problem
    assert (problem.row, problem.field, problem.reason) == (7, field, reason)


async def test_bad_rows_are_refused_alone(run: Run) -> None:
    lines = [found for number, (bad, _, _) in enumerate(BAD_ROWS) for found in (line(number), bad)]
    report, refused, _ = await run(lines)
    assert [problem.row for problem in refused] == [2 * number + 2 for number in range(len(BAD_ROWS))]
    assert report.rows == 2 * len(BAD_ROWS)
    assert report.taken == {Outcome.CREATED: len(BAD_ROWS)}
    assert report.refused.total() == len(BAD_ROWS)
    assert not report.failed


async def test_what_is_taken_and_how_it_is_kept(work: Callable[[], Work], run: Run) -> None:
    report, refused, warned = await run(
        [
            b"\xef\xbb\xbf" + line(1, name=" 教师资格认定 ", area_code="511602", task_type=1),
            b"\n",
            line(2, item_code="lower-511602000000-000-115113010833722043-1-00", subject="企业"),
            line(3, item_code="510123002000", task_type="０１"),
            line(4, item_code="511A-511602000000-000-00877868-5-1-00", department="区司法局"),
            line(5, item_code=f"X-511602000000-000-{USCC[:-1]}4-1-00", department=None),
        ],
    )
    assert refused == []
    assert report.taken == {Outcome.CREATED: 5}
    assert [(problem.row, problem.field, problem.reason, problem.kept) for problem in warned] == [
        (1, "name", "normalised", "教师资格认定"),
        (3, "code", "normalised", f"LOWER-511602000000-000-{USCC}-1-00"),
        (4, "item_type", "normalised", "01"),
        (5, "code", "uscc_invalid", f"{DISTRICT}:区司法局"),
        (6, "department", "department_absent", "未注明部门"),
        (6, "code", "uscc_invalid", f"{DISTRICT}:未注明部门"),
    ]
    first = item(await stored(work, code(1)))
    assert (first.name.zh, first.division, first.item_type) == ("教师资格认定", DISTRICT, "01")
    assert first.subjects == ("person", "company")
    assert first.organisation.id == USCC
    assert first.code_system == "legacy"
    assert [page["id"] for page in first.form["x-pages"]] == ["kind", "applicant", "company", "statement"]
    assert [material.required for material in first.materials] == [False]
    assert item(await stored(work, f"LOWER-511602000000-000-{USCC}-1-00")).subjects == ("company",)
    base = item(await stored(work, "510123002000"))
    assert (base.code_system, base.kind, base.form) == ("gb-12", "base", {})
    legacy = item(await stored(work, "511A-511602000000-000-00877868-5-1-00"))
    assert legacy.organisation.id == f"{DISTRICT}:区司法局"
    known = {o.state.id: o for o in await organisations.list_organisations(OrganisationQuery(), None, 50, work())}
    assert known[USCC].state.uscc_verified
    assert not known[f"{DISTRICT}:区司法局"].state.uscc_verified
    assert known[USCC].items == 2


async def test_again_changes_nothing_and_a_changed_row_makes_a_version(
    work: Callable[[], Work], counts: Callable[..., Any], run: Run
) -> None:
    lines = [line(number) for number in range(1, 1203)]
    report, _, _ = await run(lines)
    assert report.taken == {Outcome.CREATED: 1202}
    tables = ("outbox", "audit", "item_versions", "items", "organisations", "forms", "transitions")
    before = await counts(*tables)
    assert (before["outbox"], before["forms"], before["transitions"]) == (1203, 1, 1202)
    report, _, _ = await run(lines)
    assert report.taken == {Outcome.UNCHANGED: 1202}
    assert not report.failed
    assert await counts(*tables) == before
    lines[700] = line(701, name="改了名字")
    report, _, _ = await run(lines)
    assert report.taken == {Outcome.UNCHANGED: 1201, Outcome.CHANGED: 1}
    changed = await stored(work, code(701))
    assert (changed.version, changed.content.name.zh, changed.provenance) == (2, "改了名字", "import")
    assert (await stored(work, changed.content.code, 1)).content.name.zh == "教师资格认定701"
    assert await counts("outbox") == {"outbox": before["outbox"] + 1}


async def test_rows_become_drafts(work: Callable[[], Work], counts: Callable[..., Any], run: Run) -> None:
    await run([line(1), line(2)])
    before = await counts("outbox", "items")
    lines = [line(1), line(2, name="改了"), line(3)]
    for expected in ({Outcome.UNCHANGED: 1, Outcome.CHANGED: 1, Outcome.CREATED: 1}, {Outcome.UNCHANGED: 3}):
        report, refused, _ = await run(lines, Mode.DRAFTS)
        assert (report.taken, refused) == (expected, [])
    assert await counts("outbox", "items") == before
    assert await counts("revisions") == {"revisions": 2}
    # The import's own draft is written again; one that somebody has taken further is told, and stays.
    report, _, _ = await run([line(2, name="又改了")], Mode.DRAFTS)
    assert report.taken == {Outcome.CHANGED: 1}
    async with work() as held:
        draft, other = await draft_of(code(2), held), await draft_of(code(3), held)
        assert (draft.revision.version, draft.revision.from_version, draft.content.name.zh) == (2, 1, "又改了")
        assert (draft.revision.state, draft.revision.provenance) == (RevisionState.DRAFT, "import")
        assert (draft.revision.author.id, other.revision.from_version) == ("system:import", 0)
        await held.execute(text("UPDATE revisions SET author = 'someone' WHERE id = :id"), {"id": draft.revision.id})
    report, refused, _ = await run([line(2, name="再改"), line(3)], Mode.DRAFTS)
    assert [(problem.row, problem.field, problem.reason) for problem in refused] == [(1, "code", "revision_open")]
    assert report.taken == {Outcome.UNCHANGED: 1}
    async with work() as held:
        assert (await draft_of(code(2), held)).content.name.zh == "又改了"
        acts = (
            await held.execute(text("SELECT act, reason FROM transitions WHERE act != 'published' ORDER BY id"))
        ).all()
        assert [tuple(act) for act in acts] == [("drafted", "某区"), ("drafted", "某区"), ("edited", "某区")]
        purposes = (await held.execute(text("SELECT purpose FROM audit WHERE action = 'items.draft'"))).scalars()
        assert set(purposes) == {"某区"}
    # What was published elsewhere is in force whoever has a draft; the draft's author will see both.
    _, _, warned = await run([line(2, name="别处改的")])
    assert [(problem.row, problem.reason) for problem in warned] == [(1, "revision_open")]
    assert (await stored(work, code(2))).content.name.zh == "别处改的"


async def draft_of(code: str, work: Work) -> StoredRevision:
    [id_] = (await work.revisions.open_ones([code])).values()
    found = await work.revisions.get(id_)
    assert found is not None
    return found


async def test_what_is_suspended_or_retired_is_not_changed_by_an_import(work: Callable[[], Work], run: Run) -> None:
    await run([line(1), line(2)])
    async with work() as held:
        for number, status in ((1, "suspended"), (2, "retired")):
            await held.execute(text("UPDATE items SET status = :s WHERE code = :c"), {"s": status, "c": code(number)})
    for mode in Mode:
        _, refused, _ = await run([line(1), line(2, name="改了")], mode)
        assert [problem.reason for problem in refused] == ["suspended", "retired"]


async def test_a_repeated_code_is_refused_whatever_its_width_and_case(run: Run) -> None:
    written = "ab-511602000000-000-115113010833722043-1-00"
    report, refused, _ = await run([line(1, item_code=written), line(2, item_code=written.upper()), line(1)])
    assert [(problem.row, problem.field, problem.reason) for problem in refused] == [(2, "code", "repeated_code")]
    assert report.taken == {Outcome.CREATED: 2}


def test_every_repeated_code_is_seen() -> None:
    seen = Seen()
    assert [seen.add(str(number)) for number in range(9000)] == [True] * 9000
    assert not any(seen.add(str(number)) for number in range(9000))


async def test_an_organisation_is_named_as_most_of_its_rows_do(work: Callable[[], Work], run: Run) -> None:
    rows = [line(1, department="代办的局")]
    rows += [line(number, department="教科体局") for number in range(2, 702)]
    for expected in (Outcome.CREATED, None):
        report, _, warned = await run(rows)
        assert report.organisations.total() == (1 if expected else 0)
        assert [(problem.row, problem.reason) for problem in warned] == [(1, "organisation_name")]
        [organisation] = await organisations.list_organisations(OrganisationQuery(), None, 10, work())
        assert organisation.state.name.zh == "教科体局"
    # A department whose own code is the implementing one names itself, against any number of others.
    rows.append(line(900, department="本局", department_code=USCC.lower()))
    await run(rows)
    [organisation] = await organisations.list_organisations(OrganisationQuery(), None, 10, work())
    assert organisation.state.name.zh == "本局"
    assert (await run(rows))[0].organisations.total() == 0
    # What a registrar has said of it stays.
    told = replace(organisation.state, level=4, name=Text(zh="登记的名字"))
    async with work() as held:
        await held.organisations.save([(told, 9)], "registrar")
    await run(rows)
    [organisation] = await organisations.list_organisations(OrganisationQuery(), None, 10, work())
    assert organisation.state == told


async def test_nothing_taken_is_a_failure(run: Run) -> None:
    assert (await run([]))[0].failed
    assert (await run([b"x\n"]))[0].failed


def test_an_endless_line_stays_out_of_memory(tmp_path: Path) -> None:
    path = tmp_path / "items.jsonl"
    path.write_bytes(line(1) + b"x" * (10 * LONGEST_LINE) + b"\n" + line(2))
    lines = list(lines_of(path))
    assert [len(found) > LONGEST_LINE for found in lines] == [False, True, False]
    assert max(map(len, lines)) == LONGEST_LINE + 1
    path.write_bytes(b"x" * LONGEST_LINE + b"\n" + line(2))
    assert len(list(lines_of(path))) == 2


@pytest.mark.parametrize("ending", ["csv", "jsonl"])
async def test_the_report_tells_what_became_of_each_row(run: Run, tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"report.{ending}"
    lines = [line(1), line(2, name="=HYPERLINK(1)\n许可"), line(3, name=""), line(4, department="+1\0")]
    await run(lines, report=ReportFile(path))
    if ending == "csv":
        rows = list(csv.DictReader(path.read_text("utf-8-sig").splitlines()))
    else:
        rows = [json.loads(each) for each in path.read_text("utf-8").splitlines()]
    guard = "'" if ending == "csv" else ""
    assert [(str(row["row"]), row["outcome"], row["field"], row["reason"], row["kept"]) for row in rows] == [
        ("2", "taken", "name", "normalised", f"{guard}=HYPERLINK(1) 许可"),
        ("3", "refused", "name", "missing", ""),
        ("4", "refused", "department", "bad_character", ""),
    ]


@pytest.mark.skipif(REAL_FILE is None, reason="the real service items are not on this machine")
async def test_the_real_items(run: Run) -> None:
    report, refused, _ = await run(REAL_FILE)
    assert refused == []
    assert report.taken == {Outcome.CREATED: 935}
    # 129 codes carry no valid USCC, 2 of them none at all; counted by a plain reading of the file.
    assert report.warned == {"uscc_invalid": 127, "uscc_absent": 2, "organisation_name": 2, "normalised": 14}
    again, _, _ = await run(REAL_FILE)
    assert again.taken == {Outcome.UNCHANGED: 935}
    assert again.organisations.total() == 0
