"""OpenID Connect Core §5.1, §5.3, §5.4, §5.5: what scopes and single claims tell of a person, and where."""

import json
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from services.identity.domain.claims_request import read_claims
from services.identity.domain.person import SCOPE_CLAIMS, PersonClaims
from tests.identity.conftest import World
from tests.identity.party import Party, query

OWN = "urn:tongban:identity"


async def userinfo(party: Party, access_token: str) -> httpx.Response:
    return await party.http.get("/userinfo", headers={"Authorization": f"Bearer {access_token}"})


async def told(party: Party, tokens: dict[str, Any]) -> dict[str, Any]:
    """What userinfo says."""
    answer = await userinfo(party, tokens["access_token"])
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_each_scope_tells_its_claims_at_userinfo(world: World, subtests: pytest.Subtests) -> None:
    portal, browser = world["portal"], world.browser()
    always = {"sub", "realm"}
    for scope in ("", *SCOPE_CLAIMS, " ".join(SCOPE_CLAIMS)):
        with subtests.test(scope=scope):
            tokens = await browser_tokens(world, browser, scope=f"openid {scope}".strip())
            names = {name for word in scope.split() for name in SCOPE_CLAIMS[word]}
            found = await told(portal, tokens)
            assert found.keys() == always | names
            # §5.4: with an access token issued, scope claims come from userinfo; name and user name here besides.
            identity = await portal.claims(tokens["id_token"])
            assert names & identity.keys() == {"name", "preferred_username"} & names
    assert found["address"]["postal_code"] == "638000"
    assert (found["email_verified"], found["birthdate"]) == (True, "1990-05-12")
    assert isinstance(found["updated_at"], int)


async def browser_tokens(world: World, browser: Any, username: str = "lin", **parameters: Any) -> dict[str, Any]:
    """Tokens of the portal for userinfo; the person signs in the first time only."""
    portal = world["portal"]
    answer = await browser.http.get(portal.address(**parameters))
    if answer.status_code == 200:
        code = await browser.code(portal, username, **parameters)
    else:
        code = answer.headers["location"].partition("code=")[2].partition("&")[0]
    redeemed = await portal.redeem(code, resource=OWN)
    assert redeemed.status_code == 200, redeemed.text
    found: dict[str, Any] = redeemed.json()
    return found


async def test_every_id_token_says_who_when_how_and_for_whom(world: World) -> None:
    """§2, §3.1.3.6, §12.2: a refreshed one has the sign-in's `auth_time` and no nonce."""
    portal, browser = world["portal"], world.browser()
    tokens = await browser_tokens(world, browser)
    first = await portal.claims(tokens["id_token"])
    always = {"iss", "sub", "aud", "azp", "exp", "iat", "auth_time", "acr", "amr", "sid", "at_hash"}
    assert always | {"nonce"} <= first.keys()
    assert (first["aud"], first["azp"], first["nonce"], first["amr"]) == ("portal", "portal", "no-1", ["pwd"])
    without = await portal.claims((await browser_tokens(world, browser, nonce=None))["id_token"])
    assert "nonce" not in without
    world.clock.forward(seconds=90)
    refreshed = await portal.claims((await portal.refresh(tokens["refresh_token"])).json()["id_token"])
    assert always <= refreshed.keys()
    assert "nonce" not in refreshed
    assert {name: refreshed[name] for name in always - {"iat", "exp", "at_hash"}} == {
        name: first[name] for name in always - {"iat", "exp", "at_hash"}
    }
    assert refreshed["iat"] >= first["iat"] + 90


async def test_a_claim_without_a_value_is_left_out(world: World) -> None:
    tokens = await browser_tokens(world, world.browser(), "zhang", scope="openid profile address phone")
    found = await told(world["portal"], tokens)
    assert not {"address", "nickname", "website"} & found.keys()
    assert None not in found.values()
    assert found["phone_number_verified"] is False


