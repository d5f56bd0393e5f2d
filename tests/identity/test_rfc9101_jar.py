"""RFC 9101: authorization requests as signed objects, by value; its errors, and what is not taken for one."""

import base64
import json
import math
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from joserfc import jws
from joserfc.jwk import ECKey, Key, RSAKey

from services.identity.domain.clients import Client
from services.identity.domain.requests import RequestObject, read_request_object
from services.identity.errors import InvalidRequestObject
from tests.identity.conftest import Starter, World
from tests.identity.party import CASES, CATALOG, ISSUER, PASSWORD, STRANGER_JWKS, STRANGER_KEY, Party, hidden, query
from tests.identity.test_clients import GOOD

RSA = RSAKey.generate_key(2048, auto_kid=True)
FOREIGN = ECKey.generate_key("P-256", auto_kid=True)
SHOP = GOOD | {
    "client_id": "shop",
    "first_party": True,
    "jwks": {"keys": [*STRANGER_JWKS["keys"], RSA.as_dict(private=False)]},
    "resources": [CASES, CATALOG],
}
SHOP_CLIENT = Client.model_validate(SHOP)
SIGNING = SHOP | {"client_id": "signing", "require_signed_request_object": True, "request_object_signing_alg": "PS256"}
PUBLIC = GOOD | {"client_id": "public", "jwks": None, "token_endpoint_auth_method": "none", "first_party": True}


@pytest.fixture
async def world(start: Starter) -> World:
    found: World = await start(more=[SHOP, SIGNING, PUBLIC])
    return found


def encoded(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).decode().rstrip("=")


def signed(party: Party, *, key: Key = STRANGER_KEY, header: dict[str, Any] | None = None, **claims: Any) -> str:
    """A good request object, or a changed one; None leaves a claim out."""
    now = int(party.clock().timestamp())
    found = party.request() | {"iss": party.client_id, "aud": ISSUER, "iat": now, "nbf": now, "exp": now + 300}
    found = {name: value for name, value in (found | claims).items() if value is not None}
    head = {"alg": "ES256", "typ": "oauth-authz-req+jwt", "kid": key.kid} | (header or {})
    head = {name: value for name, value in head.items() if value is not None}
    return jws.serialize_compact(head, json.dumps(found), key, algorithms=[head["alg"]])


def address(party: Party, request: str, **beside: str) -> str:
    return "/authorize?" + urlencode({"client_id": party.client_id, "request": request} | beside)


async def error_of(http: httpx.AsyncClient, party: Party, request: str) -> str:
    """What the client is told for a request whose plain parameters are good."""
    answer = await http.get(address(party, request, redirect_uri=party.redirect_uri, state="plain"))
    assert answer.status_code == 303, (answer.status_code, answer.text)
    found = query(answer.headers["location"])
    assert answer.headers["location"].startswith(party.redirect_uri)
    assert "code" not in found
    return found["error"]


async def test_section_5_a_signed_request_leads_to_a_code(world: World, subtests: pytest.Subtests) -> None:
    shop = world["shop"]
    for case, key, header in (
        ("ES256", STRANGER_KEY, {}),
        ("PS256", RSA, {"alg": "PS256"}),
        ("RS256", RSA, {"alg": "RS256"}),
        ("typ JWT", STRANGER_KEY, {"typ": "JWT"}),
        ("whole media type", STRANGER_KEY, {"typ": "application/oauth-authz-req+jwt"}),
        ("without typ", STRANGER_KEY, {"typ": None}),
        ("without kid", STRANGER_KEY, {"kid": None}),
    ):
        with subtests.test(case=case):
            browser = world.browser()
            request = signed(
                shop, key=key, header=header, state="inside", max_age=3600, aud=[ISSUER, "https://b.example"]
            )
            page = await browser.http.get(address(shop, request))
            # The page holds a reference to what was signed, so that nobody changes it and time does not matter.
            assert hidden(page.text, "request").startswith("client_id=shop&request_uri=urn")
            world.clock.forward(seconds=400)
            back = query((await browser.post_sign_in(page.text, "lin", PASSWORD)).headers["location"])
            assert (back["state"], back["iss"]) == ("inside", ISSUER)
            tokens = (await shop.redeem(back["code"])).json()
            assert (await shop.claims(tokens["access_token"]))["aud"] == CASES
            again = await browser.post_sign_in(page.text, "lin", PASSWORD)
            assert (again.status_code, "invalid_request_uri" in again.text) == (400, True)
            # Who is signed in already gets there at once.
            assert "code" in query((await browser.http.get(address(shop, signed(shop)))).headers["location"])


