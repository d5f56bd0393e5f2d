"""A department's system: a real HTTP server that records what it is sent and answers as it is told."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from h11 import NEED_DATA, PAUSED, SERVER, Connection, ConnectionClosed, Data, EndOfMessage, Request, Response


@dataclass(frozen=True)
class Call:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    at: float


Reply = tuple[int, dict[str, str]]


@dataclass
class Receiver:
    """`answer(call)` decides status and headers; `calls` are those that were answered."""

    answer: Callable[[Call], Awaitable[Reply]] | None = None
    port: int = 0
    calls: list[Call] = field(default_factory=list)
    _server: asyncio.Server | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        wire = Connection(SERVER)
        request: Request | None = None
        body = b""
        try:
            while True:
                found = wire.next_event()
                if found is NEED_DATA:
                    wire.receive_data(await reader.read(65536))
                elif isinstance(found, Request):
                    request, body = found, b""
                elif isinstance(found, Data):
                    body += bytes(found.data)
                elif isinstance(found, EndOfMessage) and request is not None:
                    headers = {name.decode(): value.decode() for name, value in request.headers}
                    call = Call(request.method.decode(), request.target.decode(), headers, body, time.monotonic())
                    status, more = await self.answer(call) if self.answer else (204, {})
                    self.calls.append(call)
                    answered = [*more.items(), ("content-length", "0")]
                    for event in (Response(status_code=status, headers=answered), EndOfMessage()):
                        writer.write(wire.send(event) or b"")
                    await writer.drain()
                    if self._server is None:
                        return
                elif found is PAUSED:
                    wire.start_next_cycle()
                elif isinstance(found, ConnectionClosed):
                    return
        except (ConnectionError, RuntimeError, asyncio.CancelledError):
            return  # cancelled when the loop ends: Python 3.11 would tell of that as of a failure
        finally:
            writer.close()