async def test_metadata_name_every_claim_that_can_be_told(world: World) -> None:
    supported = (await world.http().get("/.well-known/openid-configuration")).json()["claims_supported"]
    assert {name for names in SCOPE_CLAIMS.values() for name in names} < set(supported)
    tokens = await browser_tokens(world, world.browser(), scope="openid profile email address phone offline_access")
    told_ = (await told(world["portal"], tokens)).keys() | (await world["portal"].claims(tokens["id_token"])).keys()
    # What our own surfaces hear besides is no claim of any specification.
    assert set(supported) == told_ - {"header", "realm"}
    assert len(supported) == len(set(supported))


def test_claims_are_checked_by_kind(subtests: pytest.Subtests) -> None:
    good: tuple[dict[str, Any], ...] = (
        {"birthdate": "0000-02-29"},
        {"birthdate": "1990"},
        {"locale": "zh-Hans-CN"},
        {"locale": "de-1996"},
        {"phone_number": "+8613800000000;ext=12"},
        {"zoneinfo": "Europe/Paris"},
        {"address": {"formatted": "三段1号\r\n广安\n中国"}},
        {"given_name": "Zoë O’Neil 王"},
        {"email": "a.b+c@mail.example"},
        {"picture": "https://a.example/p.png?size=2"},
        {},
    )
    for claims in good:
        with subtests.test(good=claims):
            assert PersonClaims.model_validate(claims).document() == claims
    bad: tuple[dict[str, Any], ...] = (
        {"birthdate": "12.05.1990"},
        {"birthdate": "1990-02-30"},
        {"birthdate": "1990-05"},
        {"birthdate": 1990},
        {"locale": "zh_CN"},
        {"locale": "chinese"},
        {"phone_number": "13800000000"},
        {"phone_number": "+0613800000000"},
        {"phone_number": "+86 138 0000 0000"},
        {"phone_number_verified": True},
        {"email_verified": True},
        {"email": "nobody"},
        {"email": "a@b"},
        {"email": "a b@c.example"},
        {"email": "a@b.example\n"},
        {"email": "a@b.example", "email_verified": "true"},
        {"zoneinfo": "Mars/Olympus"},
        {"zoneinfo": "../../etc/passwd"},
        {"zoneinfo": "Europe"},
        {"zoneinfo": "/etc/localtime"},
        {"website": "http://a.example/"},
        {"website": "javascript:alert(1)"},
        {"picture": "https://a.example/#x"},
        {"given_name": "a\nb"},
        {"given_name": "a\u202eb"},
        {"given_name": " a"},
        {"given_name": ""},
        {"given_name": "x" * 201},
        {"updated_at": -1},
        {"updated_at": True},
        {"updated_at": "2020-01-01"},
        {"address": {}},
        {"address": "street"},
        {"address": {"planet": "Earth"}},
        {"sub": "x"},
        {"name": "x"},
    )
    for claims in bad:
        with subtests.test(bad=claims), pytest.raises(ValidationError):
            PersonClaims.model_validate(claims)


async def test_single_claims_are_told_where_they_are_asked_for(world: World) -> None:
    portal, browser = world["portal"], world.browser()
    asked = {
        "userinfo": {
            "email": {"essential": True},
            "gender": {"value": "female"},
            "locale": {"values": ["en", "fr"]},
            "https://example.com/unknown": {"essential": True},
        },
        "id_token": {
            "birthdate": None,
            "auth_time": {"essential": True},
            "phone_number": {"values": ["+8613800000001"]},
        },
        "elsewhere": 1,
    }
    tokens = await browser_tokens(world, browser, scope="openid", claims=json.dumps(asked))
    # Without the scopes: §5.5. A claim asked for with another value than the person's is left out.
    assert (await told(portal, tokens)).keys() == {"sub", "realm", "email", "gender"}
    identity = await portal.claims(tokens["id_token"])
    assert (identity["birthdate"], identity["phone_number"]) == ("1990-05-12", "+8613800000001")
    assert not {"email", "gender", "name"} & identity.keys()
    # They are kept with the family: a refreshed ID token and its access token tell the same.
    refreshed = (await portal.refresh(tokens["refresh_token"], resource=OWN)).json()
    assert (await told(portal, refreshed)).keys() == {"sub", "realm", "email", "gender"}
    assert (await portal.claims(refreshed["id_token"]))["birthdate"] == "1990-05-12"
    # Nothing that is asked for takes the place of what the provider says itself.
    forged = json.dumps({"id_token": {"iss": {"value": "x"}, "sid": {"value": "x"}, "name": None}})
    again = await portal.claims((await browser_tokens(world, browser, claims=forged))["id_token"])
    assert (again["iss"], again["sid"]) == (identity["iss"], identity["sid"])


