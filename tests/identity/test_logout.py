"""OpenID Connect RP-Initiated Logout 1.0 and Back-Channel Logout 1.0."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import parse_qs

import httpx
import pytest

from services.identity.domain.claims import LOGOUT_EVENT
from services.identity.handlers import RetireKey, RotateKeys, retire_key, rotate_keys
from services.identity.handlers.backchannel import BUILDER, POLICY, logout_token_builder
from services.identity.handlers.workers import Housekeeping
from services.kit.deliveries.worker import Deliveries
from tests.identity.conftest import Starter, World
from tests.identity.party import ISSUER, hidden

DONE = "http://localhost:8080/signout/done"


async def test_a_fitting_hint_signs_out_at_once_and_everywhere(world: World) -> None:
    portal, kiosk, browser = world["portal"], world["kiosk"], world.browser()
    tokens = await browser.tokens(portal)
    other = (await kiosk.redeem((await browser.silent(kiosk))["code"])).json()
    parameters = {"id_token_hint": tokens["id_token"], "post_logout_redirect_uri": DONE, "state": "s 1"}
    answer = await browser.http.get("/logout", params=parameters)
    assert (answer.status_code, answer.headers["location"]) == (303, f"{DONE}?state=s+1")
    assert "__Host-tb-sso-citizen" not in browser.http.cookies
    assert (await browser.silent(portal))["error"] == "login_required"
    for party, refresh_token in ((portal, tokens["refresh_token"]), (kiosk, other["refresh_token"])):
        assert (await party.refresh(refresh_token)).json()["error"] == "invalid_grant"
    # Again, with nobody signed in and an expired hint: still back to the client.
    world.clock.forward(minutes=10)
    again = await browser.http.post("/logout", data=parameters)
    assert (await browser.http.get(again.headers["location"])).headers["location"].startswith(DONE)


async def test_without_a_hint_the_person_is_asked(world: World) -> None:
    portal, browser = world["portal"], world.browser()
    await browser.tokens(portal)
    for parameters in ({}, {"client_id": "portal", "post_logout_redirect_uri": DONE}, {"id_token_hint": "e30.e30.x"}):
        page = await browser.http.get("/logout", params=parameters)
        assert page.status_code == 200
        assert "/logout/confirm" in page.text
        assert "code" in await browser.silent(portal)
    form = {name: hidden(page.text, name) for name in ("_token", "request")}
    forged = await browser.http.post("/logout/confirm", data=form | {"_token": "x"})
    assert forged.status_code == 403
    crossed = await browser.http.post("/logout/confirm", data=form, headers={"Origin": "https://evil.example"})
    assert crossed.status_code == 403
    assert "code" in await browser.silent(portal)
    answer = await browser.http.post("/logout/confirm", data=form)
    assert answer.status_code == 200
    assert "已退出" in answer.text
    assert (await browser.silent(portal))["error"] == "login_required"


async def test_a_hint_of_somebody_else_signs_nobody_out_unasked(world: World) -> None:
    portal, browser, other = world["portal"], world.browser(), world.browser()
    await browser.tokens(portal, "lin")
    hint = (await other.tokens(portal, "zhang"))["id_token"]
    page = await browser.http.get("/logout", params={"id_token_hint": hint})
    assert "/logout/confirm" in page.text
    assert "code" in await browser.silent(portal)


async def test_a_hint_of_another_session_of_the_same_person_asks(world: World) -> None:
    portal, browser, other = world["portal"], world.browser(), world.browser()
    await browser.tokens(portal, "lin")
    hint = (await other.tokens(portal, "lin"))["id_token"]
    page = await browser.http.get("/logout", params={"id_token_hint": hint})
    assert "/logout/confirm" in page.text
    assert "code" in await browser.silent(portal)
    assert "code" in await other.silent(portal)


async def test_another_site_signs_nobody_out(world: World) -> None:
    """A post from elsewhere comes without our cookies; nothing in its answer may take them away."""
    portal, desk, browser, elsewhere = world["portal"], world["desk"], world.browser(), world.http()
    await browser.tokens(portal, "lin")
    await browser.tokens(desk, "clerk")
    for answer in (
        await elsewhere.post("/logout", data={"state": "x"}),
        await elsewhere.post("/logout", data={"client_id": "portal", "post_logout_redirect_uri": DONE}),
        await elsewhere.get("/logout"),
        await elsewhere.get("/logout", params={"client_id": "portal"}),
    ):
        assert "sso" not in answer.headers.get("set-cookie", "")
        if answer.status_code == 303:
            asked = await browser.http.get(answer.headers["location"])
            assert "/logout/confirm" in asked.text
    assert "code" in await browser.silent(portal)
    assert "code" in await browser.silent(desk)


async def test_a_client_of_another_site_signs_out_by_post(world: World) -> None:
    portal, browser, elsewhere = world["portal"], world.browser(), world.http()
    tokens = await browser.tokens(portal)
    parameters = {"id_token_hint": tokens["id_token"], "post_logout_redirect_uri": DONE, "state": "s"}
    crossed = await elsewhere.post("/logout", data=parameters)
    assert crossed.status_code == 303
    answer = await browser.http.get(crossed.headers["location"])
    assert answer.headers["location"] == f"{DONE}?state=s"
    assert "__Host-tb-sso-citizen" not in browser.http.cookies
    assert (await portal.refresh(tokens["refresh_token"])).json()["error"] == "invalid_grant"


async def test_a_hint_ends_its_session_where_the_browser_has_lost_its_cookie(world: World) -> None:
    portal, browser, other = world["portal"], world.browser(), world.browser()
    tokens, others = await browser.tokens(portal, "lin"), await other.tokens(portal, "lin")
    forged = tokens["id_token"][:-8] + "AAAAAAAA"
    await world.http().get("/logout", params={"id_token_hint": forged})
    assert "code" in await browser.silent(portal)
    answer = await world.http().get("/logout", params={"id_token_hint": tokens["id_token"]})
    assert answer.status_code == 200
    assert (await portal.refresh(tokens["refresh_token"])).json()["error"] == "invalid_grant"
    assert (await portal.refresh(others["refresh_token"])).status_code == 200


async def test_a_hint_fits_though_its_key_has_left_the_key_set(world: World) -> None:
    portal, browser = world["portal"], world.browser()
    tokens = await browser.tokens(portal)
    kid = (await portal.claims(tokens["id_token"]))["header"]["kid"]
    world.clock.forward(seconds=601)
    await rotate_keys(RotateKeys("operator"), world.work())
    for _ in range(30):
        assert "code" in await browser.silent(portal)
        world.clock.forward(minutes=15)
    await Housekeeping(world.provider).round()
    world.provider.keys.forget()
    assert kid not in (await portal.http.get("/jwks")).text
    answer = await browser.http.get("/logout", params={"id_token_hint": tokens["id_token"]})
    assert "已退出" in answer.text
    assert (await browser.silent(portal))["error"] == "login_required"


async def test_a_hint_of_a_key_that_others_may_hold_asks(world: World) -> None:
    portal, browser = world["portal"], world.browser()
    tokens = await browser.tokens(portal)
    kid = (await portal.claims(tokens["id_token"]))["header"]["kid"]
    await retire_key(RetireKey("operator", kid), world.work())
    world.provider.keys.forget()
    page = await browser.http.get("/logout", params={"id_token_hint": tokens["id_token"]})
    assert "/logout/confirm" in page.text


async def test_no_open_redirect_at_logout(world: World, subtests: pytest.Subtests) -> None:
    portal, browser = world["portal"], world.browser()
    hint = (await browser.tokens(portal))["id_token"]
    for parameters in (
        {"post_logout_redirect_uri": DONE},
        {"id_token_hint": hint, "post_logout_redirect_uri": "https://evil.example/"},
        {"id_token_hint": hint, "post_logout_redirect_uri": DONE + "/"},
        {"id_token_hint": hint, "post_logout_redirect_uri": portal.redirect_uri},
        {"id_token_hint": hint, "client_id": "kiosk"},
        {"client_id": "nobody"},
        {"client_id": "kiosk", "post_logout_redirect_uri": DONE},
    ):
        with subtests.test(parameters=parameters):
            answer = await browser.http.get("/logout", params=parameters)
            assert answer.status_code == 400
            assert "location" not in answer.headers
    assert "code" in await browser.silent(portal)


async def test_signing_out_of_one_realm_leaves_the_other(world: World) -> None:
    portal, desk, browser = world["portal"], world["desk"], world.browser()
    await browser.tokens(portal, "lin")
    hint = (await browser.tokens(desk, "clerk"))["id_token"]
    await browser.http.get("/logout", params={"id_token_hint": hint})
    assert (await browser.silent(desk))["error"] == "login_required"
    assert "code" in await browser.silent(portal)


class Receiver:
    """A relying party's logout address that fails as often as it is told to."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.arrived = asyncio.Condition()
        self.failures = 0
        self.port = 0

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = int(head.split("content-length:")[1].split("\r\n")[0])
        async with self.arrived:
            self.bodies.append(await reader.readexactly(length))
            self.arrived.notify_all()
        self.failures -= 1
        status = "503 No" if self.failures >= 0 else "200 OK"
        writer.write(f"HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".encode())
        await writer.drain()
        writer.close()

    async def wait_for(self, count: int) -> None:
        async with asyncio.timeout(20):
            async with self.arrived:
                await self.arrived.wait_for(lambda: len(self.bodies) >= count)


