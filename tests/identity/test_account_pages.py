"""The account's own pages: sessions, consents, password. OWASP ASVS V7 (sessions are seen and ended, the password is
asked again before changes), NIST SP 800-63B §5.1.1.2 (a new password).
"""

import re
from pathlib import Path

import httpx
import pytest
from sqlalchemy import select

from services.identity.domain.clients import Realm
from services.identity.domain.local_clients import local_clients
from services.identity.store.tables import TABLES
from tests.identity.conftest import Starter, World
from tests.identity.party import PASSWORD, Browser, Party, hidden, query
from tests.identity.test_core_consent import ORIGINS, agree

NEW = "在 广安 办事 不 跑 第二趟"


async def sign_in(browser: Browser, username: str = "lin", password: str = PASSWORD, realm: str = "citizen") -> str:
    """Sign in to the account's pages themselves; the page that comes then."""
    page = await browser.http.get("/account", params={"realm": realm})
    form = {"_token": hidden(page.text, "_token"), "realm": realm, "username": username, "password": password}
    answer = await browser.http.post("/account/signin", data=form)
    assert answer.status_code == 303, answer.text
    return (await browser.http.get(answer.headers["location"])).text


async def change(browser: Browser, kind: str, target: str = "", **more: str) -> httpx.Response:
    page = (await browser.http.get("/account")).text
    form = {"_token": hidden(page, "_token"), "realm": "citizen", "change": kind, "object": target}
    return await browser.http.post("/account/change", data=form | more)


async def test_the_page_signs_in_by_itself_and_counts_attempts_as_sign_in_does(start: Starter) -> None:
    world: World = await start(lockout_failures=2)
    browser = world.browser()
    page = (await browser.http.get("/account")).text
    form = {"_token": hidden(page, "_token"), "realm": "citizen", "username": "lin", "password": "wrong"}
    for data, status in (
        (form | {"username": " "}, 422),
        (form | {"password": ""}, 422),
        (form | {"_token": "x"}, 403),
        (form, 422),
        (form, 422),
        (form, 429),
    ):
        answer = await browser.http.post("/account/signin", data=data)
        assert answer.status_code == status, answer.text
        assert "__Host-tb-sso-citizen" not in browser.http.cookies
    assert "retry-after" in answer.headers
    # Locked at the sign-in page of a client as well: it is one count.
    assert (await world.browser().sign_in(world["portal"])).status_code == 429
    assert "张伟" in await sign_in(browser, "zhang")
    # Another realm is another world.
    assert 'name="password"' in (await browser.http.get("/account", params={"realm": "staff"})).text
    assert "李敏" in await sign_in(world.browser(), "clerk", realm="staff")


async def test_sessions_are_seen_and_ended_one_by_one(world: World) -> None:
    portal, here, there = world["portal"], world.browser(), world.browser()
    tokens = await there.tokens(portal)
    await here.tokens(portal)
    stranger = await world.browser().tokens(portal, "zhang")
    page = (await here.http.get("/account")).text
    assert page.count("通办网上办事大厅") >= 2
    assert page.count("就是这里") == 1
    sid = (await portal.claims(tokens["id_token"]))["sid"]
    own = (await portal.claims(stranger["id_token"]))["sid"]
    assert sid in page
    assert own not in page
    # Somebody else's session cannot be ended, nor told from one that is not there.
    for other in (own, "0" * 32, ""):
        assert (await change(here, "end", other)).status_code == 404
    assert (await portal.refresh(stranger["refresh_token"])).status_code == 200
    answer = await change(here, "end", sid)
    assert answer.headers["location"] == "/account?realm=citizen&done=end"
    assert "那一处已退出" in (await here.http.get(answer.headers["location"])).text
    assert (await portal.refresh(tokens["refresh_token"])).json()["error"] == "invalid_grant"
    assert (await there.silent(portal))["error"] == "login_required"
    assert "code" in await here.silent(portal)


