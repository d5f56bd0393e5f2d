"""The edge of every service: bad input is a clear 4xx, an outage a 503, and nothing leaks."""

import base64
import time
from collections.abc import Callable
from typing import Any

import httpx
import orjson
import pytest
from fastapi import APIRouter, Request
from joserfc import jwt
from joserfc.jwk import ECKey
from pydantic import BaseModel
from sqlalchemy.exc import InterfaceError

from services.kit import auth
from services.kit.errors import Forbidden
from services.kit.http import IdempotencyKey, IfMatch, ListKeyset, api_app
from services.kit.service import Context

KEY = ECKey.generate_key("P-256", parameters={"kid": "k1"})
OTHER = ECKey.generate_key("P-256", parameters={"kid": "k1"})
ISSUER = "http://localhost:8083"


class Thing(BaseModel):
    name: str
    size: int


def router() -> APIRouter:
    routes = APIRouter()

    @routes.post("/things", status_code=201)
    async def make(thing: Thing, key: IdempotencyKey) -> Thing:
        return thing

    @routes.get("/things")
    async def listed(keyset: ListKeyset) -> dict[str, Any]:
        return {"after": keyset.after, "limit": keyset.limit}

    @routes.put("/things/{number}")
    async def change(number: int, version: IfMatch) -> int:
        return version

    @routes.get("/mine")
    async def mine(citizen: auth.Citizen) -> str:
        return citizen.sub

    @routes.get("/desk")
    async def desk(officer: auth.Officer) -> str:
        return officer.sub

    @routes.get("/broken")
    async def broken() -> None:
        raise RuntimeError("a secret value")

    @routes.get("/outage")
    async def outage() -> None:
        raise InterfaceError("select", {}, Exception("connection is closed"))

    @routes.post("/files")
    async def upload(request: Request) -> int:
        return sum([len(chunk) async for chunk in request.stream()])

    return routes


@pytest.fixture
async def client(sqlite_url: str, make_context: Callable[..., Any]) -> httpx.AsyncClient:
    context: Context = await make_context(sqlite_url, issuer=ISSUER)

    async def keys() -> dict[str, Any]:
        return {"keys": [KEY.as_dict(private=False)]}

    verifier = auth.TokenVerifier(context.settings, keys)
    app = api_app(context, title="Tiny", routers=[router()], verifier=verifier, max_upload_bytes=2_000_000)
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://tiny")


def token(key: ECKey = KEY, typ: str = "at+jwt", alg: str = "ES256", **claims: Any) -> str:
    now = int(time.time())
    found = {
        "iss": ISSUER,
        "aud": "urn:tongban:notify",
        "sub": "account-1",
        "client_id": "portal",
        "realm": "citizen",
        "jti": "j",
        "iat": now,
        "exp": now + 300,
    } | claims
    return jwt.encode({"alg": alg, "typ": typ, "kid": "k1"}, found, key, algorithms=[alg])


