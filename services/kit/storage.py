"""Files: encrypted objects in a folder (`file:///path`) or a bucket of the S3 protocol (`s3://bucket/prefix`).

    storage = Storage(settings, crypto)
    stored = await storage.put(new_key("drafts/0190…"), chunks, max_bytes=10_000_000, allowed={"application/pdf"})
    async for chunk in storage.get(stored.key): ...

What is put is encrypted as it streams, its key being part of what is sealed: an object moved to another key does not
decrypt. It is there whole or not at all. Keys end in a random id, never in anything of the content, so that nobody
learns from a key what others hold. A bucket's access key, region and endpoint come from the AWS_* variables that every
tool reads; give the bucket a lifecycle rule that ends unfinished multipart uploads after a day.
"""

import asyncio
import hashlib
import os
import re
from collections.abc import AsyncIterator, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

import obstore
from obstore.exceptions import BaseError
from obstore.store import LocalStore, S3Store

from services.kit.crypto import CHUNK, Crypto
from services.kit.errors import Kind, NotFound, TongbanError, TooLarge, Unsupported
from services.kit.ids import new_id
from services.kit.settings import ServiceSettings, SettingsError
from services.kit.telemetry import cause_of, log
from services.kit.uploads import HEAD_BYTES, media_type_of

if TYPE_CHECKING:
    from obstore.store import ObjectStore

PART_BYTES = 5 * 1024 * 1024
"""The smallest part that the S3 protocol takes; what one upload holds in memory is a few of them."""

_KEY = re.compile(r"[a-z0-9_-]+(/[a-z0-9_-]+)*")
_STAGED = re.compile(r".+#\d+")


class StorageAway(TongbanError):
    kind, slug, title = Kind.UNAVAILABLE, "storage-away", "Files cannot be reached just now"


class FileMissing(NotFound):
    slug, title = "file-missing", "The file is not there"


@dataclass(frozen=True, slots=True)
class StoredFile:
    """What was put: where, how many bytes and their SHA-256 before encryption, the type that the content shows."""

    key: str
    size: int
    sha256: str
    media_type: str | None


def new_key(prefix: str) -> str:
    """A key under `prefix` that nobody can guess."""
    return f"{prefix}/{new_id()}"


class Storage:
    """A service's files. Opens nothing before it is used, so that a warmed parent may fork with one."""

    def __init__(self, settings: ServiceSettings, crypto: Crypto) -> None:
        self._settings = settings
        self._crypto = crypto

    @cached_property
    def _folder(self) -> Path | None:
        """The folder of a file: storage; None for a bucket."""
        parts = urlsplit(self._settings.storage_url)
        return Path(unquote(parts.path)) if parts.scheme == "file" and not parts.netloc and parts.path else None

    @cached_property
    def _store(self) -> "ObjectStore":
        url = self._settings.storage_url
        if self._folder is not None:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            return LocalStore(self._folder, automatic_cleanup=True)
        if url.startswith("s3://"):
            return S3Store.from_url(url)
        raise SettingsError(f"{self._settings.environment_names('storage_url')[0]}: file:///path or s3://bucket/prefix")

    async def put(
        self,
        key: str,
        chunks: AsyncIterator[bytes],
        *,
        max_bytes: int | None = None,
        allowed: Collection[str] | None = None,
    ) -> StoredFile:
        """Encrypt and keep a stream under `key`. Nothing stays when it breaks off or is refused.

        Raises TooLarge as soon as `max_bytes` are passed, Unsupported when the content shows no type of `allowed`,
        StorageAway, and whatever `chunks` raises.
        """
        source = _Source(chunks, max_bytes, allowed)
        with _outage():
            # Two parts at a time: twelve, as the library would, are 60 MB for each upload.
            await obstore.put_async(
                self._store,
                _checked(key),
                self._crypto.encrypt_file(source.read(), key),
                chunk_size=PART_BYTES,
                max_concurrency=2,
            )
            if self._folder is not None:
                await asyncio.to_thread(_settle, self._folder / key)
        return StoredFile(key, source.size, source.digest.hexdigest(), source.media_type)

    async def get(self, key: str) -> AsyncIterator[bytes]:
        """The content of `key`. Raises FileMissing, StorageAway; Tampered when it is not what was put."""
        with _outage():
            try:
                found = await obstore.get_async(self._store, _checked(key))
            except FileNotFoundError:
                raise FileMissing from None
            async for chunk in self._crypto.decrypt_file(_bytes_of(found), key):
                yield chunk

    async def delete(self, key: str) -> None:
        """Remove `key`; none there is fine. Raises StorageAway."""
        with _outage():
            try:
                await obstore.delete_async(self._store, _checked(key))
            except FileNotFoundError:
                return

    async def sweep(self, prefix: str, known: Collection[str], older_than: datetime) -> int:
        """Remove the objects under `prefix` that nobody knows and that were written before `older_than`. How many.

        An upload's row must be there before the upload begins or within that time, else its object is taken for an
        orphan. Raises StorageAway.
        """
        orphans = []
        with _outage():
            async for batch in obstore.list(self._store, prefix=_checked(prefix)):
                orphans += [m["path"] for m in batch if m["path"] not in known and m["last_modified"] < older_than]
        for key in orphans:
            await self.delete(key)
        removed = len(orphans) + await self.remove_unfinished(prefix, older_than)
        if removed:
            log.info("storage.orphans_removed", count=removed)
        return removed

    async def remove_unfinished(self, prefix: str, older_than: datetime) -> int:
        """Remove what uploads that were killed before `older_than` left in a folder. How many; a bucket does it itself.

        Such files are hidden: no key leads to them and no list shows them.
        """
        if self._folder is None:
            return 0
        return await asyncio.to_thread(_remove_staged, self._folder / _checked(prefix), older_than)