async def test_section_6_3_what_stands_beside_the_object_is_ignored(world: World) -> None:
    shop, browser = world["shop"], world.browser()
    await browser.tokens(shop)
    evil = {
        "redirect_uri": "https://evil.example/",
        "state": "evil",
        "prompt": "login",
        "resource": "x",
        "scope": "email",
    }
    back = await browser.http.get(address(shop, signed(shop, state=None), **evil))
    assert back.headers["location"].startswith(shop.redirect_uri)
    assert set(query(back.headers["location"])) == {"dummy1", "dummy2", "code", "iss"}


async def test_section_6_2_and_10_what_is_no_request_object(world: World, subtests: pytest.Subtests) -> None:
    http, shop = world.http(), world["shop"]
    now = int(shop.clock().timestamp())
    tokens = await world.browser().tokens(shop)
    good, long = signed(shop), dict[str, Any]({"n" * 101: "x"})
    rest = good.partition(".")[2]
    for case, request in {
        "no JWT": "x",
        "five parts, as if encrypted": "e30.e30.e30.e30.e30",
        "unsigned": f"eyJhbGciOiJub25lIn0.{rest.partition('.')[0]}.",
        "unsigned but for a dot": f"eyJhbGciOiJub25lIn0.{rest}",
        "tampered with": good[:-4] + ("AAAA" if good[-4:] != "AAAA" else "BBBB"),
        "another key": signed(shop, key=FOREIGN),
        "another key that calls itself ours": signed(shop, key=FOREIGN, header={"kid": STRANGER_KEY.kid}),
        "a key in the header": signed(shop, key=FOREIGN, header={"jwk": FOREIGN.as_dict(private=False)}),
        "another client's": signed(world["portal"], key=world["portal"].key),
        "another issuer": signed(shop, iss="portal"),
        "no issuer": signed(shop, iss=None),
        "another client_id": signed(shop, client_id="portal"),
        "no client_id": signed(shop, client_id=None),
        "another audience": signed(shop, aud="https://other.example"),
        "other audiences": signed(shop, aud=["https://other.example", f"{ISSUER}/"]),
        "no audience": signed(shop, aud=None),
        "expired": signed(shop, exp=now - 60),
        "no end": signed(shop, exp=None),
        "an end beyond the hour": signed(shop, exp=now + 3700),
        "an end of another type": signed(shop, exp="soon"),
        "no end in sight": signed(shop, exp=math.inf),
        "not yet": signed(shop, nbf=now + 60),
        "of the future": signed(shop, iat=now + 60),
        "one within another": signed(shop, request=good),
        "a reference within": signed(shop, request_uri="urn:ietf:params:oauth:request_uri:x"),
        "a client assertion": shop.assertion(client_id="shop", response_type="code"),
        "an assertion with a request": signed(shop, sub="shop"),
        "an access token": signed(shop, header={"typ": "at+jwt"}),
        "a logout token": signed(shop, header={"typ": "logout+jwt"}),
        "a DPoP proof": signed(shop, header={"typ": "dpop+jwt"}),
        "of an unreadable type": signed(shop, header={"typ": "x"}),
        "an ID token of ours": tokens["id_token"],
        "an access token of ours": tokens["access_token"],
        "two values of one name": signed(shop, state=["a", "b"]),
        "a truth value": signed(shop, state=True),
        "a fraction": signed(shop, max_age=1.5),
        "resources of another type": signed(shop, resource=[1]),
        "a control character": signed(shop, state="a\r\nb"),
        "half a surrogate pair": signed(shop, state="\ud800"),
        "too long a name": signed(shop, **long),
        "too deep for a reader": jws.serialize_compact(
            {"alg": "ES256"}, '{"iss":"shop","x":' + "[" * 2500 + "]" * 2500 + "}", STRANGER_KEY, algorithms=["ES256"]
        ),
    }.items():
        with subtests.test(case=case):
            assert await error_of(http, shop, request) == "invalid_request_object"
    for request in (signed(shop, iss="portal"), signed(shop, request=good)):
        pushed = await shop.http.post("/par", data=shop.authenticated(client_id="shop", request=request))
        assert (pushed.status_code, pushed.json()["error"]) == (400, "invalid_request_object")


