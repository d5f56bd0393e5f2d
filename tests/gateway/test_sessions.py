"""Browser sessions: how long they last, one refresh at a time, how they end from here and from the provider."""

import asyncio
from datetime import timedelta

import httpx
import pytest
from sqlalchemy import text

from services.gateway.domain.sessions import Session, Tokens, safe_next
from services.gateway.store import Work
from services.kit.clock import utc_now
from services.kit.service import Service
from tests.gateway.conftest import Browser, Clock, path_of
from tests.gateway.world import LOGOUT_EVENT, SUBJECT, World


async def test_an_idle_session_ends_and_leads_back(browser: Browser, clock: Clock) -> None:
    await browser.sign_in()
    clock.ahead = timedelta(minutes=14)
    assert (await browser.get("/cases")).status_code == 200
    clock.ahead += timedelta(minutes=14)
    assert (await browser.get("/cases")).status_code == 200, "use moves the end"
    clock.ahead += timedelta(minutes=16)
    answer = await browser.get("/cases?cursor=abc")
    assert path_of(answer) == "/signin?next=%2Fcases%3Fcursor%3Dabc"


async def test_the_absolute_end_comes_however_busy(browser: Browser, clock: Clock) -> None:
    await browser.sign_in()
    for _ in range(72):
        clock.ahead += timedelta(minutes=10)
        last = await browser.get("/session")
        token = await browser.token("/account") if last.json()["signed_in"] else ""
        if not token:
            break
        await browser.http.post("/session", data={"_token": token})
    assert clock.ahead == timedelta(hours=12)
    assert (await browser.get("/cases")).status_code == 303


async def test_asking_how_long_is_left_is_no_use(browser: Browser, clock: Clock) -> None:
    await browser.sign_in()
    for _ in range(3):
        clock.ahead += timedelta(minutes=4)
        assert (await browser.get("/session")).json()["signed_in"]
    clock.ahead += timedelta(minutes=4)
    assert (await browser.get("/session")).json() == {"signed_in": False}


async def test_going_on_begins_the_idle_time_anew(browser: Browser, clock: Clock) -> None:
    await browser.sign_in()
    token = await browser.token("/account")
    clock.ahead = timedelta(minutes=14)
    headers = {"accept": "application/json"}
    left = (await browser.http.post("/session", data={"_token": token}, headers=headers)).json()
    assert left["extendable"]
    assert 890 <= left["seconds_left"] <= 900
    plain = await browser.http.post("/session", data={"_token": token, "next": "/inbox"})
    assert path_of(plain) == "/inbox", "works without a script"


async def test_going_on_is_told_to_the_provider(browser: Browser, gateway: Service, world: World) -> None:
    """Else its session would run out beneath a form that takes long to fill in."""
    await browser.sign_in()
    token = await browser.token("/account")
    before = len(world.provider.token_calls)
    headers = {"accept": "application/json"}
    assert (await browser.http.post("/session", data={"_token": token}, headers=headers)).json()["signed_in"]
    assert [call["grant_type"] for call in world.provider.token_calls[before:]] == ["refresh_token"]
    world.provider.away = True
    assert (await browser.http.post("/session", data={"_token": token}, headers=headers)).json()["signed_in"]
    world.provider.away, world.provider.refuse = False, "invalid_grant"
    ended = await browser.http.post("/session", data={"_token": token}, headers=headers)
    assert ended.json() == {"signed_in": False}
    assert await _sessions(gateway) == 0


async def test_many_requests_refresh_once(browser: Browser, world: World, clock: Clock) -> None:
    """Rotation takes two refreshes with one token for theft, so a page's parallel calls must share one."""
    await browser.sign_in()
    world.services.on("notify", "GET", "/messages", {"items": [], "next": None})
    clock.ahead = timedelta(minutes=6)  # every access token is stale

    async def slow() -> None:
        await asyncio.sleep(0.2)

    world.provider.delay = slow
    before = len(world.provider.token_calls)
    answers = await asyncio.gather(*(browser.get("/cases") for _ in range(8)))
    assert [answer.status_code for answer in answers] == [200] * 8
    refreshed = [c["resource"] for c in world.provider.token_calls[before:] if c["grant_type"] == "refresh_token"]
    assert sorted(refreshed) == ["urn:tongban:cases", "urn:tongban:notify"]


async def test_two_processes_refresh_one_after_the_other(
    browser: Browser, gateway: Service, world: World, clock: Clock
) -> None:
    await browser.sign_in()
    site = _site(gateway)
    session = await site.sessions.find(browser.http.cookies["__Host-tb-portal"])
    clock.ahead = timedelta(minutes=6)

    async def slow() -> None:
        await asyncio.sleep(0.3)

    world.provider.delay = slow
    # Two keepers share no memory, as two processes do not.
    other = type(site.sessions)(gateway.context, gateway.context.crypto, "portal", site.lives, site.client)
    found = await asyncio.gather(
        site.sessions.access_token(session, "urn:tongban:cases"), other.access_token(session, "urn:tongban:cases")
    )
    assert found[0] == found[1]


async def test_a_session_that_the_provider_ended_leads_to_the_sign_in(
    browser: Browser, world: World, clock: Clock
) -> None:
    await browser.sign_in()
    clock.ahead = timedelta(minutes=6)
    world.provider.refuse = "invalid_grant"
    answer = await browser.get("/cases")
    assert path_of(answer) == "/signin?next=%2Fcases"
    assert not (await browser.get("/session")).json()["signed_in"], "the dead session is gone"


async def test_the_provider_away_ends_nothing(browser: Browser, world: World, clock: Clock) -> None:
    await browser.sign_in()
    clock.ahead = timedelta(minutes=6)
    world.provider.away = True
    assert (await browser.get("/cases")).status_code == 503
    world.provider.away = False
    assert (await browser.get("/cases")).status_code == 200