class _Source:
    """The clear stream on its way in: measured, hashed, its type seen before the first byte is passed on."""

    def __init__(self, chunks: AsyncIterator[bytes], max_bytes: int | None, allowed: Collection[str] | None) -> None:
        self.size = 0
        self.digest = hashlib.sha256()
        self.media_type: str | None = None
        self._chunks = chunks
        self._max_bytes = max_bytes
        self._allowed = allowed

    async def read(self) -> AsyncIterator[bytes]:
        head: bytes | None = b""
        async for chunk in self._chunks:
            self.size += len(chunk)
            if self._max_bytes is not None and self.size > self._max_bytes:
                raise TooLarge(f"at most {self._max_bytes} bytes", limit=self._max_bytes)
            self.digest.update(chunk)
            if head is None:
                yield chunk
            elif len(head := head + chunk) >= HEAD_BYTES:
                self._see(head)
                yield head
                head = None
        if head is not None:
            self._see(head)
            yield head

    def _see(self, head: bytes) -> None:
        self.media_type = media_type_of(head[:HEAD_BYTES])
        if self._allowed is not None and self.media_type not in self._allowed:
            raise Unsupported(f"taken are {', '.join(sorted(self._allowed))}")


def _checked(key: str) -> str:
    if not _KEY.fullmatch(key):
        raise ValueError(f"no key of the storage: {key!r}")
    return key


@contextmanager
def _outage() -> Iterator[None]:
    """The storage's own troubles as StorageAway."""
    try:
        yield
    except (BaseError, OSError) as error:
        log.warning("storage.failed", cause=cause_of(error))
        raise StorageAway from error


async def _bytes_of(found: "obstore.GetResult") -> AsyncIterator[bytes]:
    async for chunk in found.stream(min_chunk_size=CHUNK):
        yield bytes(chunk)


def _settle(path: Path) -> None:
    """Bring a file and its name to the disk, readable by us alone: an upload that was answered survives a power cut."""
    file = os.open(path, os.O_RDONLY)
    try:
        os.fchmod(file, 0o600)
        os.fsync(file)
    finally:
        os.close(file)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _remove_staged(folder: Path, older_than: datetime) -> int:
    removed = 0
    for path in folder.rglob("*#*"):
        if _STAGED.fullmatch(path.name) and path.is_file() and path.stat().st_mtime < older_than.timestamp():
            path.unlink(missing_ok=True)
            removed += 1
    return removed
