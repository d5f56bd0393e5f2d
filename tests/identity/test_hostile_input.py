"""What no browser and no client sends: 4xx in OAuth's words, never 5xx (RFC 6749 §3.1, §3.2 and §5.2)."""

import base64
import json
import math
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.identity.domain.assertions import unverified_client_id
from services.identity.domain.parameters import Parameters
from services.identity.domain.redirects import matches, registrable
from services.identity.errors import InvalidRequest
from tests.identity.conftest import World
from tests.identity.party import CATALOG, hidden, query

FORM = {"content-type": "application/x-www-form-urlencoded"}


async def test_malformed_token_requests(world: World, subtests: pytest.Subtests) -> None:
    http = world.http()
    for path in ("/token", "/revoke", "/introspect"):
        for case, content, headers, status in (
            ("not UTF-8", b"grant_type=%ff%fe", FORM, 400),
            ("raw bytes", b"grant_type=\xff\xfe", FORM, 400),
            ("twice", b"grant_type=client_credentials&token=a&client_id=a&client_id=b", FORM, 400),
            ("too many", b"&".join(b"a%d=1" % n for n in range(100)), FORM, 400),
            ("NUL", b"grant_type=client_credentials%00&token=%00", FORM, 400),
            ("too long", b"grant_type=client_credentials&token=" + b"x" * 9000, FORM, 400),
            ("oversized", b"x" * 70_000, FORM, 413),
            ("JSON", b'{"grant_type": "client_credentials"}', {"content-type": "application/json"}, 400),
            ("no type", b"grant_type=client_credentials", {}, 400),
            ("empty", b"", FORM, 400),
            (
                "two headers",
                b"grant_type=client_credentials&token=a",
                [("authorization", "a"), ("authorization", "b")],
                400,
            ),
        ):
            with subtests.test(path=path, case=case):
                given_headers = httpx.Headers(headers)
                if case == "two headers":
                    given_headers = httpx.Headers([*FORM.items(), *headers])
                answer = await http.post(path, content=content, headers=given_headers)
                assert answer.status_code in (status, 401 if path != "/token" and case == "empty" else status)
                assert answer.headers["cache-control"] == "no-store"


async def test_malformed_authorization_requests_get_a_page(world: World, subtests: pytest.Subtests) -> None:
    http, address = world.http(), world["portal"].address()
    for case, url in (
        ("not UTF-8", address + "&login_hint=%ff"),
        ("client twice", address + "&client_id=kiosk"),
        ("redirect twice", address + "&redirect_uri=https%3A%2F%2Fevil.example%2F"),
        ("state twice", address + "&state=2"),
        ("NUL", address + "&login_hint=a%00b"),
        ("header injection", address + "&login_hint=a%0d%0aSet-Cookie:%20x=y"),
        ("too long", address + "&login_hint=" + "x" * 9000),
    ):
        with subtests.test(case=case):
            answer = await http.get(url)
            assert answer.status_code == 400
            assert "location" not in answer.headers
            assert "x=y" not in str(answer.headers)


async def test_state_cannot_inject_a_header(world: World) -> None:
    answer = await world.http().get(world["portal"].address(state="a\r\nSet-Cookie: x=y", prompt="none"))
    assert answer.status_code == 400
    assert "set-cookie" not in answer.headers or "x=y" not in answer.headers["set-cookie"]


async def test_hostile_sign_in_forms(world: World, subtests: pytest.Subtests) -> None:
    portal, browser = world["portal"], world.browser()
    page = await browser.http.get(portal.address())
    form = {"_token": hidden(page.text, "_token"), "request": hidden(page.text, "request")}
    for case, data, status in (
        ("nothing typed", form, 422),
        ("no password", form | {"username": "lin"}, 422),
        ("long password", form | {"username": "lin", "password": "x" * 5000}, 422),
        (
            "odd name",
            form | {"username": "l\u202ein\u0000", "password": "x"},
            422,
        ),
        ("markup", form | {"username": "<script>x</script>", "password": "x"}, 422),
        ("no request", {"_token": form["_token"], "username": "lin", "password": "x"}, 400),
        ("other request", form | {"request": "client_id=portal&redirect_uri=https://evil.example"}, 400),
        ("form twice", form | {"username": ["lin", "zhang"], "password": "x"}, 400),
    ):
        with subtests.test(case=case):
            answer = await browser.http.post("/signin", data=data)
            assert answer.status_code == status
            assert "<script>x" not in answer.text
            assert "set-cookie" not in answer.headers or "sso" not in answer.headers["set-cookie"]
    raw = await browser.http.post("/signin", content=b"username=%ff&password=\xff", headers=FORM)
    assert raw.status_code == 400
    large = await browser.http.post("/signin", content=b"password=" + b"x" * 70_000, headers=FORM)
    assert large.status_code == 413