async def test_a_refused_token_is_replaced_once(browser: Browser, world: World) -> None:
    await browser.sign_in()
    refused: list[str] = []

    def cases(call):  # type: ignore[no-untyped-def]
        token = call.headers["authorization"]
        if not refused or token in refused:
            refused.append(token)
            return httpx.Response(401, json={"type": "urn:tongban:problem:unauthenticated"})
        return {"items": [], "next": None}

    world.services.on("cases", "GET", "/cases", cases)
    assert (await browser.get("/cases")).status_code == 200
    assert len(refused) == 1


async def test_signing_out_ends_it_here_and_at_the_provider(browser: Browser, gateway: Service) -> None:
    await browser.sign_in()
    answer = await browser.post("/signout", page="/account")
    assert answer.headers["location"].startswith("https://identity.test/logout?id_token_hint=")
    assert "post_logout_redirect_uri=https%3A%2F%2Fportal.test%2Fsignout%2Fdone" in answer.headers["location"]
    assert not browser.signed_in
    assert await _sessions(gateway) == 0
    assert "已退出" in (await browser.get("/signout/done")).text


async def test_signing_out_needs_the_forms_token(browser: Browser) -> None:
    await browser.sign_in()
    for fields in ({"a": "b"}, {"_token": "x"}, {"_token": "A" * 88}):
        assert (await browser.http.post("/signout", data=fields)).status_code == 403
    token = await browser.token("/account")
    cross = {"origin": "https://evil.test"}
    assert (await browser.http.post("/signout", data={"_token": token}, headers=cross)).status_code == 403
    site = {"sec-fetch-site": "same-site"}
    assert (await browser.http.post("/signout", data={"_token": token}, headers=site)).status_code == 403
    assert (await browser.get("/cases")).status_code == 200


async def test_another_browsers_form_token_is_refused(browser: Browser, gateway: Service, world: World) -> None:
    other = Browser(gateway, world)
    await other.sign_in()
    stolen = await other.token("/account")
    await browser.sign_in()
    await browser.token("/account")
    assert (await browser.http.post("/signout", data={"_token": stolen})).status_code == 403


async def test_the_provider_ends_the_sessions_of_a_sid(browser: Browser, gateway: Service, world: World) -> None:
    await browser.sign_in()
    world.provider.sid = "sid-2"
    other = Browser(gateway, world)
    await other.sign_in()
    world.provider.sid = "sid-1"
    token = world.provider.logout_token()
    assert (await _order(browser, token)).status_code == 200
    assert (await browser.get("/cases")).status_code == 303
    assert (await other.get("/cases")).status_code == 200
    await browser.sign_in()
    assert (await _order(browser, token)).status_code == 200, "sent again, it is answered the same"
    assert (await browser.get("/cases")).status_code == 200, "but a used token ends nothing any more"


async def test_without_a_sid_every_session_of_the_subject_ends(
    browser: Browser, gateway: Service, world: World
) -> None:
    await browser.sign_in()
    other = Browser(gateway, world)
    await other.sign_in()
    await _order(browser, world.provider.logout_token(sid=None))
    assert await _sessions(gateway) == 0


@pytest.mark.parametrize(
    "changed",
    [
        {"aud": "kiosk"},
        {"iss": "https://other.test"},
        {"events": {}},
        {"events": {LOGOUT_EVENT: 1}},
        {"nonce": "n"},
        {"exp": 1},
        {"iat": 2**40},
        {"sid": None, "sub": None},
        {"jti": None},
        {"typ": "JWT"},
        {"typ": "at+jwt"},
    ],
)
async def test_a_logout_token_that_is_not_valid_ends_nothing(
    browser: Browser, world: World, changed: dict[str, object]
) -> None:
    await browser.sign_in()
    answer = await _order(browser, world.provider.logout_token(**changed))
    assert answer.status_code == 400
    assert answer.json()["error"] == "invalid_request"
    assert (await browser.get("/cases")).status_code == 200


async def test_what_has_ended_is_removed(browser: Browser, gateway: Service, clock: Clock) -> None:
    await browser.sign_in()
    clock.ahead = timedelta(hours=1)
    async with Work(gateway.context) as work:
        await work.prune({"kiosk": 12 * 3600})
    assert await _sessions(gateway) == 0


def test_a_session_ends_at_the_nearer_of_both_ends() -> None:
    now = utc_now()
    session = Session("i", "portal", SUBJECT, "", "", now, now, 60, 100, Tokens("", ""))
    assert session.ends_at == now + timedelta(seconds=60)
    late = Session("i", "portal", SUBJECT, "", "", now, now + timedelta(seconds=70), 60, 100, Tokens("", ""))
    assert late.ends_at == now + timedelta(seconds=100)
    assert not late.extendable(now + timedelta(seconds=70))
    assert session.extendable(now)


@pytest.mark.parametrize("value", ["/a?b=c&d=%20", "/", "/cases/1#top"])
def test_own_paths_stay(value: str) -> None:
    assert safe_next(value) == value


async def _order(browser: Browser, token: str):  # type: ignore[no-untyped-def]
    return await browser.http.post("/signin/backchannel-logout", data={"logout_token": token})


async def _sessions(gateway: Service) -> int:
    async with Work(gateway.context, readonly=True) as work:
        return int((await work.execute(text("SELECT count(*) FROM sessions"))).scalar_one())


def _site(gateway: Service):  # type: ignore[no-untyped-def]
    return gateway.app._surfaces[("portal.test", 443)].app.state.site  # type: ignore[attr-defined]