async def test_sign_out_everywhere_takes_effect_at_once_and_clients_are_told(world: World) -> None:
    portal, here, there = world["portal"], world.browser(), world.browser()
    tokens = [await browser.tokens(portal) for browser in (here, there)]
    other = await world.browser().tokens(portal, "zhang")
    page = await change(here, "end_all")
    assert "已退出" in page.text
    assert "__Host-tb-sso-citizen" not in here.http.cookies
    for given in tokens:
        asked = await portal.http.post("/introspect", data=world["cases"].authenticated(token=given["access_token"]))
        assert asked.json() == {"active": False}
        userinfo = await portal.http.get("/userinfo", headers={"Authorization": f"Bearer {given['access_token']}"})
        assert userinfo.status_code == 401
        assert (await portal.refresh(given["refresh_token"])).json()["error"] == "invalid_grant"
    assert (await portal.refresh(other["refresh_token"])).status_code == 200
    assert TABLES.deliveries is not None
    async with world.work(readonly=True) as work:
        told = (await work.execute(select(TABLES.deliveries.deliveries.c.endpoint_id))).scalars().all()
    assert told == ["portal", "portal"]


async def test_an_old_sign_in_asks_for_the_password_before_a_change(world: World) -> None:
    portal, here, there = world["portal"], world.browser(), world.browser()
    sid = (await portal.claims((await there.tokens(portal))["id_token"]))["sid"]
    await sign_in(here)
    world.clock.forward(minutes=14)
    await here.http.get("/account")
    world.clock.forward(minutes=2)
    for given, words in (({}, "再填一次密码"), ({"password": "wrong"}, "密码不对")):
        answer = await change(here, "end", sid, **given)
        assert words in answer.text
        assert 'name="password"' in answer.text
        assert hidden(answer.text, "object") == sid
        assert "code" in await there.silent(portal)
    cookie = here.http.cookies["__Host-tb-sso-citizen"]
    done = await change(here, "end", sid, password=PASSWORD)
    assert done.status_code == 303
    assert here.http.cookies["__Host-tb-sso-citizen"] != cookie
    assert (await there.silent(portal))["error"] == "login_required"
    # Not asked again for a while.
    assert (await change(here, "withdraw", "nobody")).status_code == 303


async def test_a_consent_that_is_taken_back_ends_its_tokens(start: Starter, tmp_path: Path) -> None:
    declared = local_clients(tmp_path / "secrets", ORIGINS)
    portal = next(client for client in declared if client["client_id"] == "portal")
    shop = portal | {"client_id": "shop", "client_name": {"zh": "小店", "en": "The shop"}, "first_party": False}
    shop |= {"redirect_uris": ["https://shop.example/callback"], "backchannel_logout_uri": None}
    world: World = await start(clients=[*declared, shop])
    party = Party("shop", world["portal"].key, world["portal"].http, "https://shop.example/callback", world.clock)
    here, other = world.browser(), world.browser()
    kept = await here.tokens(world["portal"])
    found = await agree(here, (await here.http.get(party.address(resource=None))).text)
    tokens = (await party.redeem(found["code"], resource=None)).json()
    pending = (await here.silent(party, resource=None))["code"]
    theirs = await agree(other, (await other.sign_in(party, "zhang", resource=None)).text)
    zhang = (await party.redeem(theirs["code"], resource=None)).json()
    page = (await here.http.get("/account")).text
    assert "小店" in page
    assert "姓名和基本资料" in page
    answer = await change(here, "withdraw", "shop")
    assert "已收回" in (await here.http.get(answer.headers["location"])).text
    assert (await party.refresh(tokens["refresh_token"])).json()["error"] == "invalid_grant"
    userinfo = await party.http.get("/userinfo", headers={"Authorization": f"Bearer {tokens['access_token']}"})
    assert userinfo.status_code == 401
    assert (await party.redeem(pending, resource=None)).json()["error"] == "invalid_grant"
    assert (await here.silent(party, resource=None))["error"] == "consent_required"
    # Nobody else's, and no other client's.
    assert (await party.refresh(zhang["refresh_token"])).status_code == 200
    assert (await world["portal"].refresh(kept["refresh_token"])).status_code == 200
    async with world.work(readonly=True) as work:
        audit = TABLES.audit.audit
        rows = (await work.execute(select(audit.c.action, audit.c.result).where(audit.c.client == "shop"))).all()
    assert ("consent", "withdrawn") in [tuple(row) for row in rows]
    assert ("revoke", "consent_withdrawn") in [tuple(row) for row in rows]