@asynccontextmanager
async def delivering(world: World) -> AsyncIterator[None]:
    builders = {BUILDER: logout_token_builder(world.provider)}
    worker = Deliveries(world.service.context, make_work=world.provider.work, builders=builders, policy=POLICY)
    task = asyncio.create_task(worker.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_each_client_gets_a_logout_token_made_anew_for_each_try(start: Starter) -> None:
    receiver = Receiver()
    server = await asyncio.start_server(receiver.answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    probe: World = await start()
    clients = [client.model_dump(mode="json") for client in probe.settings.clients]
    for client in clients:
        if client["client_id"] == "portal":
            client["backchannel_logout_uri"] = f"http://127.0.0.1:{port}/logout?tenant=1"
        else:
            client["backchannel_logout_uri"] = None
    world: World = await start(clients=clients)
    portal, browser = world["portal"], world.browser()
    tokens = await browser.tokens(portal)
    identity = await portal.claims(tokens["id_token"])
    receiver.failures = 1
    async with server, delivering(world):
        await browser.http.get("/logout", params={"id_token_hint": tokens["id_token"]})
        await receiver.wait_for(2)
    found = [await portal.claims(parse_qs(body.decode())["logout_token"][0]) for body in receiver.bodies]
    for claims in found:
        assert claims["header"]["typ"] == "logout+jwt"
        assert claims["header"]["alg"] == "RS256"
        assert (claims["iss"], claims["aud"], claims["sid"]) == (ISSUER, "portal", identity["sid"])
        assert claims["sub"] == identity["sub"]
        assert claims["events"] == {LOGOUT_EVENT: {}}
        assert "nonce" not in claims
        assert claims["exp"] - claims["iat"] == 120
    assert found[0]["jti"] != found[1]["jti"]


async def test_clients_that_took_no_part_hear_nothing(world: World) -> None:
    from sqlalchemy import select

    from services.identity.store.tables import TABLES

    portal, browser = world["portal"], world.browser()
    tokens = await browser.tokens(portal)
    await browser.silent(world["kiosk"])  # a code that is never redeemed
    await browser.http.get("/logout", params={"id_token_hint": tokens["id_token"]})
    assert TABLES.deliveries is not None
    async with world.work(readonly=True) as work:
        rows = (await work.execute(select(TABLES.deliveries.deliveries.c.endpoint_id))).scalars().all()
    assert rows == ["portal"]


async def test_logout_pages_are_guarded(world: World) -> None:
    browser = world.browser()
    await browser.tokens(world["portal"])
    page: httpx.Response = await browser.http.get("/logout", params={"client_id": "portal"})
    assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
    assert page.headers["cache-control"] == "no-store"
