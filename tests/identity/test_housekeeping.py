"""What has expired is removed in small batches; what is live stays: each table is bounded by what is live."""

from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import JSON, Boolean, Integer, LargeBinary, func, insert, select
from sqlalchemy import Table as CoreTable

from services.identity.handlers import workers
from services.identity.handlers.passwords import Passwords
from services.identity.handlers.workers import Housekeeping
from services.identity.store.tables import (
    ACCOUNTS,
    ASSERTIONS,
    CODES,
    FAILURES,
    FAMILIES,
    REFRESH,
    REVOKED,
    SESSIONS,
    Table,
)
from services.kit.columns import UtcDateTime
from tests.identity.conftest import World

TABLES = (CODES, FAMILIES, REFRESH, SESSIONS, ASSERTIONS, FAILURES, REVOKED)
OF_OTHERS = {
    "audit": "kept by law",
    "outbox": "emptied by the relay (tests/kit)",
    "delivery_contents": "emptied by the deliveries' worker (tests/kit)",
    "deliveries": "the same",
}
"""What grows here because another worker tends it, or is to grow."""


async def sizes(world: World, tables: Any = TABLES) -> dict[str, int]:
    async with world.work(readonly=True) as work:
        return {t.name: (await work.execute(select(func.count()).select_from(t))).scalar_one() for t in tables}


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


def expiring() -> list[CoreTable]:
    """Every table whose rows say when they expire: one that is added is held to the same."""
    return [table for table in Table.metadata.sorted_tables if "expires_at" in table.c]


def row_of(table: CoreTable, number: int, expires_at: datetime, account: str) -> dict[str, Any]:
    """A row as others of the table may look, with an end."""
    kinds: tuple[tuple[type, Any], ...] = (
        (UtcDateTime, expires_at),
        (JSON, {}),
        (LargeBinary, b"-"),
        (Integer, 1),
        (Boolean, False),
    )
    row: dict[str, Any] = {}
    for column in table.c:
        if any(key.column.table is ACCOUNTS for key in column.foreign_keys):
            row[column.name] = account
        elif not column.nullable:
            fit = (value for kind, value in kinds if isinstance(column.type, kind))
            row[column.name] = next(fit, f"{number:08x}")
    return row


async def test_a_month_leaves_no_more_than_a_week(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sign-ins, refreshes, proofs and revocations day after day: from the second week on nothing grows."""

    async def fits(_: Passwords, encoded: str | None, password: str) -> bool:
        return encoded is not None and password != "wrong"

    async def at_once(_: float) -> None:
        return None

    monkeypatch.setattr(Passwords, "verify", fits)
    monkeypatch.setattr(workers, "asyncio", SimpleNamespace(sleep=at_once))
    portal, keeper = world["portal"], Housekeeping(world.provider)
    watched = [table for table in Table.metadata.sorted_tables if table.name not in OF_OTHERS]
    async with world.work(readonly=True) as work:
        account = (await work.execute(select(ACCOUNTS.c.id).limit(1))).scalar_one()
    first: dict[str, int] = {}
    seen: dict[str, int] = {}
    for day in range(30):
        for part in range(2):
            tokens = await world.browser().tokens(portal)
            again = (await portal.refresh(tokens["refresh_token"])).json()
            await portal.http.post("/revoke", data=portal.authenticated(token=again["access_token"]))
            await world.browser().sign_in(portal, "zhang", "wrong")
            async with world.work() as work:
                for table in expiring():
                    if table not in TABLES:
                        row = row_of(table, day * 2 + part, work.now() + timedelta(minutes=1), account)
                        await work.execute(insert(table).values(row))
            found = await sizes(world, watched)
            seen = {name: max(size, seen.get(name, 0)) for name, size in found.items()}
            world.clock.forward(hours=12)
            await keeper.round()
        if day == 13:
            first, seen = seen, {}
    assert all(seen[table.name] for table in expiring())
    assert {name: size for name, size in seen.items() if size > first[name]} == {}
    assert sum(seen.values()) < 200
