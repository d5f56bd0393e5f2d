"""`tongban listen`: takes what is signed with the secret, refuses the rest, answers the handshake."""

import base64
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from standardwebhooks import Webhook

from services.cli.listen import Receiver
from services.cli.support import CommandError

SECRET = "whsec_" + base64.b64encode(b"k" * 32).decode()
EVENT = {
    "specversion": "1.0",
    "id": "0193a4b2c3d47e5f8a9b0c1d2e3f4a5b",
    "type": "cn.tongban.cases.accepted.v1",
    "subject": "case-1",
    "aggregateversion": 2,
    "time": "2026-11-09T12:31:00Z",
    "data": {"status": "accepted"},
}


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(Receiver(SECRET).app)
    async with httpx.AsyncClient(transport=transport, base_url="http://receiver") as found:
        yield found


def _signed(body: str, *, secret: str = SECRET, at: datetime | None = None) -> dict[str, str]:
    at = at or datetime.now(UTC)
    signature = Webhook(secret).sign("msg_1", at, body)
    return {"webhook-id": "msg_1", "webhook-timestamp": str(int(at.timestamp())), "webhook-signature": signature}


async def test_a_signed_event_is_printed_as_one_line(
    client: httpx.AsyncClient, capsys: pytest.CaptureFixture[str]
) -> None:
    body = json.dumps(EVENT)
    answer = await client.post("/hook", content=body, headers=_signed(body))
    assert answer.status_code == 204
    printed = '2026-11-09T12:31:00Z cn.tongban.cases.accepted.v1 case-1 v2 {"status": "accepted"}'
    assert capsys.readouterr().out == printed + "\n"
    await client.post("/hook", content=body, headers=_signed(body))
    assert capsys.readouterr().out == f"{printed}  (delivered before)\n"


@pytest.mark.parametrize("spoil", ["body", "secret", "old", "headers"])
async def test_what_is_not_signed_is_refused(
    client: httpx.AsyncClient, capsys: pytest.CaptureFixture[str], spoil: str
) -> None:
    body = json.dumps(EVENT)
    other = "whsec_" + base64.b64encode(b"x" * 32).decode()
    headers = {
        "body": _signed(body + " "),
        "secret": _signed(body, secret=other),
        "old": _signed(body, at=datetime.now(UTC) - timedelta(minutes=10)),
        "headers": {},
    }[spoil]
    answer = await client.post("/", content=body, headers=headers)
    assert answer.status_code == 401
    found = capsys.readouterr()
    assert found.out == "" and found.err.startswith("refused: ")


async def test_bytes_that_are_no_text_are_refused(client: httpx.AsyncClient) -> None:
    assert (await client.post("/", content=b"\xff\xfe", headers=_signed("x"))).status_code == 401


async def test_a_body_without_end_is_refused(client: httpx.AsyncClient) -> None:
    assert (await client.post("/", content=b"x" * (1024 * 1024 + 1))).status_code == 413


async def test_the_handshake_allows_who_asks(client: httpx.AsyncClient) -> None:
    answer = await client.options("/any/path", headers={"WebHook-Request-Origin": "notify.example"})
    assert answer.status_code == 200
    assert answer.headers["webhook-allowed-origin"] == "notify.example"
    assert answer.headers["webhook-allowed-rate"] == "*"


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_%%%", "whsec_" + base64.b64encode(b"short").decode()])
def test_a_secret_that_is_none_is_refused(secret: str) -> None:
    with pytest.raises(CommandError):
        Receiver(secret)
