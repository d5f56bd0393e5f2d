"""RFC 9126: pushed authorization requests, taken at the back channel and used up by one answer."""

import asyncio
import base64
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from sqlalchemy import func, select

from services.identity.store.tables import PUSHED
from tests.identity.conftest import Starter, World
from tests.identity.dpop import Holder
from tests.identity.party import ISSUER, PASSWORD, STRANGER_JWKS, Browser, Party, hidden, query
from tests.identity.test_clients import GOOD

URN = "urn:ietf:params:oauth:request_uri:"
SHOP = GOOD | {"client_id": "shop", "jwks": STRANGER_JWKS, "require_pushed_authorization_requests": True}
SECRET = GOOD | {
    "client_id": "secret",
    "jwks": None,
    "token_endpoint_auth_method": "client_secret_post",
    "client_secret": "s" * 43,
}
HOME = GOOD | {"client_id": "home", "jwks": None, "token_endpoint_auth_method": "none", "first_party": True}


async def push(party: Party, **parameters: Any) -> httpx.Response:
    """A good pushed request, or a changed one."""
    proof = {name: parameters.pop(name) for name in ("client_assertion", "client_assertion_type") if name in parameters}
    return await party.http.post("/par", data=party.authenticated(**proof) | party.request(**parameters))


async def pushed(party: Party, **parameters: Any) -> str:
    """The address that the browser is sent to."""
    answer = await push(party, **parameters)
    assert answer.status_code == 201, answer.text
    return address(party.client_id, answer.json()["request_uri"])


def address(client_id: str, request_uri: str, **more: str) -> str:
    return "/authorize?" + urlencode({"client_id": client_id, "request_uri": request_uri} | more)


async def sign_in(browser: Browser, url: str) -> httpx.Response:
    return await browser.post_sign_in((await browser.http.get(url)).text, "lin", PASSWORD)


def told(page: httpx.Response) -> str:
    """The error on a page that sends nobody anywhere."""
    assert page.status_code == 400, (page.status_code, page.text)
    assert "location" not in page.headers
    return page.text.partition('<span lang="en">')[2].partition(":")[0]


async def waiting(world: World) -> int:
    async with world.work(readonly=True) as work:
        return int((await work.execute(select(func.count()).select_from(PUSHED))).scalar_one())


async def test_section_2_a_pushed_request_leads_to_a_code(world: World) -> None:
    portal, browser = world["portal"], world.browser()
    answer = await push(portal, state="from-the-back-channel", ui_locales="en")
    assert (answer.status_code, answer.headers["cache-control"]) == (201, "no-store")
    assert set(answer.json()) == {"request_uri", "expires_in"}
    assert answer.json()["expires_in"] == 60
    request_uri = answer.json()["request_uri"]
    assert request_uri.startswith(URN)
    assert len(request_uri) == len(URN) + 43
    async with world.work(readonly=True) as work:
        row = (await work.execute(select(PUSHED))).one()
    # Neither the reference nor what it stands for can be read in the database.
    assert request_uri.removeprefix(URN) not in str(row)
    assert b"from-the-back-channel" not in row.parameters
    page = await browser.http.get(address("portal", request_uri))
    assert "User name" in page.text
    assert hidden(page.text, "request") == urlencode({"client_id": "portal", "request_uri": request_uri})
    assert "form-action 'self' http://localhost:8080" in page.headers["content-security-policy"]
    # Another language is a matter of a link, which carries the reference as well.
    change = await browser.http.get(address("portal", request_uri, lang="zh-CN"))
    page = await browser.http.get(change.headers["location"])
    assert "用户名" in page.text
    change = await browser.http.get(address("portal", request_uri, lang="en"))
    page = await browser.http.get(change.headers["location"])
    assert "User name" in page.text
    # A wrong password does not use it up.
    page = await browser.post_sign_in(page.text, "lin", "wrong")
    assert page.status_code == 422
    assert "do not fit" in page.text
    assert hidden(page.text, "request") == urlencode({"client_id": "portal", "request_uri": request_uri})
    back = query((await browser.post_sign_in(page.text, "lin", PASSWORD)).headers["location"])
    assert (back["state"], back["iss"]) == ("from-the-back-channel", ISSUER)
    assert (await portal.redeem(back["code"])).status_code == 200
    assert await waiting(world) == 0