def bearer(value: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {value}"}


@pytest.mark.parametrize(
    ("method", "path", "content", "headers", "status", "slug"),
    [
        ("POST", "/things", b"{", {}, 400, "malformed"),
        ("POST", "/things", b'{"name": "\xff"}', {}, 400, "malformed"),
        ("POST", "/things", b'{"name": "\\ud800", "size": 1}', {}, 400, "malformed"),
        ("POST", "/things", b'{"name": "a\\u0000", "size": 1}', {}, 400, "malformed"),
        ("POST", "/things", b'{"name": "a", "size": NaN}', {}, 400, "malformed"),
        ("POST", "/things", b'{"name": "a", "size": 1, "size": 2}', {}, 400, "malformed"),
        ("POST", "/things", b'{"name": "a", "more": [{"x": 1, "x": 1}]}', {}, 400, "malformed"),
        ("POST", "/things", b"[" * 200_000, {}, 400, "malformed"),
        ("POST", "/things", b'{"name": "\\ud800"}', {"Content-Type": "application/x+json"}, 400, "malformed"),
        ("POST", "/things", b'{"name": "a\\u0000"}', {"Content-Type": "application/x+json"}, 400, "malformed"),
        ("POST", "/things", b" " * 1_100_000, {"Content-Type": "application/x+json; a=b"}, 413, "too-large"),
        ("POST", "/things", b'{"name": 1, "size": []}', {"Idempotency-Key": "k"}, 422, "invalid"),
        ("POST", "/things", b'{"name": "a", "size": 1}', {}, 400, "idempotency-key-required"),
        ("POST", "/things", b" " * 1_100_000, {}, 413, "too-large"),
        ("GET", "/things?limit=1&limit=2", b"", {}, 400, "malformed"),
        ("GET", "/things?limit=%ff", b"", {}, 400, "malformed"),
        ("GET", "/things?cursor=%00", b"", {}, 400, "malformed"),
        ("GET", "/things?limit=0", b"", {}, 422, "invalid"),
        ("GET", "/things?cursor=WyJcdTAwMDAiXQ", b"", {}, 400, "malformed"),
        ("GET", "/things?cursor=e30", b"", {}, 400, "malformed"),
        ("PUT", "/things/1", b"", {}, 428, "if-match-required"),
        ("PUT", "/things/1", b"", {"If-Match": "W/x"}, 412, "version-mismatch"),
        ("PUT", "/things/1", b"", {"If-Match": '"²"'.encode()}, 412, "version-mismatch"),
        ("GET", "/nothing", b"", {}, 404, "not-found"),
        ("DELETE", "/things", b"", {}, 405, "not-allowed"),
        ("GET", "/mine", b"", {}, 401, "unauthenticated"),
        ("GET", "/outage", b"", {}, 503, "unavailable"),
    ],
)
async def test_bad_input_is_a_clear_problem(
    client: httpx.AsyncClient, method: str, path: str, content: bytes, headers: Any, status: int, slug: str
) -> None:
    sent = {"Content-Type": "application/json"} | headers
    answer = await client.request(method, path, content=content, headers=sent)
    assert (answer.status_code, answer.json()["type"]) == (status, f"urn:tongban:problem:{slug}")
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == status


@pytest.mark.parametrize("name", ["If-Match", "Idempotency-Key", "Content-Type"])
async def test_a_header_given_twice_is_refused(client: httpx.AsyncClient, name: str) -> None:
    answer = await client.put("/things/1", content=b"{}", headers=[(name, '"1"'), (name, '"2"')])
    assert (answer.status_code, answer.json()["detail"]) == (400, "a header is given twice")


async def test_a_wrong_field_is_named_with_its_reason(client: httpx.AsyncClient) -> None:
    answer = await client.post("/things", json={"size": "x"}, headers={"Idempotency-Key": "k"})
    found = {(e["field"], e["reason"]) for e in answer.json()["errors"]}
    assert found == {("name", "missing"), ("size", "int_parsing")}


async def test_what_breaks_inside_leaks_nothing(client: httpx.AsyncClient, capsys: pytest.CaptureFixture[str]) -> None:
    answer = await client.get("/broken")
    assert answer.status_code == 500
    assert answer.json()["type"] == "urn:tongban:problem:internal-error"
    assert "secret" not in answer.text and "secret" not in capsys.readouterr().out


async def test_an_outage_says_when_to_come_back(client: httpx.AsyncClient) -> None:
    assert int((await client.get("/outage")).headers["retry-after"]) > 0


async def test_an_upload_streams_up_to_its_limit(client: httpx.AsyncClient) -> None:
    headers = {"Content-Type": "application/pdf"}
    assert (await client.post("/files", content=b"x" * 1_900_000, headers=headers)).json() == 1_900_000

    async def endless() -> Any:
        for _ in range(30):
            yield b"x" * 100_000

    assert (await client.post("/files", content=endless(), headers=headers)).status_code == 413


async def test_a_cursor_goes_round(client: httpx.AsyncClient) -> None:
    cursor = base64.urlsafe_b64encode(orjson.dumps(["2026", 7])).decode().rstrip("=")
    assert (await client.get(f"/things?cursor={cursor}&limit=5")).json() == {"after": ["2026", 7], "limit": 5}


async def test_a_good_token_is_let_in(client: httpx.AsyncClient) -> None:
    assert (await client.get("/mine", headers=bearer(token()))).json() == "account-1"


@pytest.mark.parametrize(
    "bad",
    [
        pytest.param(lambda: token(aud="urn:tongban:cases"), id="for-another-service"),
        pytest.param(lambda: token(aud=["urn:tongban:notify", "urn:tongban:cases"]), id="for-several-services"),
        pytest.param(lambda: token(iss="http://elsewhere"), id="of-another-issuer"),
        pytest.param(lambda: token(exp=int(time.time()) - 60), id="expired"),
        pytest.param(lambda: token(iat=int(time.time()) + 600), id="from-the-future"),
        pytest.param(lambda: token(typ="JWT"), id="an-id-token"),
        pytest.param(lambda: token(typ="logout+jwt"), id="a-logout-token"),
        pytest.param(lambda: token(OTHER), id="of-another-key"),
        pytest.param(lambda: token()[:-4] + "AAAA", id="signature-changed"),
        pytest.param(lambda: _unsigned() + "", id="alg-none"),
        pytest.param(lambda: "x", id="no-token"),
        pytest.param(lambda: "a" * 9000, id="oversized"),
        pytest.param(lambda: token(sub=None), id="without-subject"),
    ],
)
async def test_a_bad_token_is_refused(client: httpx.AsyncClient, bad: Callable[[], str]) -> None:
    answer = await client.get("/mine", headers=bearer(bad()))
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")


def _unsigned() -> str:
    _, body, _ = token().split(".")
    none = base64.urlsafe_b64encode(b'{"alg":"none","typ":"at+jwt","kid":"k1"}').decode().rstrip("=")
    return f"{none}.{body}."


async def test_realms_do_not_mix(client: httpx.AsyncClient) -> None:
    assert (await client.get("/desk", headers=bearer(token()))).status_code == 403
    assert (await client.get("/mine", headers=bearer(token(realm="staff")))).status_code == 403
    assert (await client.get("/mine", headers=bearer(token(realm=None)))).status_code == 403


async def test_a_cached_token_still_expires(client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    good = token()
    assert (await client.get("/mine", headers=bearer(good))).status_code == 200
    later = time.time() + 400
    monkeypatch.setattr(time, "time", lambda: later)
    assert (await client.get("/mine", headers=bearer(good))).status_code == 401


def test_grants_are_by_role_and_organisation() -> None:
    principal = auth.Principal(
        sub="a",
        client_id="desk",
        jti="j",
        exp=1,
        grants=(auth.Grant(org="A", role="intake"), auth.Grant(org="*", role="review")),
    )
    assert principal.holds("intake", "A") and not principal.holds("intake", "B")
    assert principal.holds("review", "B")
    assert principal.organisations("intake") == {"A"} and principal.organisations("review") == {"*"}
    with pytest.raises(Forbidden):
        principal.require("decide", "A")
