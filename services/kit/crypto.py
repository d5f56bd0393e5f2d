"""Encryption at rest: fields, files, and a blind index to look encrypted values up by.

AES-256-GCM with the key's id in the ciphertext and the place (table, column, row) as associated data, so that a value
moved elsewhere does not decrypt. Data keys are kept in the service's database, wrapped by the master key of the
settings; a new one is published a minute before anybody writes with it, so that every process knows it by then.
"""

import base64
import hashlib
import hmac
import os
import unicodedata
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from sqlalchemy import Column, LargeBinary, MetaData, String, Table, insert, select, update

from services.kit.columns import UtcDateTime
from services.kit.settings import ServiceSettings, SettingsError
from services.kit.telemetry import cause_of, log

if TYPE_CHECKING:
    from services.kit.service import Context

CHUNK = 64 * 1024
PUBLISH_SECONDS = 60
REFRESH_SECONDS = 20
_FIELD, _FILE = b"\x01", b"\x02"


class CryptoError(Exception):
    """Something encrypted cannot be read."""


class UnknownKey(CryptoError):
    """The ciphertext names a data key that this service does not have."""


class WrongMasterKey(CryptoError, SettingsError):
    """A data key is wrapped by a master key that the settings do not hold."""


class Tampered(CryptoError):
    """The ciphertext, its place or its length is not what was written."""


def data_keys_table(metadata: MetaData) -> Table:
    """Data keys, wrapped by the master key. `purpose` is data or index."""
    return Table(
        "data_keys",
        metadata,
        Column("id", String(8), primary_key=True),
        Column("purpose", String(8), nullable=False),
        Column("wrapped", LargeBinary, nullable=False),
        Column("master", String(8), nullable=False),
        Column("active_from", UtcDateTime, nullable=False),
        Column("created_at", UtcDateTime, nullable=False),
    )


@dataclass(frozen=True)
class _DataKey:
    id: str
    secret: bytes
    active_from: datetime


def _master_id(master: bytes) -> str:
    return hashlib.sha256(b"tongban master" + master).hexdigest()[:8]


def master_keys(settings: ServiceSettings) -> list[bytes]:
    """The master keys of the settings, the one to wrap with first. Raises SettingsError."""
    found = []
    for secret in (settings.master_key, *settings.previous_master_keys):
        try:
            key = base64.b64decode(secret.get_secret_value(), validate=True)
        except ValueError:
            key = b""
        if len(key) != 32:
            raise SettingsError(f"{settings.environment_names('master_key')[0]}: 32 bytes in base64 are needed")
        found.append(key)
    return found


