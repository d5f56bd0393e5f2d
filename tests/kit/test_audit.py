"""Audit records: sealed in order, and every change of the past shows where it is."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import delete, func, insert, select, text, update
from sqlalchemy.exc import DBAPIError

from services.kit import audit
from services.kit.audit import AuditEntry, Head, Sealer, append_only_ddl, verify
from services.kit.clock import utc_now
from services.kit.service import Context
from tests.kit.conftest import work


def entry(number: int) -> AuditEntry:
    return AuditEntry(f"clerk-{number}", "accept", "cases", f"case-{number}", "staff", "desk", "lin", "受理")


async def record(context: Context, *numbers: int) -> None:
    for number in numbers:
        async with work(context) as unit:
            unit.audit(entry(number))


async def change(context: Context, *statements: Any) -> None:
    async with context.database.writing(), context.database.engine.begin() as connection:
        for statement in statements:
            await connection.execute(statement)


def row(number: int, at: datetime) -> dict[str, Any]:
    class At:
        def now(self) -> datetime:
            return at

    return {"id": number} | entry(number).row(At())  # type: ignore[arg-type]


async def places(context: Context) -> list[tuple[int, int | None]]:
    return [(finding.position, finding.audit_id) for finding in (await verify(context)).findings]


@pytest.fixture
async def sealed(context: Context, monkeypatch: pytest.MonkeyPatch) -> Context:
    """Seven sealed records; batches of three, so that every walk crosses batches."""
    monkeypatch.setattr(audit, "BATCH_ROWS", 3)
    await record(context, *range(1, 8))
    assert await Sealer(context).seal_waiting() == 7
    return context


async def test_records_are_sealed_in_order_and_only_once(sealed: Context) -> None:
    sealer = Sealer(sealed)
    assert await sealer.seal_waiting() == 0
    await record(sealed, 8)
    before = await verify(sealed)
    assert (before.checked, before.waiting, before.intact) == (7, 1, True)
    assert await sealer.seal_waiting() == 1
    after = await verify(sealed, [before.head])
    assert (after.checked, after.waiting, after.intact, after.head.position) == (8, 0, True, 8)
    seals = sealed.tables.audit.seals
    async with sealed.database.engine.connect() as connection:
        rows = (await connection.execute(select(seals).order_by(seals.c.position))).all()
    assert [(r.position, r.audit_id) for r in rows] == [(n, n) for n in range(1, 9)]
    assert len({r.hash for r in rows}) == 8


async def test_nothing_recorded_is_intact(context: Context) -> None:
    report = await verify(context)
    assert (report.checked, report.waiting, report.intact, report.head) == (0, 0, True, Head(0, audit.START))
    assert await Sealer(context).seal_waiting() == 0


async def test_a_unit_of_work_that_fails_leaves_no_record(context: Context) -> None:
    with pytest.raises(ZeroDivisionError):
        async with work(context) as unit:
            unit.audit(entry(1))
            raise ZeroDivisionError
    assert (await verify(context)).waiting == 0


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("actor", "somebody"),
        ("purpose", None),
        ("result", "refused"),
        ("on_behalf_of", ""),
        ("at", utc_now() - timedelta(days=1)),
    ],
)
async def test_a_changed_record_shows_where_it_is(sealed: Context, column: str, value: Any) -> None:
    table = sealed.tables.audit.audit
    await change(sealed, update(table).where(table.c.id == 4).values({column: value}))
    assert await places(sealed) == [(4, 4)]


async def test_a_removed_record_shows_where_it_was(sealed: Context) -> None:
    table, seals = sealed.tables.audit.audit, sealed.tables.audit.seals
    await change(sealed, delete(table).where(table.c.id == 5))
    report = await verify(sealed)
    assert [(f.position, f.audit_id, f.what) for f in report.findings] == [(5, 5, "the record was removed")]
    await change(sealed, delete(seals).where(seals.c.audit_id == 5))
    report = await verify(sealed)
    assert report.findings[0].what == "seals are missing up to position 5"
    assert [f.position for f in report.findings] == [5, 6]  # the hole, and what was chained to it


async def test_records_exchanged_show(sealed: Context) -> None:
    seals = sealed.tables.audit.seals
    park = update(seals).where(seals.c.position == 2).values(audit_id=99)
    move = update(seals).where(seals.c.position == 6).values(audit_id=2)
    back = update(seals).where(seals.c.position == 2).values(audit_id=6)
    await change(sealed, park, move, back)
    assert await places(sealed) == [(2, 6), (6, 2)]


async def test_a_changed_seal_shows(sealed: Context) -> None:
    seals = sealed.tables.audit.seals
    await change(sealed, update(seals).where(seals.c.position == 3).values(hash="f" * 64))
    assert await places(sealed) == [(3, 3), (4, 4)]


async def test_a_chain_cut_short_or_rewritten_shows_by_a_noted_head(sealed: Context) -> None:
    tables = sealed.tables.audit
    noted = (await verify(sealed)).head
    await change(sealed, delete(tables.seals).where(tables.seals.c.position > 5))
    await change(sealed, delete(tables.audit).where(tables.audit.c.id > 5))
    assert (await verify(sealed)).intact  # nothing in the database tells
    report = await verify(sealed, [noted])
    assert [(f.position, f.what) for f in report.findings] == [(7, "the chain ends before a noted position")]
    await record(sealed, 11, 12)
    await Sealer(sealed).seal_waiting()
    report = await verify(sealed, [noted])
    assert [(f.position, f.what) for f in report.findings] == [(7, "the hash is not the one that was noted")]


async def test_a_sealer_that_lives_through_a_cut_says_so(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    sealer, tables = Sealer(context), context.tables.audit
    said: list[str] = []
    monkeypatch.setattr(audit.log, "error", lambda event, **_: said.append(event))
    await record(context, 1, 2)
    await sealer.seal_waiting()
    await record(context, 3)
    await sealer.seal_waiting()
    assert said == []
    await change(context, delete(tables.seals).where(tables.seals.c.position == 3))
    await sealer.seal_waiting()
    assert said == ["audit.chain_changed"]


async def test_a_record_slipped_in_behind_shows(sealed: Context) -> None:
    table = sealed.tables.audit.audit
    await change(sealed, insert(table).values(row(-3, utc_now() - timedelta(days=2))))
    await Sealer(sealed).seal_waiting()
    report = await verify(sealed)
    assert [(f.position, f.audit_id) for f in report.findings] == [(8, -3)]
    assert "slipped in" in report.findings[0].what


async def test_a_record_slipped_in_where_no_sealer_looks_any_more_shows(context: Context) -> None:
    table = context.tables.audit.audit
    old = utc_now() - timedelta(hours=1)
    sealer = Sealer(context)
    await change(context, insert(table).values([row(number, old) for number in (1, 2, 4, 5)]))
    await sealer.seal_waiting()
    await change(context, insert(table).values(row(3, old)))
    assert await sealer.seal_waiting() == 0
    assert await places(context) == [(0, 3)]


async def test_a_lower_number_that_commits_later_is_sealed_and_no_finding(context: Context) -> None:
    table = context.tables.audit.audit
    sealer = Sealer(context)
    await change(context, insert(table).values([row(number, utc_now()) for number in (1, 2, 4)]))
    assert await sealer.seal_waiting() == 3
    await change(context, insert(table).values(row(3, utc_now())))
    assert await sealer.seal_waiting() == 1
    report = await verify(context)
    assert (report.checked, report.waiting, report.intact) == (4, 0, True)


async def test_old_records_are_not_read_again_but_young_numbers_are(context: Context) -> None:
    table = context.tables.audit.audit
    old = utc_now() - timedelta(hours=1)
    await change(context, insert(table).values([row(number, old) for number in range(1, 6)]))
    await change(context, insert(table).values([row(8, utc_now())]))
    sealer = Sealer(context)
    assert await sealer.seal_waiting() == 6
    assert sealer._floor == 5
    await change(context, insert(table).values([row(7, utc_now())]))
    assert await sealer.seal_waiting() == 1


async def test_two_sealers_make_one_chain(context: Context, make_context: Callable[..., Any]) -> None:
    url = context.database.url.render_as_string(hide_password=False)
    other = await make_context(url)
    stop = False

    async def keep_sealing(sealer: Sealer) -> int:
        count = 0
        while not stop:
            count += await sealer.seal_waiting()
            await asyncio.sleep(0)
        return count

    tasks = [asyncio.create_task(keep_sealing(Sealer(c))) for c in (context, other)]
    await asyncio.gather(*(record(c, *range(20)) for c in (context, other)))
    for _ in range(400):
        if not (await verify(context)).waiting:
            break
        await asyncio.sleep(0.05)
    stop = True
    assert sum(await asyncio.gather(*tasks)) == 40
    report = await verify(context)
    assert (report.checked, report.intact) == (40, True)


async def test_the_database_refuses_to_change_the_past(sealed: Context) -> None:
    tables, dialect = sealed.tables.audit, sealed.database.dialect
    await change(sealed, *(text(statement) for statement in append_only_ddl(dialect)))
    refused: list[Any] = [
        update(tables.audit).values(actor="x"),
        delete(tables.audit).where(tables.audit.c.id == 1),
        update(tables.seals).values(hash="x"),
        delete(tables.seals),
    ]
    if dialect == "sqlite":
        refused += [
            insert(tables.audit).prefix_with("OR REPLACE").values(row(1, utc_now())),
            insert(tables.seals).prefix_with("OR REPLACE").values(position=9, audit_id=1, hash="x"),
            insert(tables.seals).prefix_with("OR REPLACE").values(position=1, audit_id=9, hash="x"),
        ]
    else:
        refused += [text("TRUNCATE audit"), text("TRUNCATE audit_seals")]
    for statement in refused:
        with pytest.raises(DBAPIError, match="append-only"):
            await change(sealed, statement)
    await record(sealed, 8)  # and writing on goes as before
    await Sealer(sealed).seal_waiting()
    report = await verify(sealed)
    assert (report.checked, report.intact) == (8, True)


async def test_findings_are_bounded(sealed: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit, "MOST_FINDINGS", 2)
    await change(sealed, update(sealed.tables.audit.audit).values(actor="x"))
    assert await places(sealed) == [(1, 1), (2, 2)]


async def test_every_field_of_an_entry_is_kept(context: Context) -> None:
    whole = replace(entry(1), result="refused")
    async with work(context) as unit:
        unit.audit(whole)
    async with context.database.engine.connect() as connection:
        kept = (await connection.execute(select(context.tables.audit.audit))).one()
        assert (await connection.execute(select(func.count()).select_from(context.tables.audit.audit))).scalar() == 1
    assert {name: getattr(kept, name) for name in whole.__dataclass_fields__} == {
        name: getattr(whole, name) for name in whole.__dataclass_fields__
    }
    assert kept.at.tzinfo is not None