async def test_a_new_password_needs_the_present_one_and_ends_other_sessions(world: World) -> None:
    portal, here, there = world["portal"], world.browser(), world.browser()
    tokens = await there.tokens(portal)
    await sign_in(here)
    page = (await here.http.get("/account/password")).text
    form = {"_token": hidden(page, "_token"), "realm": "citizen", "password": PASSWORD}
    good = {"new_password": NEW, "new_password_again": NEW}
    for given, words in (
        (good | {"password": "wrong"}, "密码不对"),
        (good | {"password": ""}, "请填现在的密码"),
        ({"new_password": "short", "new_password_again": "short"}, "12 位以上"),
        ({"new_password": "字" * 400, "new_password_again": "字" * 400}, "太长了"),
        (good | {"new_password_again": NEW + "x"}, "两次填的不一样"),
        ({}, "请填新密码"),
    ):
        answer = await here.http.post("/account/password", data=form | given)
        assert answer.status_code == 422
        assert words in answer.text
        for secret in (PASSWORD, NEW):
            assert secret not in answer.text
    assert (await here.http.post("/account/password", data=form | good | {"_token": "x"})).status_code == 403
    assert (await portal.refresh(tokens["refresh_token"])).status_code == 200
    done = await here.http.post("/account/password", data=form | good)
    assert done.headers["location"] == "/account?realm=citizen&done=password"
    assert "密码改好了" in (await here.http.get(done.headers["location"])).text
    assert (await there.silent(portal))["error"] == "login_required"
    assert "code" in await here.silent(portal)
    assert (await world.browser().sign_in(portal)).status_code == 422
    assert "code" in query((await world.browser().sign_in(portal, password=NEW)).headers["location"])


async def test_an_old_hash_made_anew_does_not_bring_the_old_password_back(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A password changed while a sign-in with the old one computes its hash anew stays changed."""
    passwords, made = world.provider.passwords, world.provider.passwords.hash

    async def meanwhile(password: str) -> str:
        async with world.work() as work:
            found = await work.accounts.by_username(Realm.CITIZEN, "lin")
            assert found is not None
            await work.accounts.set_password_hash(found.id, await made(NEW))
        return await made(password)

    monkeypatch.setattr(passwords, "outdated", lambda encoded: True)
    monkeypatch.setattr(passwords, "hash", meanwhile)
    await world.browser().sign_in(world["portal"])
    monkeypatch.undo()
    assert (await world.browser().sign_in(world["portal"])).status_code == 422
    assert (await world.browser().sign_in(world["portal"], password=NEW)).status_code == 303


async def test_nobody_signed_in_changes_nothing(world: World, subtests: pytest.Subtests) -> None:
    portal, signed_in, stranger = world["portal"], world.browser(), world.browser()
    tokens = await signed_in.tokens(portal)
    sid = (await portal.claims(tokens["id_token"]))["sid"]
    token = hidden((await stranger.http.get("/account")).text, "_token")
    form = {"_token": token, "realm": "citizen", "change": "end", "object": sid}
    for path, data in (("change", form), ("change", form | {"change": "end_all"}), ("password", form)):
        with subtests.test(path=path, change=data["change"]):
            answer = await stranger.http.post(f"/account/{path}", data=data)
            assert 'name="username"' in answer.text
    for data in (form | {"change": "all"}, {k: v for k, v in form.items() if k != "change"}):
        assert (await signed_in.http.post("/account/change", data=data)).status_code in (400, 403)
    crossed = await signed_in.http.post("/account/change", data=form, headers={"Origin": "https://evil.example"})
    assert crossed.status_code == 403
    assert "code" in await signed_in.silent(portal)


async def test_the_pages_are_guarded_and_speak_english(world: World) -> None:
    browser = world.browser()
    await sign_in(browser)
    for path in ("/account", "/account/password"):
        page = await browser.http.get(path, headers={"Accept-Language": "en"})
        assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
        assert page.headers["cache-control"] == "no-store"
        main = re.sub(r"<[^>]*>", "", page.text.partition("<main")[2].partition("</main>")[0]).replace("林晓梅", "")
        assert not re.search("[\u4e00-\u9fff]", main), main
    assert 'href="/account"' in (await browser.http.get("/")).text
    assert 'href="/account"' in (await world.browser().http.get("/logout")).text
