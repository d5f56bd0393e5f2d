"""The smallest HTTP/1.1 client that keeps its connection: its own cost must not drown what it measures."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self
from urllib.parse import urlsplit

FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. `headers` in lower case; the cookies apart, since there may be several."""

    status: int
    headers: Mapping[str, str]
    cookies: Mapping[str, str]
    body: bytes


class Wire:
    """One connection, one request at a time."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "", parts.port or 80
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def __aenter__(self) -> Self:
        self._reader, self._writer = await asyncio.open_connection(self._host, self._port)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._writer is not None:
            self._writer.close()

    async def call(
        self, method: str, path: str, *, headers: Mapping[str, str] | None = None, form: bytes | None = None
    ) -> Answer:
        """Send a request, `form` as its body, and read the answer (every one of ours has a Content-Length)."""
        assert self._reader is not None and self._writer is not None
        lines = [f"{method} {path} HTTP/1.1", f"Host: {self._host}:{self._port}"]
        lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
        if form is not None:
            lines += [f"Content-Type: {FORM}", f"Content-Length: {len(form)}"]
        self._writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + (form or b""))
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        found, cookies = {}, {}
        for line in filter(None, head[1:]):
            name, _, value = line.partition(": ")
            if name.lower() == "set-cookie":
                cookie, _, rest = value.partition("=")
                cookies[cookie] = rest.partition(";")[0]
            else:
                found[name.lower()] = value
        body = await self._reader.readexactly(int(found.get("content-length", 0)))
        return Answer(int(head[0].split(" ")[1]), found, cookies, body)
