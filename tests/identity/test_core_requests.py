"""OpenID Connect Core §3.1.2: state, nonce, prompt, max_age, hints (item 9's echoes); RFC 9207 (item 6)."""

import pytest

from tests.identity.conftest import World
from tests.identity.party import ISSUER, PASSWORD, Browser, hidden, query


async def test_issuer_and_state_are_in_success_and_error_alike(world: World) -> None:
    portal, browser = world["portal"], world.browser()
    state = 'a b&c=d"<é>'
    success = query((await browser.sign_in(portal, state=state)).headers["location"])
    assert (success["iss"], success["state"]) == (ISSUER, state)
    for parameters in ({"scope": "profile"}, {"prompt": "none", "max_age": "0x"}, {"resource": "urn:other"}):
        error = query((await browser.http.get(portal.address(state=state, **parameters))).headers["location"])
        assert (error["iss"], error["state"]) == (ISSUER, state)
        assert "code" not in error
    assert "state" not in query((await browser.http.get(portal.address(state=None))).headers["location"])


async def test_the_nonce_is_echoed(world: World) -> None:
    portal = world["portal"]
    for nonce in ("n-é\"'", None):
        tokens = await world.browser().tokens(portal, nonce=nonce)
        assert (await portal.claims(tokens["id_token"])).get("nonce") == nonce


async def test_bad_requests_go_back_with_their_error(world: World, subtests: pytest.Subtests) -> None:
    http, portal = world.http(), world["portal"]
    for parameters, error in (
        ({"response_type": None}, "invalid_request"),
        ({"response_type": "code id_token"}, "unsupported_response_type"),
        ({"response_mode": "fragment"}, "invalid_request"),
        ({"scope": None}, "invalid_scope"),
        ({"scope": "profile"}, "invalid_scope"),
        ({"prompt": "none login"}, "invalid_request"),
        ({"prompt": "create"}, "invalid_request"),
        ({"prompt": "none consent"}, "invalid_request"),
        ({"max_age": "-1"}, "invalid_request"),
        ({"max_age": "１"}, "invalid_request"),
        ({"nonce": "n" * 1001}, "invalid_request"),
        ({"request": "e30.e30."}, "request_not_supported"),
        ({"request_uri": "http://169.254.169.254/"}, "request_uri_not_supported"),
        ({"registration": "{}"}, "registration_not_supported"),
        ({"id_token_hint": "e30.e30.e30"}, "invalid_request"),
        ({"resource": ["urn:tongban:cases", "https://evil.example"]}, "invalid_target"),
    ):
        with subtests.test(parameters=parameters):
            answer = await http.get(portal.address(**parameters))
            assert answer.status_code == 303
            assert answer.headers["location"].startswith(portal.redirect_uri + "?")
            assert query(answer.headers["location"])["error"] == error


async def test_an_empty_parameter_counts_as_omitted(world: World) -> None:
    answer = await world.http().get(world["portal"].address() + "&max_age=&prompt=&request=&login_hint=")
    assert answer.status_code == 200


async def test_post_works_as_get_does(world: World) -> None:
    portal, browser, elsewhere = world["portal"], world.browser(), world.http()
    answer = await browser.http.post("/authorize", data=portal.request())
    assert answer.status_code == 303
    page = await browser.http.get(answer.headers["location"])
    assert 'name="password"' in page.text
    await browser.post_sign_in(page.text, "lin", PASSWORD)
    posted = await browser.http.post("/authorize", data=portal.request(prompt="none"))
    assert "code" in query(posted.headers["location"])
    # From another site the post comes without the cookie (SameSite=Lax), the GET that it is led to with it.
    crossed = await elsewhere.post("/authorize", data=portal.request(prompt="none", state='a b&c=d"<é>'))
    assert crossed.status_code == 303
    assert crossed.headers["location"].startswith("/authorize?")
    back = query((await browser.http.get(crossed.headers["location"])).headers["location"])
    assert "code" in back
    assert back["state"] == 'a b&c=d"<é>'


async def test_a_post_that_no_address_can_hold_is_refused(world: World) -> None:
    data = world["portal"].request(claims="x" * 7000)
    answer = await world.http().post("/authorize", data=data)
    assert answer.status_code == 413
    assert "location" not in answer.headers


async def test_prompt_none_asks_nobody(world: World) -> None:
    portal, kiosk, browser = world["portal"], world["kiosk"], world.browser()
    assert (await browser.silent(portal))["error"] == "login_required"
    await browser.tokens(portal)
    # Another client of the same realm: the switch without a password.
    found = await browser.silent(kiosk)
    assert (await kiosk.redeem(found["code"])).status_code == 200