async def test_section_4_what_stands_beside_the_reference_is_ignored(world: World) -> None:
    portal, browser = world["portal"], world.browser()
    evil = {
        "redirect_uri": "https://evil.example/",
        "state": "evil",
        "scope": "openid",
        "prompt": "none",
        "resource": "x",
    }
    answer = await push(portal)
    request_uri = answer.json()["request_uri"]
    page = await browser.http.get(address("portal", request_uri, **evil))
    assert "evil" not in page.text
    # Neither the URL nor the form can change a pushed parameter.
    form = {"_token": hidden(page.text, "_token"), "username": "lin", "password": PASSWORD}
    beside = urlencode({"client_id": "portal", "request_uri": request_uri} | evil)
    back = await browser.http.post("/signin", data=form | {"request": beside})
    assert back.headers["location"].startswith(portal.redirect_uri + "?")
    assert query(back.headers["location"])["state"] == "st-1"


async def test_section_7_3_a_request_is_used_once_and_a_reload_before_is_no_use(world: World) -> None:
    portal, browser = world["portal"], world.browser()
    url = await pushed(portal)
    for _ in range(2):
        assert 'name="password"' in (await browser.http.get(url)).text
    assert "code" in query((await sign_in(browser, url)).headers["location"])
    assert told(await browser.http.get(url)) == "invalid_request_uri"
    # An error is an answer too.
    url = await pushed(portal, prompt="none", max_age="0")
    error = query((await browser.http.get(url)).headers["location"])
    assert (error["error"], error["state"]) == ("login_required", "st-1")
    assert told(await browser.http.get(url)) == "invalid_request_uri"


async def test_section_2_2_a_reference_expires_and_a_person_may_take_their_time(world: World) -> None:
    portal, browser = world["portal"], world.browser()
    late, opened, unused = [await pushed(portal) for _ in range(3)]
    world.clock.forward(seconds=59)
    page = await browser.http.get(opened)
    world.clock.forward(seconds=2)
    assert told(await browser.http.get(late)) == "invalid_request_uri"
    # Opened within the minute: ten minutes from then, and looking again gives no more.
    world.clock.forward(seconds=500)
    assert (await browser.http.get(opened)).status_code == 200
    world.clock.forward(seconds=90)
    assert "code" in query((await browser.post_sign_in(page.text, "lin", PASSWORD)).headers["location"])
    longer = await pushed(portal)
    assert "code" in query((await browser.http.get(longer)).headers["location"])
    page = await browser.http.get(await pushed(portal, prompt="login"))
    world.clock.forward(seconds=301)
    await browser.http.get("/authorize?" + hidden(page.text, "request"))
    world.clock.forward(seconds=301)
    assert told(await browser.post_sign_in(page.text, "lin", PASSWORD)) == "invalid_request_uri"
    async with world.work() as work:
        await work.tokens.prune(work.now(), work.now(), 100)
    assert await waiting(world) == 0
    assert told(await browser.http.get(unused)) == "invalid_request_uri"


async def test_section_2_2_a_reference_is_one_clients(world: World, subtests: pytest.Subtests) -> None:
    browser = world.browser()
    request_uri = (await push(world["portal"])).json()["request_uri"]
    for case, url in (
        ("another client's", address("kiosk", request_uri)),
        ("unknown", address("portal", URN + "x" * 43)),
        ("empty", address("portal", URN)),
        ("long", address("portal", URN + "x" * 4000)),
    ):
        with subtests.test(case=case):
            assert told(await browser.http.get(url)) == "invalid_request_uri"
    for case, url in (
        ("without a client", "/authorize?" + urlencode({"request_uri": request_uri})),
        ("twice", address("portal", request_uri) + "&" + urlencode({"request_uri": request_uri})),
        ("beside an object", address("portal", request_uri, request="e30.e30.e30")),
    ):
        with subtests.test(case=case):
            assert told(await browser.http.get(url)) == "invalid_request"
    assert (await browser.http.get(address("portal", request_uri))).status_code == 200


