"""Sealing what is personal before it is written, bound to the column and row where it lies."""

from typing import Any

from services.kit.crypto import Crypto

_NAME_INDEX = "cases.applicant_index"


class Sealing:
    """Encrypts and decrypts the sealed columns. None stays None: absence is no secret."""

    def __init__(self, crypto: Crypto) -> None:
        self._crypto = crypto

    def json(self, value: Any, column: str, row: str) -> bytes:
        """A JSON value, sealed for `column` (table.column) of `row`."""
        return self._crypto.encrypt_json(value, f"{column}/{row}")

    def open_json(self, sealed: bytes | None, column: str, row: str) -> Any:
        """What `json` sealed."""
        return None if sealed is None else self._crypto.decrypt_json(sealed, f"{column}/{row}")

    def text(self, value: str | None, column: str, row: str) -> bytes | None:
        """A text, sealed for `column` (table.column) of `row`."""
        return None if value is None else self._crypto.encrypt(value.encode(), f"{column}/{row}")

    def open_text(self, sealed: bytes | None, column: str, row: str) -> str | None:
        """What `text` sealed."""
        return None if sealed is None else self._crypto.decrypt(sealed, f"{column}/{row}").decode()

    def name_index(self, name: str | None) -> str | None:
        """The blind index of a person's name, to find it by exactly."""
        return None if not name or not name.strip() else self._crypto.blind_index(name, _NAME_INDEX)
