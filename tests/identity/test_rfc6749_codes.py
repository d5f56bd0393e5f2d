"""RFC 6749 §4.1.2 and §4.1.3: codes are short-lived, bound and used once, whoever comes at the same time (item 4)."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import select, text

from services.identity.handlers.sessions import end_session
from services.identity.settings import IdentitySettings
from services.identity.store.sessions import session_of
from services.identity.store.tables import FAMILIES, SESSIONS, TABLES
from services.identity.store.tokens import TokenStore
from tests.identity.conftest import Starter, World


async def test_of_parallel_redemptions_one_succeeds(start: Starter) -> None:
    world: World = await start()
    replica: World = await start()
    portal, other = world["portal"], replica["portal"]
    other.verifier = portal.verifier
    code = await world.browser().code(portal)
    answers = await asyncio.gather(*(party.redeem(code) for party in (portal, other) * 10))
    assert sorted(answer.status_code for answer in answers) == [200] + [400] * 19
    assert {a.json()["error"] for a in answers if a.status_code == 400} == {"invalid_grant"}


async def test_reuse_revokes_what_the_code_gave(world: World) -> None:
    portal = world["portal"]
    code = await world.browser().code(portal)
    tokens = (await portal.redeem(code, resource="urn:tongban:identity")).json()
    bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
    assert (await portal.http.get("/userinfo", headers=bearer)).status_code == 200
    assert (await portal.redeem(code)).json()["error"] == "invalid_grant"
    assert (await portal.http.get("/userinfo", headers=bearer)).status_code == 401
    assert (await portal.refresh(tokens["refresh_token"])).json()["error"] == "invalid_grant"


async def test_a_late_reuse_revokes_too(world: World) -> None:
    portal = world["portal"]
    code = await world.browser().code(portal)
    tokens = (await portal.redeem(code)).json()
    world.clock.forward(seconds=90)
    assert (await portal.redeem(code)).json()["error"] == "invalid_grant"
    assert (await portal.refresh(tokens["refresh_token"])).json()["error"] == "invalid_grant"


async def test_a_code_dies_after_sixty_seconds(world: World) -> None:
    portal = world["portal"]
    code = await world.browser().code(portal)
    world.clock.forward(seconds=61)
    assert (await portal.redeem(code)).json()["error"] == "invalid_grant"


def test_no_setting_makes_codes_live_longer() -> None:
    with pytest.raises(ValueError, match="less than or equal to 60"):
        IdentitySettings(code_seconds=61)


async def test_a_code_is_for_its_client(world: World) -> None:
    portal, kiosk = world["portal"], world["kiosk"]
    code = await world.browser().code(portal)
    stolen = await kiosk.redeem(code, redirect_uri=portal.redirect_uri, code_verifier=portal.verifier)
    assert stolen.json()["error"] == "invalid_grant"
    assert (await portal.redeem(code)).status_code == 200


async def test_a_code_is_for_its_redirect_uri(world: World) -> None:
    portal = world["portal"]
    code = await world.browser().code(portal)
    assert (await portal.redeem(code, redirect_uri=world["kiosk"].redirect_uri)).json()["error"] == "invalid_grant"
    assert (await portal.redeem(code, redirect_uri=None)).json()["error"] == "invalid_request"


async def test_a_code_ends_with_its_session(world: World) -> None:
    portal, browser = world["portal"], world.browser()
    tokens = await browser.tokens(portal)
    code = (await browser.silent(portal))["code"]
    await browser.http.get("/logout", params={"id_token_hint": tokens["id_token"]})
    assert (await portal.redeem(code)).json()["error"] == "invalid_grant"


async def test_a_session_that_ends_during_a_redemption_takes_its_tokens_along(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whichever of the two comes first: the client hears of the end, its tokens are dead."""
    portal = world["portal"]
    code = await world.browser().code(portal)
    async with world.work(readonly=True) as work:
        session = session_of((await work.execute(select(SESSIONS))).one())
    taking, ends = TokenStore.use_code, []

    async def end() -> bool:
        async with world.work() as work:
            return await end_session(world.provider, work, session, "signed_out")

    async def take(self: TokenStore, *arguments: Any) -> bool:
        # The session was read and found alive; now somebody signs out.
        ends.append(asyncio.create_task(end()))
        held = False
        while not held and not ends[0].done():
            held = await held_up(world)
            await asyncio.sleep(0)
        return await taking(self, *arguments)

    monkeypatch.setattr(TokenStore, "use_code", take)
    answer = await portal.redeem(code)
    assert await ends[0]
    if answer.status_code == 200:
        assert (await portal.refresh(answer.json()["refresh_token"])).json()["error"] == "invalid_grant"
        async with world.work(readonly=True) as work:
            assert TABLES.deliveries is not None
            told = (await work.execute(select(TABLES.deliveries.deliveries.c.endpoint_id))).scalars().all()
            families = (await work.execute(select(FAMILIES.c.revoked_at))).scalars().all()
        assert told == ["portal"]
        assert None not in families


async def held_up(world: World) -> bool:
    """Whether a transaction waits for another one."""
    if world.service.context.database.dialect == "sqlite":
        return bool(world.service.context.database.writing().locked())  # type: ignore[attr-defined]
    async with world.work(readonly=True) as work:
        waiting = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
        return bool((await work.execute(waiting)).scalar_one())


async def test_codes_and_tokens_are_stored_as_fingerprints(world: World) -> None:
    portal, browser = world["portal"], world.browser()
    code = await browser.code(portal)
    tokens = (await portal.redeem(code)).json()
    cookie = browser.http.cookies["__Host-tb-sso-citizen"]
    async with world.work(readonly=True) as work:
        stored = ""
        for name in ("authorization_codes", "refresh_tokens", "token_families", "sso_sessions", "used_assertions"):
            stored += str((await work.execute(text(f"SELECT * FROM {name}"))).all())
    assert len(stored) > 500
    for secret in (code, tokens["refresh_token"], tokens["access_token"], cookie):
        assert secret not in stored