async def test_section_2_3_what_is_refused_when_it_is_pushed(world: World, subtests: pytest.Subtests) -> None:
    portal = world["portal"]
    request: Any
    for request, status, error in (
        ({"client_assertion": None}, 401, "invalid_client"),
        ({"client_assertion": world["kiosk"].assertion()}, 401, "invalid_client"),
        ({"client_assertion": portal.assertion(aud="https://other.example")}, 401, "invalid_client"),
        ({"request_uri": URN + "x" * 43}, 400, "request_uri_not_supported"),
        ({"request_uri": "https://evil.example/object"}, 400, "request_uri_not_supported"),
        ({"redirect_uri": "https://evil.example/"}, 400, "invalid_request"),
        ({"redirect_uri": None}, 400, "invalid_request"),
        ({"response_type": "token"}, 400, "unsupported_response_type"),
        ({"response_type": "code id_token"}, 400, "unsupported_response_type"),
        ({"response_type": None}, 400, "invalid_request"),
        ({"response_mode": "fragment"}, 400, "invalid_request"),
        ({"scope": "profile"}, 400, "invalid_scope"),
        ({"code_challenge": None, "code_challenge_method": None}, 400, "invalid_request"),
        ({"code_challenge_method": "plain"}, 400, "invalid_request"),
        ({"resource": "https://evil.example"}, 400, "invalid_target"),
        ({"prompt": "none login"}, 400, "invalid_request"),
        ({"max_age": "soon"}, 400, "invalid_request"),
        ({"nonce": "n" * 1001}, 400, "invalid_request"),
        ({"id_token_hint": "e30.e30.e30"}, 400, "invalid_request"),
        ({"claims": "[]"}, 400, "invalid_request"),
        ({"registration": "{}"}, 400, "registration_not_supported"),
        ({"state": ["a", "b"]}, 400, "invalid_request"),
        ({"dpop_jkt": "short"}, 400, "invalid_request"),
        ({"request": "e30.e30.e30"}, 400, "invalid_request_object"),
        ({"request": "e30.e30.e30", "request_uri": URN + "x" * 43}, 400, "invalid_request"),
        ({"claims": '{"id_token":{"acr":{"essential":true,"value":"x"}}}'}, 400, "unmet_authentication_requirements"),
    ):
        with subtests.test(request=request):
            answer = await push(portal, **request)
            assert (answer.status_code, answer.json()["error"]) == (status, error), answer.text
            assert answer.headers["cache-control"] == "no-store"
    assert await waiting(world) == 0
    assert (await portal.http.get("/par")).status_code == 405
    machine = await push(world["cases"], redirect_uri="https://cases.example/")
    assert machine.json()["error"] == "invalid_request"


async def test_section_2_1_the_client_proves_itself_once_as_at_the_token_endpoint(world: World) -> None:
    portal = world["portal"]
    assertion = portal.assertion(aud=f"{ISSUER}/par")
    assert (await push(portal, client_assertion=assertion)).status_code == 201
    assert (await push(portal, client_assertion=assertion)).json()["error"] == "invalid_client"
    # A refusal uses it up as well; client_id may be left out, since the assertion names it.
    assertion = portal.assertion()
    assert (await push(portal, client_assertion=assertion, scope="profile")).status_code == 400
    assert (await push(portal, client_assertion=assertion)).json()["error"] == "invalid_client"
    found = (await push(portal, client_id=None)).json()
    assert (await world.http().get(address("portal", found["request_uri"]))).status_code == 200


async def test_section_2_1_a_client_with_a_secret_pushes_too(start: Starter) -> None:
    world: World = await start(more=[SECRET])
    client = world["secret"]
    asked = client.request(resource=None)
    basic = {"Authorization": "Basic " + base64.b64encode(f"secret:{client.secret}".encode()).decode()}
    for data, headers, status in (
        (client.authenticated(), {}, 201),
        (client.authenticated(client_secret="x" * 43), {}, 401),
        (client.authenticated(), basic, 400),
        ({}, basic, 401),
    ):
        answer = await client.http.post("/par", data=asked | data, headers=headers)
        assert answer.status_code == status, answer.text
    assert await waiting(world) == 1


