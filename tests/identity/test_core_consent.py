"""OpenID Connect Core §3.1.2.4 and §3.1.2.6: consent for strangers' clients; Fetch Metadata for hidden frames."""

from pathlib import Path

import pytest
from sqlalchemy import select

from services.identity.domain.local_clients import local_clients
from services.identity.store.tables import TABLES
from tests.identity.conftest import Starter, World
from tests.identity.party import CASES, PASSWORD, Browser, Party, hidden, query

ORIGINS = {"portal": "http://localhost:8080", "kiosk": "http://localhost:8081", "desk": "http://localhost:8082"}
CALLBACK = "https://shop.example/callback"


@pytest.fixture
async def world(start: Starter, tmp_path: Path) -> World:
    """The provider with `shop`, a client that is not ours."""
    declared = local_clients(tmp_path / "secrets", ORIGINS)
    portal = next(client for client in declared if client["client_id"] == "portal")
    shop = portal | {
        "client_id": "shop",
        "client_name": {"zh": "小店", "en": "The shop"},
        "first_party": False,
        "redirect_uris": [CALLBACK],
        "post_logout_redirect_uris": [],
        "backchannel_logout_uri": None,
        "client_uri": "https://shop.example/",
        "policy_uri": "https://shop.example/policy",
        "tos_uri": "https://shop.example/terms",
    }
    found: World = await start(clients=[*declared, shop])
    found.parties["shop"] = Party("shop", found["portal"].key, found["portal"].http, CALLBACK, found.clock)
    return found


def ask(page: str) -> dict[str, str]:
    """The fields of the consent form."""
    return {name: hidden(page, name) for name in ("_token", "request", "shown_to")}


async def agree(browser: Browser, page: str, choice: str = "allow") -> dict[str, str]:
    answer = await browser.http.post("/consent", data=ask(page) | {"choice": choice})
    assert answer.status_code == 303, answer.text
    assert answer.headers["location"].startswith(CALLBACK)
    return query(answer.headers["location"])


async def test_a_strangers_client_is_agreed_to_once(world: World) -> None:
    shop, browser = world["shop"], world.browser()
    page = await browser.sign_in(shop, resource=None)
    assert page.status_code == 200
    for words in (
        "小店",
        "它的网址：shop.example",
        "林晓梅",
        "姓名和基本资料",
        "/policy",
        "/terms",
        'name="choice" value="allow"',
    ):
        assert words in page.text
    # Chromium holds it to every redirect after the form, and a stranger's callback may lead on to another of its hosts.
    assert "form-action 'self' https://shop.example https:;" in page.headers["content-security-policy"] + ";"
    found = await agree(browser, page.text)
    assert found["state"] == "st-1"
    assert (await shop.redeem(found["code"], resource=None)).status_code == 200
    # Remembered, for as much and for less; asked again for more, and by prompt=consent.
    assert "code" in await browser.silent(shop, resource=None)
    assert "code" in await browser.silent(shop, resource=None, scope="openid")
    for more in ({"scope": "openid profile phone"}, {"resource": CASES}, {"prompt": "consent"}):
        again = await browser.http.get(shop.address(**{"resource": None} | more))
        assert 'value="allow"' in again.text, more
    assert "手机号" in (await browser.http.get(shop.address(scope="openid phone"))).text
    # Another person has agreed to nothing, in the same browser either.
    other = await browser.sign_in(shop, "zhang", resource=None, prompt="login")
    assert (other.status_code, "张伟" in other.text) == (200, True)


async def test_our_own_page_leads_to_no_stranger(world: World) -> None:
    page = (await world.http().get("/")).text
    assert "http://localhost:8080/" in page
    assert "shop.example" not in page


async def test_what_was_agreed_to_before_stays_agreed_to(world: World) -> None:
    shop, browser = world["shop"], world.browser()
    await agree(browser, (await browser.sign_in(shop, resource=None)).text)
    more = await browser.http.get(shop.address(resource=None, scope="openid email"))
    await agree(browser, more.text)
    assert "code" in await browser.silent(shop, resource=None, scope="openid profile email")


async def test_core_5_5_claims_asked_for_one_by_one_are_agreed_to_one_by_one(world: World) -> None:
    shop, browser = world["shop"], world.browser()
    asked = {"resource": None, "scope": "openid", "claims": '{"userinfo": {"phone_number": null, "birthdate": null}}'}
    page = await browser.sign_in(shop, **asked)
    for words in ("手机号", "出生日期"):
        assert words in page.text
    assert "电子邮箱" not in page.text
    await agree(browser, page.text)
    assert "code" in await browser.silent(shop, **asked)
    more = asked | {"claims": '{"id_token": {"email": {"essential": true}}}'}
    assert (await browser.silent(shop, **more))["error"] == "consent_required"
    assert "电子邮箱" in (await browser.http.get(shop.address(**more))).text


async def test_prompt_none_without_consent_is_consent_required(world: World) -> None:
    shop, browser = world["shop"], world.browser()
    assert (await browser.silent(shop))["error"] == "login_required"
    await browser.tokens(world["portal"])
    assert (await browser.silent(shop))["error"] == "consent_required"
    assert "code" in await browser.silent(world["kiosk"])