async def test_hostile_forms_of_consent_account_and_enrolment(world: World, subtests: pytest.Subtests) -> None:
    browser = world.browser()
    page = await browser.sign_in(world["portal"], prompt="consent")
    token = {"_token": hidden(page.text, "_token")}
    request = {"request": hidden(page.text, "request")}
    for path, data, statuses in (
        ("/consent", token | request | {"choice": ["allow", "deny"]}, {400}),
        (
            "/consent",
            token | {"request": "client_id=portal&redirect_uri=https://evil.example", "choice": "allow"},
            {400},
        ),
        ("/consent", token | {"choice": "allow"}, {400}),
        ("/consent", token | request | {"choice": "allow", "shown_to": "x" * 5000}, {200}),
        ("/account/change", token | {"change": "end", "object": "x" * 5000}, {413}),
        ("/account/change", token | {"change": "end", "object": "<script>x</script>\u0000"}, {404}),
        ("/account/change", token | {"change": "withdraw", "object": "\u202e"}, {303}),
        ("/account/change", token | {"change": ["end", "end_all"]}, {400}),
        ("/account/signin", token | {"username": "<script>x</script>", "password": "x" * 5000, "realm": "both"}, {422}),
        ("/account/password", token | {"password": "x" * 5000, "new_password": "x" * 5000}, {422}),
        ("/enrol", token | {"token": "x" * 5000, "new_password": "x"}, {404}),
        ("/enrol", token | {"token": ["a", "b"]}, {400}),
    ):
        with subtests.test(path=path, data=str(data)[:80]):
            answer = await browser.http.post(path, data=data)
            assert answer.status_code in statuses, answer.text
            assert "<script>x" not in answer.text
            assert "evil.example" not in answer.headers.get("location", "")
    for path in ("/consent", "/account/change", "/account/signin", "/account/password", "/enrol"):
        for body, status in (
            (b"a=%ff&b=\xff", 400),
            (b"a=" + b"x" * 70_000, 413),
            (b"", 403),
            (b"&".join([b"a=1"] * 400), 400),
        ):
            with subtests.test(path=path, body=body[:20]):
                answer = await browser.http.post(path, content=body, headers=FORM)
                assert answer.status_code in (status, 400)
    for address in (
        "/account?realm=x&done=<script>x",
        "/account?realm=%ff",
        "/enrol?token=%ff%00",
        "/enrol",
        "/account/password?realm=",
    ):
        answer = await browser.http.get(address)
        assert answer.status_code in (200, 400, 404)
        assert "<script>x" not in answer.text
    assert "code" in await browser.silent(world["portal"])


async def test_what_was_typed_stays_and_the_password_does_not(world: World) -> None:
    portal, browser = world["portal"], world.browser()
    answer = await browser.sign_in(portal, "Lin", "wrong password")
    assert answer.status_code == 422
    assert 'value="Lin"' in answer.text
    assert "wrong password" not in answer.text
    assert "client_id=portal" in hidden(answer.text, "request")
    assert 'role="alert"' in answer.text
    again = await browser.post_sign_in(answer.text, "Lin ", "correct horse battery staple")
    assert query(again.headers["location"])["state"] == "st-1"


@pytest.mark.parametrize("kid", [["a"], {"a": 1}, [], 7, None, True])
async def test_a_token_whose_key_id_is_of_another_type_is_nobodys(world: World, kid: Any) -> None:
    portal, http = world["portal"], world.http()
    for typ in ("at+jwt", "JWT"):
        header = json.dumps({"alg": "ES256", "typ": typ, "kid": kid}).encode()
        token = base64.urlsafe_b64encode(header).decode().rstrip("=") + ".e30.eA"
        assert (await http.get("/userinfo", headers={"Authorization": f"Bearer {token}"})).status_code == 401
        back = await http.get(portal.address(id_token_hint=token))
        assert query(back.headers["location"])["error"] == "invalid_request"
        assert (await http.get("/logout", params={"id_token_hint": token})).status_code == 200
        looked = await http.post("/introspect", data=portal.authenticated(token=token))
        assert (looked.status_code, looked.json()) == (200, {"active": False})
        assert (await http.post("/revoke", data=portal.authenticated(token=token))).status_code == 200
        assertion = await portal.token(grant_type="client_credentials", client_assertion=token)
        assert (assertion.status_code, assertion.json()["error"]) == (401, "invalid_client")


async def test_claims_of_an_assertion_that_no_clock_and_no_database_knows(
    world: World, subtests: pytest.Subtests
) -> None:
    cases = world["cases"]
    claims: Any
    for claims in (
        *({"exp": value} for value in (math.nan, math.inf, -math.inf, 10**400, [1])),
        *({name: value} for name in ("iat", "nbf") for value in (math.nan, math.inf, 10**400)),
        *({"jti": value} for value in ("\ud800", "a\udfff", "a\0b", "a\nb", "\u2028")),
    ):
        with subtests.test(claims=str(claims)):
            assertion = cases.assertion(**claims)
            answer = await cases.token(grant_type="client_credentials", resource=CATALOG, client_assertion=assertion)
            assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


async def test_odd_methods_and_paths_are_4xx(world: World) -> None:
    http = world.http()
    for method, path in (
        ("GET", "/token"),
        ("PUT", "/authorize"),
        ("DELETE", "/jwks"),
        ("GET", "/nothing"),
        ("GET", "/%ff"),
    ):
        assert 400 <= (await http.request(method, path)).status_code < 500


async def test_no_cors_on_the_pages(world: World) -> None:
    http, address = world.http(), world["portal"].address()
    origin = {"Origin": "http://localhost:8080", "Access-Control-Request-Method": "GET"}
    for method in ("GET", "OPTIONS"):
        answer = await http.request(method, address, headers=origin)
        assert not any(name.startswith("access-control-") for name in answer.headers)


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_parameters_never_break(raw: bytes) -> None:
    try:
        found = Parameters.parse(raw)
    except InvalidRequest:
        return
    for name in found:
        assert found[name]
        assert "\0" not in found[name]


@settings(deadline=None)
@given(st.text(max_size=200))
def test_assertions_and_redirects_never_break(text: str) -> None:
    assert unverified_client_id(text) is None or "." in text
    assert not matches(text, ("https://a.example/cb", "http://127.0.0.1/cb"), native=True) or text.startswith("http")
    if registrable("https://a.example/" + text, loopback_http=False) is None:
        assert text.isascii()
        assert ".." not in text.split("?")[0].split("/")
