"""Importing items: what is refused and why, what is warned of, and that a second run changes nothing."""

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from services.catalog.demo.organisations import DISTRICT
from services.catalog.domain.imports import LONGEST_LINE, ImportReport, Problem, Refused, read_row
from services.catalog.domain.items import Outcome
from services.catalog.handlers import imports, organisations, reading
from services.catalog.store.items import StoredItem
from services.catalog.store.organisations import OrganisationQuery
from services.catalog.store.work import Work

USCC = "115113010833722043"
REAL_FILE = next(
    (p for base in Path(__file__).parents for p in base.glob("shared/data/service-items-511602.jsonl")), None
)


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


async def run(lines: Iterable[bytes], work: Work) -> tuple[ImportReport, list[Problem], list[Problem]]:
    refused: list[Problem] = []
    warned: list[Problem] = []
    report = await imports.import_items(
        lines, work, on_problem=lambda problem, fatal: (refused if fatal else warned).append(problem)
    )
    return report, refused, warned


async def stored(work: Callable[[], Work], code: str) -> StoredItem:
    return await reading.item_in_force(code, work())


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
    (line(item_code=None), "item_code", "missing"),
    (line(item_code=""), "item_code", "missing"),
    (line(item_code="事项/1"), "item_code", "malformed"),
    (line(item_code="A" * 65), "item_code", "malformed"),
    (line(area_code=None), "area_code", "missing"),
    (line(area_code="999999000000"), "area_code", "unknown_division"),
    (line(area_code="511699000000"), "area_code", "unknown_division"),
    (line(area_code="110103000000"), "area_code", "unknown_division"),  # merged away in 2010
    (line(area_code="51160"), "area_code", "unknown_division"),
    (line(task_type=None), "task_type", "missing"),
    (line(task_type="11"), "task_type", "unknown_type"),
    (line(task_type="许可"), "task_type", "unknown_type"),
    (line(department=["a"]), "department", "not_text"),
]


@pytest.mark.parametrize(("bad", "field", "reason"), BAD_ROWS)
def test_why_a_row_is_refused(bad: bytes, field: str, reason: str) -> None:
    with pytest.raises(Refused) as refused:
        read_row(7, bad, 2026)
    problem = refused.value.problem
    assert (problem.row, problem.field, problem.reason) == (7, field, reason)


async def test_bad_rows_are_refused_alone(work: Callable[[], Work]) -> None:
    lines = [found for number, (bad, _, _) in enumerate(BAD_ROWS) for found in (line(number), bad)]
    report, refused, _ = await run(lines, work())
    assert [problem.row for problem in refused] == [2 * number + 2 for number in range(len(BAD_ROWS))]
    assert report.rows == 2 * len(BAD_ROWS)
    assert report.taken == {Outcome.CREATED: len(BAD_ROWS)}
    assert report.refused.total() == len(BAD_ROWS)
    assert not report.failed


async def test_what_is_taken_and_how_it_is_kept(work: Callable[[], Work]) -> None:
    report, refused, warned = await run(
        [
            b"\xef\xbb\xbf" + line(1, name=" 教师资格认定 ", area_code="511602", task_type=1),
            b"\n",
            line(2, item_code="lower-511602000000-000-115113010833722043-1-00", subject="企业"),
            line(3, item_code="510123002000", task_type="０１"),
            line(4, item_code="511A-511602000000-000-00877868-5-1-00", department="区司法局"),
            line(5, item_code=f"X-511602000000-000-{USCC[:-1]}4-1-00", department=None),
        ],
        work(),
    )
    assert refused == []
    assert report.taken == {Outcome.CREATED: 5}
    assert [(problem.row, problem.field, problem.reason) for problem in warned] == [
        (4, "item_code", "uscc_absent"),
        (5, "item_code", "uscc_invalid"),
        (6, "department", "department_absent"),
        (6, "item_code", "uscc_invalid"),
    ]
    first = (await stored(work, f"511A0138600001-511602000000-000-{USCC}-1-00")).content
    assert (first.name.zh, first.division, first.item_type) == ("教师资格认定", DISTRICT, "01")
    assert first.subjects == ("person", "company")
    assert first.organisation.id == USCC
    assert first.code_system == "legacy"
    assert [page["id"] for page in first.form["x-pages"]] == ["kind", "applicant", "company", "statement"]
    assert [material.required for material in first.materials] == [False]
    second = (await stored(work, f"LOWER-511602000000-000-{USCC}-1-00")).content
    assert second.subjects == ("company",)
    assert (await stored(work, "510123002000")).content.code_system == "gb-12"
    assert (
        await stored(work, "511A-511602000000-000-00877868-5-1-00")
    ).content.organisation.id == f"{DISTRICT}:区司法局"
    known = {o.state.id: o for o in await organisations.list_organisations(OrganisationQuery(), None, 50, work())}
    assert known[USCC].state.uscc_verified
    assert not known[f"{DISTRICT}:区司法局"].state.uscc_verified
    assert known[USCC].items == 2


