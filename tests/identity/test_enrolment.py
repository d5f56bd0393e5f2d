"""One-time links that set a password: no account has a default one (OWASP ASVS V6.4: initial secrets are random, short
lived and used once).
"""

import asyncio
import re
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from sqlalchemy import select, update
from typer.testing import CliRunner

from services.cli import app as command
from services.identity.domain.accounts import Grant
from services.identity.domain.clients import EVERYWHERE, Realm
from services.identity.errors import AccountUnknown, RoleUnknown, UsernameTaken
from services.identity.handlers.accounts import find_staff
from services.identity.handlers.enrolment import Invite, InviteStaff, invite, invite_staff, link
from services.identity.handlers.workers import Housekeeping
from services.identity.store.tables import ACCOUNTS, ENROLMENTS, TABLES
from tests.identity.conftest import World
from tests.identity.party import ISSUER, PASSWORD, hidden, query

NEW = "第一个 管理员 自己 设 的 密码"
LIFE = timedelta(hours=24)
CHIEF = InviteStaff("operator", "chief", "赵主任", LIFE, Grant(EVERYWHERE, "administrator"))


async def enrol(world: World, token: str, **fields: str) -> str:
    """Open the link, send the form; the page that comes then."""
    browser = world.browser()
    page = await browser.http.get("/enrol", params={"token": token})
    assert page.status_code == 200
    form = {name: hidden(page.text, name) for name in ("_token", "token")}
    typed = {"new_password": NEW, "new_password_again": NEW}
    return (await browser.http.post("/enrol", data=form | typed | fields)).text


async def test_the_first_administrator_comes_in_by_a_link(world: World) -> None:
    token = await invite_staff(CHIEF, world.work)
    address = urlsplit(link(world.settings, token))
    assert (address.scheme, address.netloc, address.path) == ("https", "id.example", "/enrol")
    # Nobody signs in before a password is set, with an empty one or any other.
    assert (await world.browser().sign_in(world["desk"], "chief")).status_code == 422
    browser = world.browser()
    page = await browser.http.get(f"{address.path}?{address.query}")
    assert "赵主任" in page.text
    # Opening the link uses nothing up, and nothing tells its address on.
    assert page.headers["referrer-policy"] == "strict-origin"
    assert page.headers["cache-control"] == "no-store"
    assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
    form = {name: hidden(page.text, name) for name in ("_token", "token")}
    good = form | {"new_password": NEW, "new_password_again": NEW}
    for given, status, words in (
        ({"new_password": "short", "new_password_again": "short"}, 422, "12 位以上"),
        ({"new_password_again": "x"}, 422, "两次填的不一样"),
        ({"new_password": ""}, 422, "请填新密码"),
        ({"_token": "x"}, 403, ""),
        ({"token": "x"}, 404, "这个链接用不了"),
        ({"token": ""}, 404, "这个链接用不了"),
    ):
        answer = await browser.http.post("/enrol", data=good | given)
        assert answer.status_code == status
        assert words in answer.text
        assert NEW not in answer.text
    done = await browser.http.post("/enrol", data=good)
    assert done.status_code == 200
    assert "http://localhost:8082/" in done.text
    assert "http://localhost:8080/" not in done.text
    signed_in = await world.browser().sign_in(world["desk"], "chief", NEW)
    assert "code" in query(signed_in.headers["location"])
    account = await find_staff("chief", world.work(readonly=True))
    assert account.grants == (Grant(EVERYWHERE, "administrator"),)
    # Once, whoever comes.
    assert (await browser.http.post("/enrol", data=good)).status_code == 404
    assert (await browser.http.get("/enrol", params={"token": token})).status_code == 404


async def test_twenty_at_once_use_a_link_once(world: World) -> None:
    token = await invite(Invite("operator", Realm.CITIZEN, "lin", LIFE), world.work())
    browser = world.browser()
    page = await browser.http.get("/enrol", params={"token": token})
    form = {name: hidden(page.text, name) for name in ("_token", "token")}
    typed = [f"{NEW} {number}" for number in range(20)]
    posts = [browser.http.post("/enrol", data=form | {"new_password": new, "new_password_again": new}) for new in typed]
    answers = [answer.status_code for answer in await asyncio.gather(*posts)]
    assert sorted(answers) == [200] + [404] * 19
    won = typed[answers.index(200)]
    assert "code" in query((await world.browser().sign_in(world["portal"], password=won)).headers["location"])


