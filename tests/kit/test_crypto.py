"""Encryption at rest: what is sealed opens in its place only, under keys that can be changed."""

import base64
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr
from sqlalchemy import select

from services.kit.crypto import CHUNK, PUBLISH_SECONDS, Crypto, CryptoError, Tampered, UnknownKey, WrongMasterKey
from tests.kit.conftest import MASTER, TABLES

OTHER = base64.b64encode(b"o" * 32).decode()
PLACE = "cases.answers/1"
SEALED = CHUNK + 16
HEADER = 21


async def pieces(content: bytes, size: int = 10_000) -> AsyncIterator[bytes]:
    for start in range(0, len(content), size):
        yield content[start : start + size]


async def joined(chunks: AsyncIterator[bytes]) -> bytes:
    return b"".join([chunk async for chunk in chunks])


@pytest.fixture
async def make_crypto(database_url: str, make_context: Callable[..., Any]) -> Callable[..., Any]:
    """Make one process's keys over the test's database; `at` shifts its clock."""

    async def make(master: str = MASTER, *, load: bool = True, at: timedelta = timedelta(), **settings: Any) -> Crypto:
        context = await make_context(database_url, master_key=SecretStr(master), **settings)
        clock = context.clock
        context.clock = lambda: clock() + at
        crypto = Crypto(context)
        if load:
            await crypto.load()
        return crypto

    return make


async def test_a_field_opens_in_its_place_only(make_crypto: Callable[..., Any]) -> None:
    crypto = await make_crypto()
    sealed = crypto.encrypt("林晓梅".encode(), PLACE)
    assert crypto.decrypt(sealed, PLACE).decode() == "林晓梅"
    assert "林晓梅".encode() not in sealed
    assert sealed != crypto.encrypt("林晓梅".encode(), PLACE)
    with pytest.raises(Tampered):
        crypto.decrypt(sealed, "cases.answers/2")


@pytest.mark.parametrize("at", [0, 5, 17, -1])
async def test_a_changed_field_is_refused(make_crypto: Callable[..., Any], at: int) -> None:
    crypto = await make_crypto()
    sealed = bytearray(crypto.encrypt(b"text", PLACE))
    sealed[at] ^= 1
    with pytest.raises(Tampered):
        crypto.decrypt(bytes(sealed), PLACE)


async def test_a_field_under_a_key_nobody_has_is_said_to_be_one(make_crypto: Callable[..., Any]) -> None:
    crypto = await make_crypto()
    sealed = crypto.encrypt(b"text", PLACE)
    with pytest.raises(UnknownKey):
        crypto.decrypt(sealed[:1] + b"\xff\xff\xff\xff" + sealed[5:], PLACE)


async def test_the_blind_index_is_keyed_and_normalised(make_crypto: Callable[..., Any]) -> None:
    crypto = await make_crypto()
    assert crypto.blind_index(" ＬIN ", "username") == crypto.blind_index("lin", "username")
    assert crypto.blind_index("lin", "username") != crypto.blind_index("lin", "name")
    again = await make_crypto()
    assert again.blind_index("lin", "username") == crypto.blind_index("lin", "username")
    await crypto.rotate(at_once=True)
    assert again.blind_index("lin", "username") == crypto.blind_index("lin", "username")


async def test_nothing_is_indexed_before_the_keys_are_loaded(make_crypto: Callable[..., Any]) -> None:
    # An empty key would give a digest that anybody can compute.
    crypto = await make_crypto(load=False)
    with pytest.raises(CryptoError):
        crypto.blind_index("lin", "username")


async def test_two_processes_that_start_together_read_each_other(make_crypto: Callable[..., Any]) -> None:
    one, other = await make_crypto(), await make_crypto()
    assert other.decrypt(one.encrypt(b"text", PLACE), PLACE) == b"text"
    assert one.active_key == other.active_key


async def test_a_new_key_is_known_before_it_is_written_with(make_crypto: Callable[..., Any]) -> None:
    one, other = await make_crypto(), await make_crypto()
    later = await make_crypto(at=timedelta(seconds=PUBLISH_SECONDS + 1))
    old = one.encrypt(b"old", PLACE)
    new_key = await one.rotate()
    assert new_key != one.active_key
    await later.refresh()
    assert later.active_key == new_key
    sealed = later.encrypt(b"new", PLACE)
    assert Crypto.key_of(sealed) == new_key
    await other.refresh()
    assert (other.decrypt(sealed, PLACE), later.decrypt(old, PLACE)) == (b"new", b"old")


async def test_the_master_key_changes_and_what_was_sealed_stays_readable(make_crypto: Callable[..., Any]) -> None:
    before = await make_crypto()
    sealed = before.encrypt(b"text", PLACE)
    digest = before.blind_index("lin", "username")
    await before.rotate(at_once=True)
    changing = await make_crypto(OTHER, previous_master_keys=[MASTER])
    assert await changing.rewrap() == 3
    assert await changing.rewrap() == 0
    after = await make_crypto(OTHER)
    assert after.decrypt(sealed, PLACE) == b"text"
    assert after.blind_index("lin", "username") == digest
    with pytest.raises(WrongMasterKey):
        await make_crypto(MASTER)


