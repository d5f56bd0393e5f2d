"""OpenID Connect Core §5.1, §5.3, §5.4: what scopes tell of a person, and where."""

from typing import Any

import httpx
import pytest
from pydantic import ValidationError

from services.identity.domain.person import SCOPE_CLAIMS, PersonClaims
from tests.identity.conftest import World
from tests.identity.party import Party

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
    assert set(supported) == told_ - {"header"}
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