async def test_section_7_nobody_is_sent_where_an_object_that_fails_says(world: World) -> None:
    http, shop = world.http(), world["shop"]
    for beside in ({}, {"redirect_uri": "https://evil.example/"}):
        answer = await http.get(address(shop, signed(shop, key=FOREIGN), **beside))
        assert answer.status_code == 400
        assert "location" not in answer.headers
    # A good object with a bad redirect URI: the plain one is not taken instead.
    inside = signed(shop, redirect_uri="https://evil.example/")
    answer = await http.get(address(shop, inside, redirect_uri=shop.redirect_uri))
    assert (answer.status_code, "location" in answer.headers) == (400, False)
    # A public client has no keys, so nothing is signed by it.
    public = world["public"]
    assert await error_of(http, public, signed(public)) == "invalid_request_object"


async def test_section_4_what_the_object_asks_for_is_judged_like_any_request(world: World) -> None:
    http, shop = world.http(), world["shop"]
    claims: Any
    for claims, error in (
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"scope": "email"}, "invalid_scope"),
        ({"code_challenge": None}, "invalid_request"),
        ({"resource": "urn:other"}, "invalid_target"),
        ({"claims": {"id_token": {"acr": {"essential": True, "value": "x"}}}}, "unmet_authentication_requirements"),
        ({"prompt": "none"}, "login_required"),
        ({"registration": {}}, "registration_not_supported"),
    ):
        answer = await http.get(address(shop, signed(shop, state="inside", **claims)))
        found = query(answer.headers["location"])
        assert (found["error"], found["state"]) == (error, "inside"), claims


async def test_an_address_is_never_fetched(world: World) -> None:
    """OpenID Connect Core §3.1.2.6, security item 14 (SSRF)."""
    http, shop = world.http(), world["shop"]
    for uri in ("https://shop.example/object", "http://169.254.169.254/", "file:///etc/passwd", "urn:other"):
        answer = await http.get(shop.address(request_uri=uri))
        assert query(answer.headers["location"])["error"] == "request_uri_not_supported"


async def test_section_10_5_who_signs_its_requests_sends_no_other(world: World) -> None:
    signing, browser = world["signing"], world.browser()
    plain = query((await browser.http.get(signing.address())).headers["location"])
    assert plain["error"] == "invalid_request"
    pushed = await signing.http.post("/par", data=signing.authenticated() | signing.request())
    assert (pushed.status_code, pushed.json()["error"]) == (400, "invalid_request")
    # By the algorithm that it registered and no other of its keys.
    for key, alg in ((STRANGER_KEY, "ES256"), (RSA, "RS256")):
        assert await error_of(browser.http, signing, signed(signing, key=key, header={"alg": alg})) == (
            "invalid_request_object"
        )
    good: dict[str, Any] = {"key": RSA, "header": {"alg": "PS256"}}
    page = await browser.http.get(address(signing, signed(signing, **good)))
    answer = await browser.post_sign_in(page.text, "lin", PASSWORD)
    assert "code" in query(answer.headers["location"])
    # RFC 9126 §3: pushed as an object; what stands beside it is ignored there as well.
    data = signing.authenticated(client_id="signing", request=signed(signing, **good), state="beside", scope="email")
    pushed = await signing.http.post("/par", data=data)
    assert pushed.status_code == 201
    url = "/authorize?" + urlencode({"client_id": "signing", "request_uri": pushed.json()["request_uri"]})
    assert query((await browser.http.get(url)).headers["location"])["state"] == "st-1"


async def test_an_object_by_post_and_clocks_that_differ(world: World) -> None:
    shop, browser = world["shop"], world.browser()
    ahead = shop.clock() + timedelta(seconds=8)
    request = signed(shop, iat=int(ahead.timestamp()), nbf=int(ahead.timestamp()))
    answer = await browser.http.post("/authorize", data={"client_id": "shop", "request": request})
    assert answer.status_code == 303
    assert 'name="password"' in (await browser.http.get(answer.headers["location"])).text


NAMES = st.sampled_from(["state", "resource", "claims", "max_age", "iss", "exp"]) | st.text(max_size=20)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=40),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@settings(deadline=None, max_examples=60)
@given(claims=st.dictionaries(NAMES, VALUES, max_size=6), typ=VALUES)
def test_whatever_a_client_signs_is_parameters_or_no_request_object(claims: dict[str, Any], typ: Any) -> None:
    found = RequestObject({"typ": typ}, claims)
    assert found.typ_fits in (True, False)
    try:
        parameters = found.parameters()
    except InvalidRequestObject:
        return
    assert not parameters.repeated
    assert all(value and value.encode() for _, value in parameters.pairs())


@settings(deadline=None, max_examples=60)
@given(text=st.text(max_size=60) | st.lists(st.binary(max_size=40).map(encoded), max_size=6).map(".".join))
def test_whatever_comes_as_a_request_object_is_read(text: str) -> None:
    assert read_request_object(text, SHOP_CLIENT).claims is None
