"""Uploads: a multipart form read as it streams, so that no file is held in memory or put on a disk in the clear."""

from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import quote

from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import ClientDisconnect, Request

from services.kit.errors import Malformed, TooLarge, Unsupported
from services.kit.pages.forms import FIELD

LARGEST_FIELD = 4096
MOST_FIELDS = 20
LONGEST_NAME = 200
DRAINED_TIMES = 8
"""How many times what is taken is read, and dropped, of an upload that is too large."""


@dataclass(slots=True)
class _Part:
    name: str
    filename: str | None
    body: bytearray


class Upload:
    """One multipart form (RFC 7578): its text fields, which must come first, then one file.

    `begin` reads up to the file; then `content()` streams it. Raises Unsupported, Malformed, TooLarge.
    """

    def __init__(self, request: Request, limit: int) -> None:
        kind, options = parse_options_header(request.headers.get("content-type", ""))
        boundary = options.get(b"boundary")
        if kind != b"multipart/form-data" or not boundary or len(boundary) > 200:
            raise Unsupported("a file upload is expected")
        self._stream = request.stream()
        self._limit = limit
        told = request.headers.get("content-length", "")
        self._told = int(told) if told.isascii() and told.isdecimal() else 0
        self.fields: dict[str, str] = {}
        self.filename = ""
        self._name = ""
        self._header: tuple[bytearray, bytearray] = (bytearray(), bytearray())
        self._headers: dict[str, str] = {}
        self._part: _Part | None = None
        self._ready: list[bytes] = []
        self._file_began = False
        self._file_ended = False
        self._seen = 0
        self._parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._part_began,
                "on_header_field": lambda data, start, end: self._header[0].extend(data[start:end]),
                "on_header_value": lambda data, start, end: self._header[1].extend(data[start:end]),
                "on_header_end": self._header_ended,
                "on_headers_finished": self._headers_ended,
                "on_part_data": self._data,
                "on_part_end": self._part_ended,
            },
        )

    async def begin(self) -> None:
        """Read the fields; the file's name, "" where none was chosen."""
        while not self._file_began and await self._more():
            pass
        # Browsers send an empty part with an empty name where no file was chosen.
        while self._file_began and not self._ready and not self._file_ended and await self._more():
            pass

    @property
    def told_too_large(self) -> bool:
        """Whether the request says of itself that it is larger than what is taken."""
        return self._told > self._limit

    async def drain(self) -> None:
        """Read the rest and drop it, as far as that costs less than a new connection and a person's puzzlement."""
        with suppress(ClientDisconnect):
            async for chunk in self._stream:
                self._seen += len(chunk)
                if self._seen > DRAINED_TIMES * self._limit:
                    return

    @property
    def empty(self) -> bool:
        """Whether no file came, or one of no bytes."""
        return not self._ready

    async def content(self) -> AsyncIterator[bytes]:
        """The file's bytes. Raises TooLarge, Malformed (the upload broke off)."""
        while True:
            ready, self._ready = self._ready, []
            for part in ready:
                yield part
            if self._file_ended:
                break
            if not await self._more():
                raise Malformed("the upload broke off")
        while await self._more():  # what follows the file is read to its end, or the answer would be lost
            pass

    async def _more(self) -> bool:
        try:
            chunk = await anext(self._stream)
        except StopAsyncIteration:
            return False
        self._seen += len(chunk)
        if self._seen > self._limit:
            raise TooLarge(f"at most {self._limit} bytes are taken")
        try:
            self._parser.write(chunk)
        except MultipartParseError:
            raise Malformed("the upload cannot be read") from None
        return True

    def _part_began(self) -> None:
        self._headers, self._part = {}, None

    def _header_ended(self) -> None:
        name, value = self._header
        self._headers[name.decode("latin-1").lower()] = bytes(value).decode("latin-1")
        self._header = (bytearray(), bytearray())

    def _headers_ended(self) -> None:
        _, options = parse_options_header(self._headers.get("content-disposition", "").encode("latin-1"))
        try:
            name = options.get(b"name", b"").decode()
            filename = options[b"filename"].decode() if b"filename" in options else None
        except UnicodeDecodeError:
            raise Malformed("the names of an upload must be UTF-8") from None
        self._part = _Part(name, filename, bytearray())
        if filename is not None:
            if self._file_began:
                raise Malformed("one file at a time")
            self._file_began = True
            # The last part of a path some browsers send; the service makes the name safe.
            self.filename = filename.replace("\\", "/").rpartition("/")[2][:LONGEST_NAME]
        elif len(self.fields) >= MOST_FIELDS:
            raise Malformed("too many fields")

    def _data(self, data: bytes, start: int, end: int) -> None:
        if self._part is None:
            return
        if self._part.filename is not None:
            self._ready.append(data[start:end])
            return
        self._part.body += data[start:end]
        if len(self._part.body) > LARGEST_FIELD:
            raise Malformed("a field is too long")

    def _part_ended(self) -> None:
        if self._part is None:
            return
        if self._part.filename is not None:
            self._file_ended = True
            return
        if self._part.name in self.fields:
            raise Malformed("a field is given twice")
        try:
            self.fields[self._part.name] = self._part.body.decode()
        except UnicodeDecodeError:
            raise Malformed("a field is not UTF-8") from None

    @property
    def token(self) -> str:
        """The form's token."""
        return self.fields.get(FIELD, "")

    @property
    def disposition(self) -> str:
        """Content-Disposition for the service behind (RFC 6266)."""
        return f"attachment; filename*=UTF-8''{quote(self.filename or 'file')}"