async def test_a_link_ends_with_its_time_and_with_the_next_one(world: World) -> None:
    asked = Invite("operator", Realm.CITIZEN, "lin", LIFE)
    first = await invite(asked, world.work())
    second = await invite(asked, world.work())
    assert (await world.http().get("/enrol", params={"token": first})).status_code == 404
    world.clock.forward(hours=23, minutes=59)
    assert (await world.http().get("/enrol", params={"token": second})).status_code == 200
    world.clock.forward(minutes=1)
    assert (await world.http().get("/enrol", params={"token": second})).status_code == 404
    await Housekeeping(world.provider).round()
    async with world.work(readonly=True) as work:
        assert (await work.execute(select(ENROLMENTS))).all() == []


async def test_a_new_password_ends_what_the_old_one_began(world: World) -> None:
    portal, browser = world["portal"], world.browser()
    tokens = await browser.tokens(portal)
    token = await invite(Invite("operator", Realm.CITIZEN, "LIN", LIFE), world.work())
    assert "code" in await browser.silent(portal)
    assert "密码设好了" in await enrol(world, token)
    assert (await portal.refresh(tokens["refresh_token"])).json()["error"] == "invalid_grant"
    assert (await browser.silent(portal))["error"] == "login_required"
    assert (await world.browser().sign_in(portal, password=PASSWORD)).status_code == 422


async def test_a_link_of_a_disabled_account_opens_nothing(world: World) -> None:
    token = await invite(Invite("operator", Realm.CITIZEN, "lin", LIFE), world.work())
    async with world.work() as work:
        await work.execute(update(ACCOUNTS).values(enabled=False))
    assert (await world.http().get("/enrol", params={"token": token})).status_code == 404


async def test_what_cannot_be_invited_is_refused_before_anything_is_made(world: World) -> None:
    with pytest.raises(RoleUnknown):
        await invite_staff(InviteStaff("operator", "new", "新人", LIFE, Grant(EVERYWHERE, "king")), world.work)
    with pytest.raises(AccountUnknown):
        await invite(Invite("operator", Realm.STAFF, "new", LIFE), world.work())
    with pytest.raises(UsernameTaken):
        await invite_staff(InviteStaff("operator", "clerk", "李敏", LIFE), world.work)


async def test_links_are_stored_by_fingerprint_and_on_record(world: World) -> None:
    token = await invite_staff(CHIEF, world.work)
    await enrol(world, token)
    other = await invite(Invite("operator", Realm.CITIZEN, "lin", LIFE), world.work())
    async with world.work(readonly=True) as work:
        rows = (await work.execute(select(ENROLMENTS))).all()
        audit = TABLES.audit.audit
        statement = select(audit).where(audit.c.action.in_(("invite", "enrol"))).order_by(audit.c.id)
        records = (await work.execute(statement)).all()
    assert other not in str(rows)
    assert [(row.action, row.realm) for row in records] == [
        ("invite", "staff"),
        ("enrol", "staff"),
        ("invite", "citizen"),
    ]
    assert records[0].actor == "operator"
    assert records[1].actor == records[0].object_id
    assert token not in str(records)


async def test_the_commands_print_the_link_alone(
    world: World, copied_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TONGBAN_PROFILE", "test")
    monkeypatch.setenv("TONGBAN_DATA_DIR", str(world.data_dir))
    monkeypatch.setenv("TONGBAN_IDENTITY_DATABASE_URL", copied_url)
    monkeypatch.setenv("TONGBAN_ISSUER", ISSUER)

    async def tongban(*words: str) -> Any:
        return await asyncio.to_thread(CliRunner().invoke, command, words)

    person = ("staff", "invite", "--username", "chief", "--name", "赵主任")
    assert (await tongban(*person, "--role", "administrator")).exit_code != 0
    made = await tongban(*person, "--role", "administrator", "--organisation", EVERYWHERE)
    assert made.exit_code == 0, made.output
    again = await tongban("accounts", "invite", "chief", "--realm", "staff")
    for found in (made, again):
        assert re.fullmatch(rf"{ISSUER}/enrol\?token=[\w-]{{43}}\n", found.stdout), found.stdout
    assert (await world.http().get(made.stdout.strip())).status_code == 404
    assert (await world.http().get(again.stdout.strip())).status_code == 200
    assert (await tongban("accounts", "invite", "nobody", "--realm", "staff")).exit_code != 0
