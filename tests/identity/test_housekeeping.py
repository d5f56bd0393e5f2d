"""What has expired is removed in small batches; what is live stays."""

import pytest
from sqlalchemy import func, select

from services.identity.handlers import workers
from services.identity.handlers.workers import Housekeeping
from services.identity.store.tables import ASSERTIONS, CODES, FAILURES, FAMILIES, REFRESH, REVOKED, SESSIONS
from tests.identity.conftest import World

TABLES = (CODES, FAMILIES, REFRESH, SESSIONS, ASSERTIONS, FAILURES, REVOKED)


async def sizes(world: World) -> dict[str, int]:
    async with world.work(readonly=True) as work:
        return {t.name: (await work.execute(select(func.count()).select_from(t))).scalar_one() for t in TABLES}


async def test_tables_hold_only_what_is_live(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "BATCH", 3)
    portal = world["portal"]
    for _ in range(5):
        browser = world.browser()
        tokens = await browser.tokens(portal)
        tokens = (await portal.refresh(tokens["refresh_token"])).json()
        await portal.http.post("/revoke", data=portal.authenticated(token=tokens["access_token"]))
        await browser.sign_in(portal, "zhang", "wrong", prompt="login")
    keeper = Housekeeping(world.provider)
    before = await sizes(world)
    assert all(before.values())
    await keeper.round()
    assert await sizes(world) == before
    assert (await portal.refresh(tokens["refresh_token"])).status_code == 200
    world.clock.forward(days=8)
    await keeper.round()
    # The sessions end now and are kept for a week, so that nobody wonders where they went.
    world.clock.forward(days=8)
    assert await keeper.round() > 0
    assert set((await sizes(world)).values()) == {0}
