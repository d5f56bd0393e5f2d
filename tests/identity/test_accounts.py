"""Accounts and grants: events through the outbox, versions rising by one, nothing personal in clear."""

import asyncio

import pytest
from sqlalchemy import select, text

from services.identity.demo import load_demo, people
from services.identity.domain.clients import Realm
from services.identity.errors import (
    AccountUnknown,
    PasswordWeak,
    RoleUnknown,
    TooManyGrants,
    UsernameInvalid,
    UsernameTaken,
)
from services.identity.handlers import (
    GrantRole,
    OpenAccount,
    RevokeRole,
    find_staff,
    grant_role,
    open_account,
    revoke_role,
)
from services.identity.store.tables import TABLES
from tests.identity.conftest import World


async def account_events(world: World) -> list[tuple[str, str]]:
    async with world.work(readonly=True) as work:
        rows = (await work.execute(select(TABLES.outbox).order_by(TABLES.outbox.c.id))).all()
    return [(row.key, row.value.decode()) for row in rows if row.topic.endswith("identity.accounts")]


async def test_the_demonstration_is_loaded_once(world: World) -> None:
    before = await account_events(world)
    await load_demo(world.service)
    assert await account_events(world) == before
    assert set(people()) == {"lin", "zhang", "clerk", "officer"}
    assert {g.role for g in (await find_staff("officer", world.work())).grants} == {"review", "decide", "integrator"}


async def test_grants_raise_the_version_by_one_each_even_in_parallel(world: World) -> None:
    before = (await find_staff("clerk", world.work())).version
    commands = [GrantRole("operator", "clerk", f"org-{number}", "review") for number in range(6)]
    await asyncio.gather(*(grant_role(command, world.work()) for command in commands))
    again = await grant_role(commands[0], world.work())
    assert again.version == before + 6
    await revoke_role(RevokeRole("operator", "clerk", "org-0", "review"), world.work())
    account = await revoke_role(RevokeRole("operator", "clerk", "org-0", "review"), world.work())
    assert account.version == before + 7
    told = [value for key, value in await account_events(world) if key == account.id]
    assert len(told) == account.version
    assert '"revoked_by":"operator"' in told[-1]


async def test_what_cannot_be_granted(world: World) -> None:
    with pytest.raises(AccountUnknown):
        await grant_role(GrantRole("operator", "lin", "*", "intake"), world.work())
    with pytest.raises(RoleUnknown):
        await grant_role(GrantRole("operator", "clerk", "*", "king"), world.work())
    with pytest.raises(RoleUnknown):
        await grant_role(GrantRole("operator", "clerk", "", "intake"), world.work())


async def test_grants_come_in_one_order_whatever_the_database_sorts_by(world: World) -> None:
    for organisation in ("alpha", "Zeta", "市司法局", "beta-1", "beta1", "Ünal"):
        given = await grant_role(GrantRole("operator", "clerk", organisation, "review"), world.work())
        found = await find_staff("clerk", world.work())
        assert given == found
        assert list(found.grants) == sorted(found.grants)
    taken = await revoke_role(RevokeRole("operator", "clerk", "Zeta", "review"), world.work())
    assert taken == await find_staff("clerk", world.work())


async def test_no_more_is_granted_than_a_token_can_carry(world: World) -> None:
    count = 0
    with pytest.raises(TooManyGrants):
        for count in range(100):
            command = GrantRole("operator", "officer", f"{'局' * 120}{count}", "administrator")
            await grant_role(command, world.work())
    assert count >= 3
    desk = world["desk"]
    tokens = await world.browser().tokens(desk, "officer")
    assert len((await desk.claims(tokens["access_token"]))["grants"]) == 3 + count
    # What services take at most, the kit's `caller` says.
    assert len(tokens["access_token"]) <= 8192


async def test_user_names_are_unique_in_a_realm_whatever_their_case_or_width(world: World) -> None:
    passwords = world.provider.passwords
    good = OpenAccount("operator", Realm.CITIZEN, "ＣＬＥＲＫ", "李敏", "a long enough one")
    await open_account(good, world.work(), passwords)
    with pytest.raises(UsernameTaken):
        await open_account(good, world.work(), passwords)
    with pytest.raises(UsernameInvalid):
        await open_account(OpenAccount("o", Realm.CITIZEN, "a b", "x", "a long enough one"), world.work(), passwords)
    with pytest.raises(PasswordWeak):
        await open_account(OpenAccount("o", Realm.CITIZEN, "someone", "x", "short"), world.work(), passwords)


async def test_names_are_encrypted_and_events_hold_none(world: World) -> None:
    async with world.work(readonly=True) as work:
        stored = str((await work.execute(text("SELECT * FROM accounts"))).all())
    for personal in ("林晓梅", "lin'", "clerk", "王科".encode().hex(), "\\xe6\\x9e\\x97"):
        assert personal not in stored
    assert "林" not in str(await account_events(world))
