"""The database goes and comes back: 503 with Retry-After meanwhile (RFC 9110 §15.6.4), nothing half-done after it."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
from sqlalchemy.engine import make_url

from services.identity.handlers.workers import Housekeeping
from tests.identity.conftest import Starter, World
from tests.identity.party import CATALOG

OURS = "urn:tongban:identity"


class Line:
    """The line to the database: it can be cut, also under statements that run, and mended."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self.port = 0

    async def mend(self) -> None:
        self._server = await asyncio.start_server(self._join, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def cut(self) -> None:
        assert self._server is not None
        self._server.close()
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()
        await asyncio.sleep(0.05)

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection(*self._target)
        self._writers |= {writer, back}
        await asyncio.gather(self._pass(reader, back), self._pass(there, writer), return_exceptions=True)

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while chunk := await reader.read(65536):
            writer.write(chunk)
            await writer.drain()
        writer.close()


@pytest.fixture
async def line(copied_url: str) -> AsyncIterator[Line]:
    url = make_url(copied_url)
    found = Line(url.host or "", url.port or 5432)
    await found.mend()
    yield found
    await found.cut()


def held_off(answer: httpx.Response) -> bool:
    return answer.status_code == 503 and int(answer.headers["retry-after"]) > 0


# SQLite is a file: it does not go away.
@pytest.mark.parametrize("copied_url", ["postgresql"], indirect=True)
async def test_the_provider_waits_for_its_database(
    start: Starter, line: Line, copied_url: str, subtests: pytest.Subtests
) -> None:
    through = make_url(copied_url).set(host="127.0.0.1", port=line.port)
    world: World = await start(database_url=through.render_as_string(hide_password=False))
    portal, cases, browser = world["portal"], world["cases"], world.browser()
    code = await browser.code(portal)
    other = await world.browser().code(portal, resource=OURS)
    tokens = (await portal.redeem(other, resource=OURS)).json()
    own = {"Authorization": f"Bearer {tokens['access_token']}"}
    spent = cases.authenticated(grant_type="client_credentials", resource=CATALOG)
    page = await world.browser().http.get(portal.address())

    async def tried() -> dict[str, httpx.Response]:
        return {
            "machine": await cases.http.post("/token", data=spent),
            "code": await portal.redeem(code),
            "refresh": await portal.refresh(tokens["refresh_token"]),
            "userinfo": await portal.http.get("/userinfo", headers=own),
            "introspection": await cases.http.post("/introspect", data=cases.authenticated(token="x")),
            "authorize": await browser.http.get(portal.address(prompt="none")),
        }

    await line.cut()
    for _ in range(2):
        for name, answer in (await tried()).items():
            with subtests.test(name):
                assert held_off(answer), (answer.status_code, answer.text)
    with pytest.raises(OSError):
        await Housekeeping(world.provider).round()
    assert page.status_code == 200
    await line.mend()
    # All at once: whichever broken connection a request would have met, it meets none.
    for name, answer in (await tried()).items():
        with subtests.test(f"{name}, afterwards"):
            assert answer.status_code == (303 if name == "authorize" else 200), answer.text
            assert "error" not in answer.headers.get("location", "")
    await Housekeeping(world.provider).round()