async def test_a_data_key_moved_to_another_row_does_not_unwrap(make_crypto: Callable[..., Any]) -> None:
    crypto = await make_crypto()
    await crypto.rotate(at_once=True)
    table = TABLES.data_keys
    async with crypto._context.database.engine.begin() as connection:
        rows = (await connection.execute(select(table).where(table.c.purpose == "data"))).all()
        here, there = rows
        change = table.update().where(table.c.id == here.id).values(wrapped=there.wrapped)
        await connection.execute(change)
    with pytest.raises(Tampered):
        await crypto.refresh()


@pytest.mark.parametrize("size", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 3 * CHUNK + 5])
async def test_a_file_comes_back(make_crypto: Callable[..., Any], size: int) -> None:
    crypto = await make_crypto()
    content = bytes(number % 251 for number in range(size))
    sealed = await joined(crypto.encrypt_file(pieces(content), "files/a"))
    for step in (7 if size < 10 else 1000, 70_000, 10_000_000):
        assert await joined(crypto.decrypt_file(pieces(sealed, step), "files/a")) == content


def _parts(sealed: bytes) -> tuple[bytes, list[bytes]]:
    body = sealed[HEADER:]
    return sealed[:HEADER], [body[start : start + SEALED] for start in range(0, len(body), SEALED)]


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda h, p: h + p[0], id="cut off after a chunk"),
        pytest.param(lambda h, p: h + p[0] + p[1] + p[2][:-1], id="cut off inside the last"),
        pytest.param(lambda h, p: h + p[0] + p[1] + p[2][:8], id="cut off inside a tag"),
        pytest.param(lambda h, p: h, id="header alone"),
        pytest.param(lambda h, p: h[:10], id="half a header"),
        pytest.param(lambda h, p: b"", id="nothing"),
        pytest.param(lambda h, p: h + p[1] + p[0] + p[2], id="chunks swapped"),
        pytest.param(lambda h, p: h + p[0] + p[2], id="a chunk left out"),
        pytest.param(lambda h, p: h + p[0] + p[0] + p[1] + p[2], id="a chunk twice"),
        pytest.param(lambda h, p: h + b"".join(p) + p[2], id="something after the end"),
        pytest.param(lambda h, p: h[:6] + bytes([h[6] ^ 1]) + h[7:] + b"".join(p), id="another salt"),
        pytest.param(lambda h, p: b"\x01" + h[1:] + b"".join(p), id="another kind"),
    ],
)
async def test_a_damaged_file_is_refused(
    make_crypto: Callable[..., Any], damage: Callable[[bytes, list[bytes]], bytes]
) -> None:
    crypto = await make_crypto()
    sealed = await joined(crypto.encrypt_file(pieces(b"x" * (2 * CHUNK + 100)), "files/a"))
    header, parts = _parts(sealed)
    assert len(parts) == 3
    with pytest.raises(Tampered):
        await joined(crypto.decrypt_file(pieces(damage(header, parts)), "files/a"))


async def test_a_file_opens_in_its_place_only(make_crypto: Callable[..., Any]) -> None:
    crypto = await make_crypto()
    sealed = await joined(crypto.encrypt_file(pieces(b"content"), "files/a"))
    with pytest.raises(Tampered):
        await joined(crypto.decrypt_file(pieces(sealed), "files/b"))


async def test_a_file_of_before_a_rotation_opens_after_it(make_crypto: Callable[..., Any]) -> None:
    crypto = await make_crypto()
    sealed = await joined(crypto.encrypt_file(pieces(b"content"), "files/a"))
    await crypto.rotate(at_once=True)
    assert await joined(crypto.decrypt_file(pieces(sealed), "files/a")) == b"content"


@given(blob=st.binary(max_size=80))
def test_noise_is_an_error_of_ours(blob: bytes) -> None:
    # Whatever stands in a column: one of our errors, never another.
    crypto = Crypto.__new__(Crypto)
    crypto._data = {}
    with pytest.raises(CryptoError):
        crypto.decrypt(blob, PLACE)


async def test_old_fields_are_sealed_anew(make_crypto: Callable[..., Any]) -> None:
    crypto = await make_crypto()
    sealed = crypto.encrypt(b"text", PLACE)
    assert crypto.renewed(sealed, PLACE) is None
    await crypto.rotate(at_once=True)
    anew = crypto.renewed(sealed, PLACE)
    assert anew is not None
    assert (Crypto.key_of(anew), crypto.decrypt(anew, PLACE)) == (crypto.active_key, b"text")
    with pytest.raises(Tampered):
        crypto.renewed(sealed, "cases.answers/2")