async def test_a_refusal_is_access_denied_and_remembered_by_nobody(world: World) -> None:
    shop, browser = world["shop"], world.browser()
    page = await browser.sign_in(shop)
    refused = await agree(browser, page.text, "deny")
    assert (refused["error"], refused["state"]) == ("access_denied", "st-1")
    assert (await browser.silent(shop))["error"] == "consent_required"
    page = await browser.http.get(shop.address())
    found = await agree(browser, page.text)
    assert "code" in found
    async with world.work(readonly=True) as work:
        audit = TABLES.audit.audit
        rows = (await work.execute(select(audit).where(audit.c.action == "consent").order_by(audit.c.id))).all()
    assert [(row.result, row.client, row.object_id) for row in rows] == [
        ("refused", "shop", "shop"),
        ("given", "shop", "shop"),
    ]
    assert "profile" in rows[1].purpose


async def test_our_own_surfaces_ask_only_where_they_say_so(world: World) -> None:
    portal, browser = world["portal"], world.browser()
    assert (await browser.sign_in(portal)).status_code == 303
    page = await browser.http.get(portal.address(prompt="consent"))
    answer = await browser.http.post("/consent", data=ask(page.text) | {"choice": "allow"})
    assert "code" in query(answer.headers["location"])
    # Signing in anew does not answer it.
    assert 'value="allow"' in (await browser.sign_in(portal, prompt="login consent")).text


async def test_only_who_saw_the_question_answers_it(world: World) -> None:
    shop, browser = world["shop"], world.browser()
    page = await browser.sign_in(shop, "lin")
    form = ask(page.text) | {"choice": "allow"}
    for forged in (form | {"_token": "x"}, form | {"choice": ""}, form | {"choice": "yes"}):
        answer = await browser.http.post("/consent", data=forged)
        assert answer.status_code in (400, 403)
        assert "location" not in answer.headers
    crossed = await browser.http.post("/consent", data=form, headers={"Origin": "https://evil.example"})
    assert crossed.status_code == 403
    # Somebody else has signed in meanwhile, in another tab: they are asked themselves.
    await browser.sign_in(world["portal"], "zhang", prompt="login")
    answer = await browser.http.post("/consent", data=form)
    assert answer.status_code == 200
    assert "张伟" in answer.text
    assert (await browser.silent(shop))["error"] == "consent_required"
    # Nobody is signed in any more: the sign-in page.
    await browser.http.get("/logout")
    browser.http.cookies.delete("__Host-tb-sso-citizen")
    answer = await browser.http.post("/consent", data=form)
    assert 'name="password"' in answer.text


async def test_an_old_sign_in_does_not_answer_prompt_login(world: World) -> None:
    shop, browser = world["shop"], world.browser()
    await browser.sign_in(world["portal"])
    page = await browser.http.get(shop.address())
    world.clock.forward(minutes=11)
    form = ask(page.text) | {"choice": "allow"}
    stale = form | {"request": form["request"] + "&prompt=login"}
    answer = await browser.http.post("/consent", data=stale)
    assert 'name="password"' in answer.text
    choice = {"_token": form["_token"], "request": stale["request"], "choice": "present"}
    assert 'name="password"' in (await browser.http.post("/signin/account", data=choice)).text
    asked = await browser.post_sign_in(answer.text, "lin", PASSWORD)
    assert "code" in await agree(browser, asked.text)


async def test_choosing_the_present_account_still_asks_for_consent(world: World) -> None:
    shop, browser = world["shop"], world.browser()
    await browser.sign_in(world["portal"])
    page = await browser.http.get(shop.address(prompt="select_account"))
    form = {name: hidden(page.text, name) for name in ("_token", "request")}
    asked = await browser.http.post("/signin/account", data=form | {"choice": "present"})
    assert "code" in await agree(browser, asked.text)


async def test_core_3_1_2_1_a_frame_gets_an_answer_only_where_the_client_registered_for_it(
    world: World, subtests: pytest.Subtests
) -> None:
    portal, browser = world["portal"], world.browser()
    await browser.sign_in(portal)
    silent = portal.address(prompt="none")
    for place in ("iframe", "frame", "embed", "object", "fencedframe"):
        with subtests.test(place=place):
            answer = await browser.http.get(silent, headers={"Sec-Fetch-Dest": place})
            assert answer.status_code == 400
            assert "location" not in answer.headers
            assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    assert (await browser.http.get(silent, headers={"Sec-Fetch-Dest": "document"})).status_code == 303


async def test_a_registered_client_renews_in_a_hidden_frame_and_shows_no_page_there(
    start: Starter, tmp_path: Path
) -> None:
    declared = local_clients(tmp_path / "secrets", ORIGINS)
    world: World = await start(clients=[client | {"silent_frame": True} for client in declared])
    portal, browser = world["portal"], world.browser()
    await browser.sign_in(portal)
    in_frame = {"Sec-Fetch-Dest": "iframe"}
    answer = await browser.http.get(portal.address(prompt="none"), headers=in_frame)
    assert "code" in query(answer.headers["location"])
    for prompt in (None, "login", "consent"):
        answer = await browser.http.get(portal.address(prompt=prompt), headers=in_frame)
        assert answer.status_code == 400
        assert "location" not in answer.headers