async def test_a_claims_parameter_is_a_json_object_of_its_form(world: World, subtests: pytest.Subtests) -> None:
    portal, browser = world["portal"], world.browser()
    await browser.code(portal)
    for text in (
        *("x", "[]", "1", '{"userinfo": []}', '{"userinfo": {"email": 1}}', '{"a": NaN}', '{"a": 1, "a": 2}'),
        *('{"id_token": {"email": {"essential": "yes"}}}', '{"id_token": {"email": {"values": "x"}}}'),
        *('{"id_token": null}', "[" * 2000, json.dumps({"id_token": {"email": {"value": "x" * 4096}}})),
    ):
        with subtests.test(text=text[:60]):
            assert (await browser.silent(portal, claims=text))["error"] == "invalid_request"
    assert "code" in await browser.silent(portal, claims="{}")
    # RFC 9126 §2.1: what is pushed is judged at once, as if it came by a browser.
    pushed = await portal.http.post("/par", data=portal.authenticated(**portal.request(claims="[]")))
    assert (pushed.status_code, pushed.json()["error"]) == (400, "invalid_request")


async def test_a_subject_that_is_asked_for_is_signed_in_or_nobody(world: World) -> None:
    """§5.5.1: with `sub` as a value the answer is about that person alone."""
    portal, browser = world["portal"], world.browser()
    lin = (await portal.claims((await browser_tokens(world, browser))["id_token"]))["sub"]
    for place in ("id_token", "userinfo"):
        for wanted, error in (
            ({"value": lin}, None),
            ({"values": ["x", lin]}, None),
            ({"value": "x"}, "login_required"),
            ({"values": []}, "login_required"),
            ({"value": 7}, "login_required"),
        ):
            claims = json.dumps({place: {"sub": wanted}})
            assert (await browser.silent(portal, claims=claims)).get("error") == error
    claims = json.dumps({"id_token": {"sub": {"value": lin}}})
    other = world.browser()
    assert query((await other.sign_in(portal, "zhang", claims=claims)).headers["location"])["error"] == "login_required"
    assert "code" in query((await other.sign_in(portal, "lin", claims=claims)).headers["location"])


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["userinfo", "id_token", "email", "sub", "value", "values", "essential"]), inner
        )
    ),
    max_leaves=12,
)


@settings(max_examples=60, deadline=None)
@given(st.one_of(st.text(max_size=60), _JSON.map(json.dumps)))
def test_nothing_that_the_parameter_may_hold_raises(text: str) -> None:
    found = read_claims(text, ("openid", "email"))
    if found is not None:
        assert found.names <= {"email", "email_verified"}
        assert json.dumps(found.document())
        assert found.subjects is None or all(isinstance(subject, str) for subject in found.subjects)


def test_what_a_client_may_not_ask_for_by_scope_it_cannot_get_one_by_one() -> None:
    text = json.dumps({"userinfo": {"email": None, "name": None}, "id_token": {"address": None, "acr": {"value": "x"}}})
    found = read_claims(text, ("openid", "profile"))
    assert found is not None
    assert found.names == {"name"}
    assert found.document() == {"userinfo": {"name": {}}}
    assert found.id_token == {"acr": {"value": "x"}}