async def test_prompt_login_asks_again_and_moves_auth_time(world: World) -> None:
    portal, browser = world["portal"], world.browser()
    before = await portal.claims((await browser.tokens(portal))["id_token"])
    world.clock.forward(seconds=100)
    page = await browser.http.get(portal.address(prompt="login"))
    assert 'name="password"' in page.text
    after = await portal.claims((await browser.tokens(portal, prompt="login"))["id_token"])
    assert after["auth_time"] >= before["auth_time"] + 100
    assert after["sid"] == before["sid"]


async def test_max_age_asks_again_when_the_sign_in_is_older(world: World) -> None:
    portal, browser = world["portal"], world.browser()
    await browser.tokens(portal)
    world.clock.forward(seconds=100)
    assert "code" in await browser.silent(portal, max_age="200")
    assert (await browser.silent(portal, max_age="50"))["error"] == "login_required"
    assert 'name="password"' in (await browser.http.get(portal.address(max_age="50"))).text
    tokens = await browser.tokens(portal, max_age="50")
    assert "auth_time" in await portal.claims(tokens["id_token"])


async def test_select_account_goes_on_or_takes_another(world: World) -> None:
    desk, browser = world["desk"], world.browser()
    clerk = await desk.claims((await browser.tokens(desk, "clerk"))["id_token"])
    page = await browser.http.get(desk.address(prompt="select_account"))
    assert "李敏" in page.text
    assert 'name="password"' not in page.text
    form = {name: hidden(page.text, name) for name in ("_token", "request")}
    answer = await browser.http.post("/signin/account", data=form | {"choice": "present"})
    same = (await desk.redeem(query(answer.headers["location"])["code"])).json()
    assert (await desk.claims(same["id_token"]))["sub"] == clerk["sub"]
    other = await browser.http.post("/signin/account", data=form | {"choice": "other"})
    assert 'name="password"' in other.text
    back = await browser.post_sign_in(other.text, "officer", PASSWORD)
    officer = (await desk.redeem(query(back.headers["location"])["code"])).json()
    claims = await desk.claims(officer["id_token"])
    assert claims["name"] == "王科"
    assert claims["sid"] != clerk["sid"]
    # One browser, one officer: the clerk's session ended.
    assert (await desk.refresh(same["refresh_token"])).json()["error"] == "invalid_grant"


async def test_an_id_token_hint_of_somebody_else_asks(world: World) -> None:
    portal, first, second = world["portal"], world.browser(), world.browser()
    lin = (await first.tokens(portal, "lin"))["id_token"]
    zhang = (await second.tokens(portal, "zhang"))["id_token"]
    assert "code" in await first.silent(portal, id_token_hint=lin)
    assert (await first.silent(portal, id_token_hint=zhang))["error"] == "login_required"
    # A hint may have expired (§3.1.2.1); one for another client or an access token is none.
    world.clock.forward(minutes=10)
    assert "code" in await first.silent(portal, id_token_hint=lin)
    assert (await first.silent(world["kiosk"], id_token_hint=lin))["error"] == "invalid_request"


async def test_another_person_than_the_hints_signs_in_for_nothing(world: World) -> None:
    portal, browser = world["portal"], world.browser()
    hint = (await world.browser().tokens(portal, "lin"))["id_token"]
    answer = await browser.sign_in(portal, "zhang", id_token_hint=hint)
    assert query(answer.headers["location"])["error"] == "login_required"
    assert (await browser.silent(portal))["error"] == "login_required"
    assert "code" in query((await browser.sign_in(portal, "lin", id_token_hint=hint)).headers["location"])


async def test_login_hint_fills_the_name_and_no_markup_comes_through(world: World) -> None:
    page = await world.http().get(world["portal"].address(login_hint='lin"><script>alert(1)</script>'))
    assert "<script>alert" not in page.text
    assert "lin&#34;&gt;" in page.text


async def test_ui_locales_and_the_cookie_choose_the_language(world: World) -> None:
    portal, browser = world["portal"], Browser(world.http())
    assert 'lang="zh-CN"' in (await browser.http.get(portal.address())).text
    english = await browser.http.get(portal.address(ui_locales="fr en-GB zh"))
    assert "User name" in english.text
    assert "Tongban portal" in english.text
    change = await browser.http.get(portal.address() + "&lang=en")
    assert change.status_code == 303
    assert "state=st-1" in change.headers["location"]
    again = await browser.http.get(change.headers["location"])
    assert "User name" in again.text
    wrong = await browser.post_sign_in(again.text, "lin", "wrong")
    assert "do not fit" in wrong.text
    assert "/authorize?" in wrong.text