async def test_again_changes_nothing_and_a_changed_row_makes_a_version(
    work: Callable[[], Work], counts: Callable[..., Any]
) -> None:
    lines = [line(number) for number in range(1, 1203)]
    report, _, _ = await run(lines, work())
    assert report.taken == {Outcome.CREATED: 1202}
    tables = ("outbox", "audit", "item_versions", "items", "organisations", "item_terms", "forms")
    before = await counts(*tables)
    assert before["outbox"] == 1203
    assert before["forms"] == 1
    report, _, _ = await run(lines, work())
    assert report.taken == {Outcome.UNCHANGED: 1202}
    assert not report.failed
    assert await counts(*tables) == before
    lines[700] = line(701, name="改了名字")
    report, _, _ = await run(lines, work())
    assert report.taken == {Outcome.UNCHANGED: 1201, Outcome.CHANGED: 1}
    changed = await stored(work, f"511A0138600701-511602000000-000-{USCC}-1-00")
    assert (changed.version, changed.content.name.zh) == (2, "改了名字")
    assert (await reading.item_version(changed.content.code, 1, work())).content.name.zh == "教师资格认定701"
    assert await counts("outbox") == {"outbox": before["outbox"] + 1}


async def test_a_repeated_code_is_refused_whatever_its_width_and_case(work: Callable[[], Work]) -> None:
    code = "ab-511602000000-000-115113010833722043-1-00"
    report, refused, _ = await run([line(1, item_code=code), line(2, item_code=code.upper()), line(1)], work())
    assert [(problem.row, problem.field, problem.reason) for problem in refused] == [(2, "item_code", "repeated_code")]
    assert report.taken == {Outcome.CREATED: 2}


async def test_an_import_that_broke_off_goes_on(work: Callable[[], Work]) -> None:
    def broken() -> Iterable[bytes]:
        yield from (line(number) for number in range(1, 701))
        raise OSError("the disk went away")

    with pytest.raises(OSError, match="disk"):
        await imports.import_items(broken(), work())
    report, _, _ = await run((line(number) for number in range(1, 701)), work())
    assert report.taken == {Outcome.UNCHANGED: 500, Outcome.CREATED: 200}


async def test_an_organisation_is_named_as_most_of_its_rows_do(work: Callable[[], Work]) -> None:
    rows = [line(1, department="代办的局")]
    rows += [line(number, department="教科体局") for number in range(2, 702)]
    for expected in (Outcome.CREATED, None):
        report, _, warned = await run(rows, work())
        assert report.organisations.total() == (1 if expected else 0)
        assert [(problem.row, problem.reason) for problem in warned] == [(1, "organisation_name")]
        [organisation] = await organisations.list_organisations(OrganisationQuery(), None, 10, work())
        assert organisation.state.name.zh == "教科体局"
    # A department whose own code is the implementing one names itself, against any number of others.
    rows.append(line(900, department="本局", department_code=USCC.lower()))
    await run(rows, work())
    [organisation] = await organisations.list_organisations(OrganisationQuery(), None, 10, work())
    assert organisation.state.name.zh == "本局"
    assert (await run(rows, work()))[0].organisations.total() == 0


async def test_nothing_taken_is_a_failure(work: Callable[[], Work]) -> None:
    assert (await run([], work()))[0].failed
    assert (await run([b"x\n"], work()))[0].failed


def test_an_endless_line_stays_out_of_memory(tmp_path: Path) -> None:
    path = tmp_path / "items.jsonl"
    path.write_bytes(line(1) + b"x" * (3 * LONGEST_LINE) + b"\n" + line(2))
    lines = list(imports.lines_of(path))
    assert [len(found) > LONGEST_LINE for found in lines] == [False, True, False]
    assert max(map(len, lines)) == LONGEST_LINE + 1
    path.write_bytes(b"x" * LONGEST_LINE + b"\n" + line(2))
    assert len(list(imports.lines_of(path))) == 2


@pytest.mark.skipif(REAL_FILE is None, reason="the real service items are not on this machine")
async def test_the_real_items(work: Callable[[], Work]) -> None:
    assert REAL_FILE is not None
    report, refused, _ = await run(imports.lines_of(REAL_FILE), work())
    assert refused == []
    assert report.taken == {Outcome.CREATED: 935}
    # 129 codes carry no valid USCC, 2 of them none at all; counted by a plain reading of the file.
    assert report.warned == {"uscc_invalid": 127, "uscc_absent": 2, "organisation_name": 2}
    again, _, _ = await run(imports.lines_of(REAL_FILE), work())
    assert again.taken == {Outcome.UNCHANGED: 935}
    assert again.organisations.total() == 0
