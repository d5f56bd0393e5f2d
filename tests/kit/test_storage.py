"""Files in the storage: whole or not at all, unreadable to others, in their place only."""

# ruff: noqa: ASYNC240 - a test may look at its files

import asyncio
import hashlib
import os
import time
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from services.kit.clock import utc_now
from services.kit.crypto import CHUNK, Crypto, Tampered
from services.kit.errors import TooLarge, Unsupported
from services.kit.settings import SettingsError
from services.kit.storage import FileMissing, Storage, StorageAway, new_key
from services.kit.uploads import media_type_of, safe_filename
from tests.kit.conftest import MASTER

PDF = b"%PDF-1.7\n" + b"text of a document " * 10


async def pieces(content: bytes, size: int = 1000) -> AsyncIterator[bytes]:
    for start in range(0, len(content), size):
        yield content[start : start + size]


async def whole(storage: Storage, key: str) -> bytes:
    return b"".join([chunk async for chunk in storage.get(key)])


def files_of(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "files with space"


@pytest.fixture
async def storage(sqlite_url: str, folder: Path, make_context: Callable[..., Any]) -> Storage:
    url = folder.as_uri()
    context = await make_context(sqlite_url, storage_url=url, master_key=SecretStr(MASTER))
    crypto = Crypto(context)
    await crypto.load()
    return Storage(context.settings, crypto)


@pytest.mark.parametrize("size", [0, 1, 63, 64, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK, 6_000_000])
async def test_what_is_put_comes_back(storage: Storage, folder: Path, size: int) -> None:
    content = (PDF + os.urandom(size))[:size]
    stored = await storage.put(new_key("drafts/a"), pieces(content, 50_000))
    assert (stored.size, stored.sha256) == (size, hashlib.sha256(content).hexdigest())
    assert await whole(storage, stored.key) == content
    [path] = files_of(folder)
    assert path.stat().st_mode & 0o777 == 0o600
    assert folder.stat().st_mode & 0o777 == 0o700
    assert content == b"" or size < 16 or content[:16] not in path.read_bytes()


async def test_a_file_too_large_is_refused_while_it_comes_and_leaves_nothing(storage: Storage, folder: Path) -> None:
    asked = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal asked
        while True:
            asked += 1
            yield PDF

    with pytest.raises(TooLarge) as refused:
        await storage.put("drafts/b", endless(), max_bytes=10 * len(PDF))
    assert asked == 11
    assert refused.value.members == {"limit": 10 * len(PDF)}
    assert files_of(folder) == []
    assert (await storage.put("drafts/b", pieces(PDF), max_bytes=len(PDF))).size == len(PDF)


@pytest.mark.parametrize(
    "content", [b"", b"MZ\x90\x00", b"<html>", b"%PDX-1.7 but no", b"\xff\xd8", bytes(range(7, 107))]
)
async def test_the_type_is_what_the_content_shows(storage: Storage, folder: Path, content: bytes) -> None:
    with pytest.raises(Unsupported):
        await storage.put("drafts/c", pieces(content, 1), allowed={"application/pdf", "image/png"})
    assert files_of(folder) == []
    stored = await storage.put("drafts/c", pieces(PDF, 1), allowed={"application/pdf", "image/png"})
    assert stored.media_type == "application/pdf"


async def test_an_upload_that_breaks_off_leaves_nothing(storage: Storage, folder: Path) -> None:
    class ClientGone(Exception):
        pass

    async def breaking() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield os.urandom(100_000)
        raise ClientGone

    with pytest.raises(ClientGone):
        await storage.put("drafts/d", breaking())
    assert files_of(folder) == []

    async def hanging() -> AsyncIterator[bytes]:
        yield os.urandom(6_000_000)
        await asyncio.sleep(60)

    task = asyncio.create_task(storage.put("drafts/d", hanging()))
    await asyncio.sleep(0.2)
    with pytest.raises(FileMissing):
        await whole(storage, "drafts/d")
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.sleep(0.2)
    assert files_of(folder) == []


async def test_an_object_moved_or_changed_is_not_read(storage: Storage, folder: Path) -> None:
    await storage.put("drafts/one", pieces(PDF))
    (folder / "drafts/one").rename(folder / "drafts/two")
    with pytest.raises(Tampered):
        await whole(storage, "drafts/two")
    await storage.put("drafts/one", pieces(PDF))
    path = folder / "drafts/one"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(Tampered):
        await whole(storage, "drafts/one")


async def test_what_is_deleted_is_gone_and_deleting_it_again_is_fine(storage: Storage, folder: Path) -> None:
    await storage.put("drafts/a/one", pieces(PDF))
    await storage.delete("drafts/a/one")
    await storage.delete("drafts/a/one")
    assert not list(folder.rglob("*"))
    with pytest.raises(FileMissing):
        await whole(storage, "drafts/a/one")


async def test_a_sweep_removes_old_orphans_only(storage: Storage, folder: Path) -> None:
    for name in ("drafts/known", "drafts/orphan", "drafts/new", "cases/other"):
        await storage.put(name, pieces(PDF))
    (folder / "drafts/killed#1").write_bytes(b"x")
    (folder / "drafts/running#1").write_bytes(b"x")
    past = time.time() - 7200
    for name in ("drafts/known", "drafts/orphan", "drafts/killed#1", "cases/other"):
        os.utime(folder / name, (past, past))
    assert await storage.sweep("drafts", {"drafts/known"}, utc_now() - timedelta(hours=1)) == 2
    left = {str(path.relative_to(folder)) for path in files_of(folder)}
    assert left == {"drafts/known", "drafts/new", "drafts/running#1", "cases/other"}


@pytest.mark.parametrize("key", ["", "/etc/passwd", "../x", "a/../../x", "a//b", "a/", "A", "a b", "a#1", "a\n"])
async def test_a_key_stays_inside(storage: Storage, key: str) -> None:
    with pytest.raises(ValueError, match="no key"):
        await storage.put(key, pieces(PDF))
    with pytest.raises(ValueError, match="no key"):
        await whole(storage, key)
    with pytest.raises(ValueError, match="no key"):
        await storage.delete(key)


async def test_a_storage_that_is_away_is_an_outage(storage: Storage, folder: Path) -> None:
    folder.parent.mkdir(exist_ok=True)
    folder.write_text("a file where the folder should be")
    with pytest.raises(StorageAway):
        await storage.put("drafts/a", pieces(PDF))


@pytest.mark.parametrize("url", ["", "files", "http://x/y", "file://host/x"])
async def test_a_storage_that_cannot_be_used_is_named(
    sqlite_url: str, make_context: Callable[..., Any], url: str
) -> None:
    context = await make_context(sqlite_url, storage_url=url, master_key=SecretStr(MASTER))
    crypto = Crypto(context)
    await crypto.load()
    with pytest.raises(SettingsError, match="TONGBAN_NOTIFY_STORAGE_URL"):
        await Storage(context.settings, crypto).put("a", pieces(PDF))


@pytest.mark.parametrize(
    ("given_name", "media_type", "expected"),
    [
        ("居住证明.pdf", "application/pdf", "居住证明.pdf"),
        ("photo.JPEG", "image/jpeg", "photo.jpeg"),
        ("C:\\Users\\x\\scan.png", "image/png", "scan.png"),
        ("../../etc/passwd", "application/pdf", "passwd.pdf"),
        ("bill\u202efdp.exe", "application/pdf", "billfdp.exe.pdf"),
        ("a\r\nb\x00.pdf", "application/pdf", "a b.pdf"),
        ("a\r\x00 b.pdf", "application/pdf", "a b.pdf"),
        ("cafe\u202e\u0301.pdf", "application/pdf", "café.pdf"),
        ("cafe\u0301.pdf", "application/pdf", "café.pdf"),
        ("", "application/pdf", "file.pdf"),
        ("...", None, "file"),
        (".htaccess", None, "htaccess"),
        ("notes.txt", None, "notes.txt"),
        ("x" * 300 + ".pdf", "application/pdf", "x" * 96 + ".pdf"),
    ],
)
def test_names_are_made_harmless(given_name: str, media_type: str | None, expected: str) -> None:
    assert safe_filename(given_name, media_type) == expected


@given(st.text(max_size=400), st.sampled_from([None, "application/pdf", "image/jpeg"]))
def test_no_name_is_harmful(name: str, media_type: str | None) -> None:
    found = safe_filename(name, media_type)
    assert 0 < len(found) <= 100
    assert not set(found) & set('/\\<>:"|?*\x00\r\n\u202e\u2066\u200f')
    assert found == found.strip(" .")
    assert safe_filename(found, media_type) == found


@pytest.mark.parametrize(
    ("head", "media_type"),
    [
        (b"%PDF-1.4", "application/pdf"),
        (b"\x89PNG\r\n\x1a\n", "image/png"),
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"GIF89a", "image/gif"),
        (b"RIFF\x01\n\x03\x04WEBPVP8 ", "image/webp"),
        (b"PK\x03\x04" + b"\n" * 26 + b"OFD.xml", "application/ofd"),
        (b"PK\x03\x04" + b"\n" * 26 + b"word.xml", None),
        (b" %PDF-1.4", None),
    ],
)
def test_types_by_content(head: bytes, media_type: str | None) -> None:
    assert media_type_of(head) == media_type
