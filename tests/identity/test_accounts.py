"""Accounts and grants: events through the outbox, versions rising by one, nothing personal in clear."""

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import select, text
from typer.testing import CliRunner

from services.cli import app as command
from services.identity.demo import load_demo, people
from services.identity.domain.account_file import Outcome, read_rows
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
from services.identity.handlers.accounts import load_accounts
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
    assert set(people()) == {"lin", "zhang", "clerk", "officer", "editor", "reviewer", "registrar"}
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


GOOD_ROWS = """
- {realm: citizen, username: Mei, name: 梅, password: a long enough one, claims: {birthdate: 1990-05-12, locale: zh-CN}}
- {realm: staff, username: mei, name: 梅}
- {realm: citizen, username: quiet, name: 静}
"""


async def test_accounts_are_declared_by_a_file_and_bad_rows_keep_no_good_one_back(world: World) -> None:
    bad = [
        {"realm": "moon", "username": "a1", "name": "x"},
        {"realm": "citizen", "username": "a b", "name": "x"},
        {"realm": "citizen", "username": "a2", "name": "x", "password": "short"},
        {"realm": "citizen", "username": "a3", "name": "x", "claims": {"email": "no"}},
        {"realm": "citizen", "username": "ＭＥＩ", "name": "x"},
        {"realm": "citizen", "username": "a4", "name": "x", "password_hash": "x"},
        "a5",
        {"realm": "citizen", "username": "a6", "name": "x", "password": 123456789012},
    ]
    rows = read_rows(GOOD_ROWS) + bad
    report = await load_accounts("operator", rows, world.work, world.provider.passwords)
    assert report.done == (Outcome.OPENED,) * 3
    assert [refused.row for refused in report.refused] == list(range(4, 12))
    reasons = " ".join(refused.reason for refused in report.refused)
    for word in ("realm", "2 to 64 letters", "at least 12 characters", "claims.email", "twice", "password_hash"):
        assert word in reasons
    assert "123456789012" not in reasons
    events = len(await account_events(world))
    again = await load_accounts("operator", read_rows(GOOD_ROWS), world.work, world.provider.passwords)
    assert again.done == (Outcome.UNCHANGED,) * 3
    async with world.work(readonly=True) as work:
        mei = await work.accounts.by_username(Realm.CITIZEN, "mei")
        # Without a password nobody signs in, and nothing tells that such an account is there.
        assert await work.accounts.password_hash(Realm.CITIZEN, "quiet") is None
    assert mei is not None
    assert mei.claims["birthdate"] == "1990-05-12"
    world.clock.forward(seconds=100)
    changed = [{"realm": "citizen", "username": "mei", "name": "梅子", "password": "another long one", "assurance": 3}]
    await load_accounts("operator", changed, world.work, world.provider.passwords)
    changed[0]["claims"] = {"nickname": "小梅"}
    updated = await load_accounts("operator", changed, world.work, world.provider.passwords)
    assert updated.done == (Outcome.UPDATED,)
    async with world.work(readonly=True) as work:
        after = await work.accounts.by_username(Realm.CITIZEN, "mei")
    assert after is not None
    assert (after.name, after.assurance, after.claims["nickname"]) == ("梅子", 1, "小梅")
    assert "birthdate" not in after.claims
    assert after.claims["updated_at"] >= mei.claims["updated_at"] + 100
    # The password is the person's own by now.
    await world.browser().code(world["portal"], "mei", password="a long enough one")
    assert len(await account_events(world)) == events


@pytest.mark.parametrize("text", ["{}", "- [", "name: x", "[" * 100_000, "- !!python/object:os.system {}", '"x"'])
def test_what_is_no_list_of_accounts(text: str) -> None:
    with pytest.raises(ValueError):
        read_rows(text)


def test_a_file_that_cannot_be_read_is_not_quoted() -> None:
    with pytest.raises(ValueError, match="line 2") as caught:
        read_rows("- {realm: citizen,\npassword: {secret words: [}\n")
    assert "secret" not in str(caught.value)


async def test_the_command_reports_each_bad_row_by_number(
    world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "people.yaml"
    file.write_text(GOOD_ROWS + "- {realm: citizen, username: mo, name: ''}\n", "utf-8")
    for name, value in (
        ("PROFILE", "test"),
        ("DATA_DIR", str(world.data_dir)),
        ("IDENTITY_DATABASE_URL", world.settings.database_url),
    ):
        monkeypatch.setenv(f"TONGBAN_{name}", value)
    result = await asyncio.to_thread(CliRunner().invoke, command, ["accounts", "load", str(file)])
    assert result.exit_code == 1
    assert "row 4: refused: name:" in result.stderr
    assert "opened         3" in result.stdout
    file.write_text(GOOD_ROWS, "utf-8")
    result = await asyncio.to_thread(CliRunner().invoke, command, ["accounts", "load", str(file)])
    assert result.exit_code == 0
    assert "unchanged      3" in result.stdout