async def test_section_7_3_of_parallel_answers_one_has_the_code(start: Starter) -> None:
    world: World = await start()
    replica: World = await start()
    portal, signed_in = world["portal"], world.browser()
    await signed_in.tokens(portal)
    url = await pushed(portal)
    answers = await asyncio.gather(*(signed_in.http.get(url) for _ in range(6)))
    assert sorted(answer.status_code for answer in answers) == [303, *[400] * 5]
    # Six people at six browsers, on two replicas.
    url = await pushed(portal)
    browsers = [(world, replica)[number % 2].browser() for number in range(6)]
    pages = [(await browser.http.get(url)).text for browser in browsers]
    answers = await asyncio.gather(
        *(browser.post_sign_in(page, "lin", PASSWORD) for browser, page in zip(browsers, pages, strict=True))
    )
    assert sorted(answer.status_code for answer in answers) == [303, *[400] * 5]
    # Who was too late has no session either: nothing is half done.
    assert sum("sso-citizen" in str(answer.headers.get_list("set-cookie")) for answer in answers) == 1


async def test_section_5_who_must_push_sends_nothing_by_the_browser(start: Starter) -> None:
    world: World = await start(more=[SHOP, HOME])
    shop, browser = world["shop"], world.browser()
    answer = await browser.http.get(shop.address(resource=None))
    error = query(answer.headers["location"])
    assert (error["error"], error["state"], error["iss"]) == ("invalid_request", "st-1", ISSUER)
    page = await sign_in(browser, await pushed(shop, resource=None))
    # The question for consent carries the reference too, and its answer uses it up.
    assert hidden(page.text, "request").startswith("client_id=shop&request_uri=urn")
    form = {name: hidden(page.text, name) for name in ("_token", "request", "shown_to")}
    denied = await browser.http.post("/consent", data=form | {"choice": "deny"})
    assert query(denied.headers["location"])["error"] == "access_denied"
    assert told(await browser.http.post("/consent", data=form | {"choice": "allow"})) == "invalid_request_uri"
    page = await browser.http.get(await pushed(shop, resource=None, response_mode="form_post"))
    form = {name: hidden(page.text, name) for name in ("_token", "request", "shown_to")}
    allowed = await browser.http.post("/consent", data=form | {"choice": "allow"})
    code = hidden(allowed.text, "code")
    assert (await shop.redeem(code, resource=None)).status_code == 200
    # A public client proves nothing and may push all the same; it may send its request plainly, too.
    home = world["home"]
    answer = await home.http.post("/par", data=home.request(resource=None))
    assert answer.status_code == 201
    assert "code" in query((await browser.http.get(address("home", answer.json()["request_uri"]))).headers["location"])


async def test_rfc9449_section_10_1_a_proof_binds_the_code_to_its_key(world: World) -> None:
    portal, holder, browser = world["portal"], Holder(world.clock), world.browser()

    async def with_proof(proof: str, **parameters: Any) -> httpx.Response:
        data = portal.authenticated() | portal.request(resource=None, **parameters)
        return await portal.http.post("/par", data=data, headers={"DPoP": proof})

    refused = await with_proof(holder.proof(f"{ISSUER}/par"))
    assert (refused.status_code, refused.json()["error"]) == (400, "use_dpop_nonce")
    holder.nonce = refused.headers["DPoP-Nonce"]
    assert (await with_proof(holder.proof())).json()["error"] == "invalid_dpop_proof"
    other = Holder(world.clock).jkt
    assert (await with_proof(holder.proof(f"{ISSUER}/par"), dpop_jkt=other)).json()["error"] == "invalid_request"
    proof = holder.proof(f"{ISSUER}/par")
    answer = await with_proof(proof)
    assert answer.status_code == 201
    assert (await with_proof(proof)).json()["error"] == "invalid_dpop_proof"
    back = await sign_in(browser, address("portal", answer.json()["request_uri"]))
    code = query(back.headers["location"])["code"]
    thief = Holder(world.clock, nonce=holder.nonce)
    assert (await thief.redeem(portal, code)).json()["error"] == "invalid_grant"
    assert (await holder.redeem(portal, code)).json()["token_type"] == "DPoP"