class Crypto:
    """A service's keys. `load` once at the start; `run` keeps them fresh; all else needs no waiting."""

    name = "crypto"

    def __init__(self, context: "Context") -> None:
        self._context = context
        self._masters: dict[str, bytes] = {}
        self._data: dict[str, _DataKey] = {}
        self._index = b""

    async def load(self) -> None:
        """Read the keys; make the first ones in a new database. Raises WrongMasterKey, SettingsError."""
        masters = master_keys(self._context.settings)
        self._masters = {_master_id(master): master for master in masters}
        table = self._context.tables.data_keys
        async with self._context.database.writing(), self._context.database.engine.begin() as connection:
            rows = (await connection.execute(select(table))).all()
            for purpose in {"data", "index"} - {row.purpose for row in rows}:
                # The first key has a fixed id: two processes that start together agree on one.
                row = self._new_row(purpose, "0" * 7 + ("d" if purpose == "data" else "1"), timedelta())
                try:
                    async with connection.begin_nested():
                        await connection.execute(insert(table).values(row))
                except Exception as error:
                    log.info("crypto.first_key_was_made_elsewhere", cause=cause_of(error))
            rows = (await connection.execute(select(table))).all()
        self._take(rows)

    async def run(self) -> None:
        """Notice keys that another process made."""
        import asyncio

        while True:
            await asyncio.sleep(REFRESH_SECONDS)
            await self.refresh()

    async def health(self) -> str | None:
        return None if self._data else "no keys"

    async def refresh(self) -> None:
        """Read the keys again."""
        async with self._context.database.reading() as connection:
            self._take((await connection.execute(select(self._context.tables.data_keys))).all())

    def _take(self, rows: Sequence[Any]) -> None:
        data = {}
        for row in rows:
            secret = self._unwrap(row)
            if row.purpose == "index":
                self._index = secret
            else:
                data[row.id] = _DataKey(row.id, secret, row.active_from)
        self._data = data

    def _wrapping(self, key_id: str, purpose: str) -> bytes:
        return f"tongban data key {self._context.service} {purpose} {key_id}".encode()

    def _new_row(self, purpose: str, key_id: str, publish: timedelta) -> dict[str, Any]:
        master_id, master = next(iter(self._masters.items()))
        now = self._context.clock()
        nonce = os.urandom(12)
        return {
            "id": key_id,
            "purpose": purpose,
            "wrapped": nonce + AESGCM(master).encrypt(nonce, os.urandom(32), self._wrapping(key_id, purpose)),
            "master": master_id,
            "active_from": now + publish,
            "created_at": now,
        }

    def _unwrap(self, row: Any) -> bytes:
        master = self._masters.get(row.master)
        if master is None:
            raise WrongMasterKey(
                f"data key {row.id} is wrapped by another master key than "
                f"{self._context.settings.environment_names('master_key')[0]} holds (its id is {row.master})"
            )
        try:
            return AESGCM(master).decrypt(row.wrapped[:12], row.wrapped[12:], self._wrapping(row.id, row.purpose))
        except InvalidTag:
            raise Tampered(f"data key {row.id}") from None

    def _active(self) -> _DataKey:
        now = self._context.clock()
        ready = [key for key in self._data.values() if key.active_from <= now]
        if not ready:
            raise UnknownKey("no data key is loaded")
        return max(ready, key=lambda key: (key.active_from, key.id))

    def _key(self, key_id: str) -> bytes:
        key = self._data.get(key_id)
        if key is None:
            raise UnknownKey(f"data key {key_id}")
        return key.secret

    @property
    def active_key(self) -> str:
        """Id of the data key that is written with."""
        return self._active().id

    def encrypt(self, value: bytes, place: str) -> bytes:
        """Encrypt a field. `place` (table.column/row id) must be the same to decrypt."""
        key = self._active()
        nonce = os.urandom(12)
        return _FIELD + bytes.fromhex(key.id) + nonce + AESGCM(key.secret).encrypt(nonce, value, place.encode())

    def decrypt(self, blob: bytes, place: str) -> bytes:
        """Decrypt a field. Raises UnknownKey, Tampered."""
        if len(blob) < 33 or blob[:1] != _FIELD:
            raise Tampered("no encrypted field")
        try:
            return AESGCM(self._key(blob[1:5].hex())).decrypt(blob[5:17], blob[17:], place.encode())
        except InvalidTag:
            raise Tampered("an encrypted field or its place was changed") from None

    def encrypt_json(self, value: Any, place: str) -> bytes:
        return self.encrypt(orjson.dumps(value), place)

    def decrypt_json(self, blob: bytes, place: str) -> Any:
        return orjson.loads(self.decrypt(blob, place))

    def renewed(self, blob: bytes, place: str) -> bytes | None:
        """A field sealed anew by the active key; None when it is already. Raises UnknownKey, Tampered.

        After `rotate` a service passes its columns' old values through this in batches; when none names an older key
        any more, that key protects nothing.
        """
        return None if self.key_of(blob) == self.active_key else self.encrypt(self.decrypt(blob, place), place)

    @staticmethod
    def key_of(blob: bytes) -> str:
        """Id of the data key that a field was written with."""
        return blob[1:5].hex()

    def blind_index(self, value: str, purpose: str) -> str:
        """Keyed digest of a value to look it up by: equal for equal text whatever its width, case or outer spaces.

        Raises UnknownKey before `load`: an empty key would give a digest that anybody can compute.
        """
        if not self._index:
            raise UnknownKey("no index key is loaded")
        text = unicodedata.normalize("NFKC", value).strip().casefold()
        return hmac.new(self._index, f"{purpose}\0{text}".encode(), hashlib.sha256).hexdigest()

    def digest(self, value: bytes, purpose: str) -> str:
        """Keyed digest of exactly these bytes: who has the database cannot find out by trying what was digested."""
        if not self._index:
            raise UnknownKey("no index key is loaded")
        return hmac.new(self._index, purpose.encode() + b"\0" + value, hashlib.sha256).hexdigest()

    def _file_key(self, key_id: str, salt: bytes) -> AESGCM:
        derived = HKDF(SHA256(), 32, salt, b"tongban file").derive(self._key(key_id))
        return AESGCM(derived)

    async def encrypt_file(self, chunks: AsyncIterator[bytes], place: str) -> AsyncIterator[bytes]:
        """Encrypt a stream: header, then sealed chunks; each knows its number and whether it is the last."""
        key_id, salt = self._active().id, os.urandom(16)
        cipher = self._file_key(key_id, salt)
        yield _FILE + bytes.fromhex(key_id) + salt
        number, held = 0, b""
        async for chunk in chunks:
            held += chunk
            while len(held) > CHUNK:
                yield cipher.encrypt(_nonce(number, last=False), held[:CHUNK], place.encode())
                held, number = held[CHUNK:], number + 1
        yield cipher.encrypt(_nonce(number, last=True), held, place.encode())

    async def decrypt_file(self, chunks: AsyncIterator[bytes], place: str) -> AsyncIterator[bytes]:
        """Decrypt a stream. Raises Tampered when a chunk was changed, moved, left out or cut off."""
        held, number, sealed = b"", 0, CHUNK + 16
        cipher: AESGCM | None = None
        async for chunk in chunks:
            held += chunk
            if cipher is None and len(held) >= 21:
                if held[:1] != _FILE:
                    raise Tampered("no encrypted file")
                cipher = self._file_key(held[1:5].hex(), held[5:21])
                held = held[21:]
            while cipher is not None and len(held) > sealed:
                yield _open(cipher, number, held[:sealed], place, last=False)
                held, number = held[sealed:], number + 1
        if cipher is None:
            raise Tampered("the encrypted file has no header")
        yield _open(cipher, number, held, place, last=True)

    async def rotate(self, *, at_once: bool = False) -> str:
        """Make a new data key, written with in a minute (or `at_once`, when nothing else runs). Its id."""
        row = self._new_row("data", os.urandom(4).hex(), timedelta(seconds=0 if at_once else PUBLISH_SECONDS))
        async with self._context.database.writing(), self._context.database.engine.begin() as connection:
            await connection.execute(insert(self._context.tables.data_keys).values(row))
        await self.refresh()
        return str(row["id"])

    async def rewrap(self) -> int:
        """Wrap every data key by the present master key; then the previous ones can be taken out. Number changed."""
        table = self._context.tables.data_keys
        current, master = next(iter(self._masters.items()))
        changed = 0
        async with self._context.database.writing(), self._context.database.engine.begin() as connection:
            for row in (await connection.execute(select(table).where(table.c.master != current))).all():
                nonce = os.urandom(12)
                sealed = AESGCM(master).encrypt(nonce, self._unwrap(row), self._wrapping(row.id, row.purpose))
                values = {"wrapped": nonce + sealed, "master": current}
                await connection.execute(update(table).where(table.c.id == row.id).values(values))
                changed += 1
        return changed


def _nonce(number: int, *, last: bool) -> bytes:
    return number.to_bytes(11, "big") + (b"\x01" if last else b"\x00")


def _open(cipher: AESGCM, number: int, chunk: bytes, place: str, *, last: bool) -> bytes:
    try:
        return cipher.decrypt(_nonce(number, last=last), chunk, place.encode())
    except InvalidTag:
        raise Tampered(f"chunk {number} of an encrypted file") from None
