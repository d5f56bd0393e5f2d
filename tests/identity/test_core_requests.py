"""OpenID Connect Core §3.1.2: state, nonce, prompt, max_age, hints (item 9's echoes); RFC 9207 (item 6)."""

import json
from typing import Any

import pytest

from services.identity.domain.sessions import ACR
from tests.identity.conftest import Starter, World
from tests.identity.party import CASES, ISSUER, PASSWORD, STRANGER_JWKS, Browser, Party, hidden, query
from tests.identity.test_clients import GOOD

LIMITED = GOOD | {
    "client_id": "limited",
    "first_party": True,
    "jwks": STRANGER_JWKS,
    "scopes": ["openid", "profile"],
    "default_max_age": 100,
    "default_acr_values": ["urn:other"],
    "require_auth_time": True,
}


async def tokens_of(browser: Browser, party: Party, *, resource: str | None, **parameters: Any) -> dict[str, Any]:
    """Tokens for the one resource, or for the provider itself."""
    code = await browser.code(party, resource=resource, **parameters)
    found: dict[str, Any] = (await party.redeem(code, resource=resource)).json()
    return found


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
        ({"request": "e30.e30."}, "invalid_request_object"),
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


async def test_unknown_scopes_are_ignored_and_the_answer_tells_what_is_granted(start: Starter) -> None:
    """§3.1.2.1: "Scope values used that are not understood SHOULD be ignored"; RFC 6749 §3.3."""
    world: World = await start(more=[LIMITED])
    for party, resource, granted in (("portal", CASES, "openid email"), ("limited", None, "openid")):
        client = world[party]
        asked = {"scope": "openid payments email https://evil.example/x", "resource": resource}
        tokens = await tokens_of(world.browser(), client, **asked)
        assert tokens["scope"] == granted
        assert (await client.claims(tokens["access_token"]))["scope"] == granted
    refused = await world.http().get(world["limited"].address(scope="email", resource=None))
    assert query(refused.headers["location"])["error"] == "invalid_scope"


async def test_what_is_not_known_is_ignored(world: World, subtests: pytest.Subtests) -> None:
    """RFC 6749 §3.1, §3.1.2.1: unknown parameters; `display` and `claims_locales` ask for what need not be."""
    browser = world.browser()
    await browser.tokens(world["portal"])
    for parameters in ({"extra": "foobar"}, {"display": "popup"}, {"display": "x"}, {"claims_locales": "se"}):
        with subtests.test(parameters=parameters):
            assert "code" in await browser.silent(world["portal"], **parameters)


async def test_acr_values_are_a_wish_and_the_answer_tells_which_it_is(world: World) -> None:
    portal, browser = world["portal"], world.browser()
    for asked in (ACR, f"urn:other {ACR}", "urn:other 1 2"):
        tokens = await browser.tokens(portal, acr_values=asked, prompt="login")
        assert (await portal.claims(tokens["id_token"]))["acr"] == ACR
        assert "code" in await browser.silent(portal, acr_values=asked)


async def test_an_essential_acr_is_reached_or_the_sign_in_fails(world: World, subtests: pytest.Subtests) -> None:
    """§5.5.1.1, Unmet Authentication Requirements 1.0 §3."""
    portal, browser = world["portal"], world.browser()
    await browser.tokens(portal)
    acr: Any
    for acr, error in (
        ({"essential": True, "values": ["urn:other"]}, "unmet_authentication_requirements"),
        ({"essential": True, "value": "urn:other"}, "unmet_authentication_requirements"),
        ({"essential": True, "values": ["urn:other", ACR]}, None),
        ({"essential": True}, None),
        ({"values": ["urn:other"]}, None),
        ({"essential": False, "value": "urn:other"}, None),
        (None, None),
    ):
        with subtests.test(acr=acr):
            found = await browser.silent(portal, claims=json.dumps({"id_token": {"acr": acr}}))
            assert found.get("error") == error


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


async def test_max_age_zero_is_prompt_login(world: World) -> None:
    """§3.1.2.1: "the value 0 is treated the same as prompt=login"."""
    portal, browser = world["portal"], world.browser()
    before = await portal.claims((await browser.tokens(portal))["id_token"])
    assert (await browser.silent(portal, max_age="0"))["error"] == "login_required"
    world.clock.forward(seconds=2)
    after = await portal.claims((await browser.tokens(portal, max_age="0"))["id_token"])
    assert after["auth_time"] >= before["auth_time"] + 2


async def test_a_clients_defaults_count_where_the_request_is_silent(start: Starter) -> None:
    """OpenID Connect Registration §2: default_max_age, default_acr_values, require_auth_time."""
    world: World = await start(more=[LIMITED])
    limited, browser = world["limited"], world.browser()
    claims = await limited.claims((await tokens_of(browser, limited, resource=None))["id_token"])
    assert {"auth_time", "acr"} <= claims.keys()
    world.clock.forward(seconds=200)
    assert (await browser.silent(limited, resource=None))["error"] == "login_required"
    assert 'name="password"' in (await browser.http.get(limited.address(resource=None))).text
    assert "code" in await browser.silent(limited, resource=None, max_age="300")
    # For whom nothing is registered any sign-in will do.
    assert "code" in await browser.silent(world["portal"])


async def test_consent_after_a_sign_in_that_max_age_asked_for_is_given_once(start: Starter) -> None:
    world: World = await start(more=[LIMITED | {"first_party": False}])
    limited, browser = world["limited"], world.browser()
    page = await browser.sign_in(limited, resource=None, max_age="0")
    world.clock.forward(seconds=30)
    form = {name: hidden(page.text, name) for name in ("_token", "request", "shown_to")}
    answer = await browser.http.post("/consent", data=form | {"choice": "allow"})
    assert "code" in query(answer.headers["location"])


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
