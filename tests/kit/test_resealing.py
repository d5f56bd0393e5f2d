"""Changing a data key: everything sealed before is sealed anew, beside a working service."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import asyncpg
import pytest
from pydantic import SecretStr
from sqlalchemy import Column, Integer, MetaData, String, Table, insert, select, update

from services.kit import resealing
from services.kit.columns import SealedBytes, sealed_place
from services.kit.crypto import Crypto, Tampered
from services.kit.db import kit_tables
from services.kit.resealing import reseal, sealed_columns
from services.kit.service import Context
from tests.kit.conftest import MASTER, TinySettings

METADATA = MetaData()
TABLES = kit_tables(METADATA)
PEOPLE = Table(
    "people",
    METADATA,
    Column("id", String(32), primary_key=True),
    Column("name", SealedBytes, nullable=False),
    Column("note", SealedBytes),
)
STEPS = Table(
    "steps",
    METADATA,
    Column("case_id", String(32), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("words", SealedBytes, nullable=False),
)


@pytest.fixture
async def sealing(database_url: str, make_context: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> Context:
    """Five people, two with a note, and five steps, under the first key; batches of two."""
    monkeypatch.setattr(resealing, "BATCH_ROWS", 2)
    made = await make_context(database_url, master_key=SecretStr(MASTER))
    context = Context(TinySettings(profile="test", master_key=SecretStr(MASTER)), made.database, TABLES)
    async with context.database.engine.begin() as connection:
        await connection.run_sync(METADATA.create_all)
    crypto = context.crypto = Crypto(context)
    await crypto.load()
    async with context.database.engine.begin() as connection:
        for number in range(5):
            name = crypto.encrypt(f"name {number}".encode(), sealed_place("people", "name", number))
            note = crypto.encrypt(b"note", sealed_place("people", "note", number)) if number < 2 else None
            words = crypto.encrypt(b"words", sealed_place("steps", "words", "case", number))
            await connection.execute(insert(PEOPLE).values(id=str(number), name=name, note=note))
            await connection.execute(insert(STEPS).values(case_id="case", version=number, words=words))
    return context


async def fields(context: Context) -> list[tuple[str, bytes]]:
    """Place and ciphertext of every field."""
    async with context.database.engine.connect() as connection:
        people = (await connection.execute(select(PEOPLE).order_by(PEOPLE.c.id))).all()
        steps = (await connection.execute(select(STEPS).order_by(STEPS.c.version))).all()
    found = [(f"people.name/{row.id}", row.name) for row in people]
    found += [(f"people.note/{row.id}", row.note) for row in people if row.note is not None]
    return found + [(f"steps.words/{row.case_id}.{row.version}", row.words) for row in steps]


async def test_every_field_is_sealed_anew_in_its_place(sealing: Context) -> None:
    crypto = sealing.crypto
    assert crypto is not None
    before = {place: crypto.decrypt(blob, place) for place, blob in await fields(sealing)}
    old = crypto.active_key
    assert (await reseal(sealing)).renewed == 0
    new = await crypto.rotate(at_once=True)
    done = await reseal(sealing)
    assert (done.renewed, done.unreadable, done.left) == (12, 0, 0)
    after = await fields(sealing)
    assert {Crypto.key_of(blob) for _, blob in after} == {new} != {old}
    assert {place: crypto.decrypt(blob, place) for place, blob in after} == before
    assert (await reseal(sealing)).renewed == 0


async def test_a_field_that_cannot_be_read_is_counted_and_holds_up_nothing(sealing: Context) -> None:
    crypto = sealing.crypto
    assert crypto is not None
    async with sealing.database.engine.begin() as connection:
        moved = select(PEOPLE.c.name).where(PEOPLE.c.id == "0").scalar_subquery()
        await connection.execute(update(PEOPLE).where(PEOPLE.c.id == "1").values(name=moved))
    await crypto.rotate(at_once=True)
    done = await reseal(sealing)
    assert (done.renewed, done.unreadable, done.left) == (11, 1, 0)
    bad = dict(await fields(sealing))["people.name/1"]
    with pytest.raises(Tampered):
        crypto.decrypt(bad, "people.name/1")


# On PostgreSQL alone: SQLite has one writer, nothing comes between reading and writing.
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_what_the_service_writes_meanwhile_is_not_undone(
    sealing: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    crypto = sealing.crypto
    assert crypto is not None
    await crypto.rotate(at_once=True)
    newer, renewed = crypto.encrypt(b"newer", "people.name/3"), crypto.renewed
    dsn = sealing.database.url.set(drivername="postgresql").render_as_string(hide_password=False)

    def meanwhile(blob: bytes, place: str) -> bytes | None:
        if place == "people.name/3":
            with ThreadPoolExecutor(1) as pool:
                pool.submit(asyncio.run, write()).result()
        return renewed(blob, place)

    async def write() -> None:
        connection = await asyncpg.connect(dsn)
        await connection.execute("UPDATE people SET name = $1 WHERE id = '3'", newer)
        await connection.close()

    monkeypatch.setattr(crypto, "renewed", meanwhile)
    done = await reseal(sealing)
    assert (done.renewed, done.left) == (11, 0)
    assert dict(await fields(sealing))["people.name/3"] == newer


def test_sealed_columns_are_found_by_their_type() -> None:
    found = {f"{column.table.name}.{column.name}" for column in sealed_columns(METADATA.sorted_tables)}
    assert found == {"people.name", "people.note", "steps.words"}
