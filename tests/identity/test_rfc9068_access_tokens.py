"""RFC 9068, RFC 8707, RFC 8725: each token for one audience and one purpose (item 8)."""

import pytest

from services.catalog.settings import CatalogSettings
from services.kit.auth import TokenVerifier
from services.kit.errors import Unauthenticated
from tests.identity.conftest import World
from tests.identity.party import CASES, CATALOG, ISSUER

BARE = 'Bearer, DPoP algs="ES256 PS256 RS256 EdDSA"'
"""The challenges of RFC 6750 §3 and RFC 9449 §7.1, without an error."""


async def test_the_claims_of_a_persons_token(world: World) -> None:
    desk = world["desk"]
    token = (await world.browser().tokens(desk, "officer"))["access_token"]
    claims = await desk.claims(token)
    assert claims["header"]["typ"] == "at+jwt"
    assert claims["header"]["alg"] == "ES256"
    needed = {"iss", "sub", "aud", "client_id", "exp", "iat", "jti", "sid", "realm", "name", "auth_time", "acr", "amr"}
    assert needed <= claims.keys()
    assert claims["exp"] - claims["iat"] == 300
    assert claims["aud"] == CASES
    assert {grant["role"] for grant in claims["grants"]} == {"review", "decide", "integrator"}
    assert "林" not in token


async def test_the_other_services_take_it_by_the_published_keys(world: World) -> None:
    portal = world["portal"]
    tokens = await world.browser().tokens(portal)
    answer = await portal.refresh(tokens["refresh_token"], resource=CATALOG)

    async def keys() -> dict[str, object]:
        found: dict[str, object] = (await portal.http.get("/jwks")).json()
        return found

    given = {"database_url": "sqlite+aiosqlite://", "master_key": "x", "data_dir": world.data_dir}
    settings = CatalogSettings.load(profile="test", issuer=ISSUER, **given)
    verifier = TokenVerifier(settings, keys=keys)
    principal = await verifier.verify(answer.json()["access_token"])
    assert (principal.realm, principal.client_id, principal.name) == ("citizen", "portal", "林晓梅")
    for other in (tokens["access_token"], tokens["id_token"]):
        with pytest.raises(Unauthenticated):
            await verifier.verify(other)


async def test_one_audience_for_each_token(world: World) -> None:
    portal = world["portal"]
    code = await world.browser().code(portal)
    refused = await portal.redeem(code, resource=[CASES, CATALOG])
    assert refused.json()["error"] == "invalid_target"
    refused = await portal.redeem(code, resource="urn:tongban:notify")
    assert refused.json()["error"] == "invalid_target"
    tokens = (await portal.redeem(code, resource=None)).json()
    # Two were granted and none named: the token is for userinfo alone.
    assert (await portal.claims(tokens["access_token"]))["aud"] == "urn:tongban:identity"
    one = (await portal.refresh(tokens["refresh_token"], resource=CASES)).json()
    assert (await portal.claims(one["access_token"]))["aud"] == CASES
    refused = await portal.refresh(one["refresh_token"], resource="urn:tongban:notify")
    assert refused.json()["error"] == "invalid_target"


async def test_the_only_resource_granted_is_the_audience(world: World) -> None:
    portal = world["portal"]
    code = await world.browser().code(portal, resource=CASES)
    assert (await portal.claims((await portal.redeem(code, resource=None)).json()["access_token"]))["aud"] == CASES


async def test_userinfo_takes_only_its_own_access_tokens(world: World, subtests: pytest.Subtests) -> None:
    portal = world["portal"]
    tokens = await world.browser().tokens(portal)
    own = (await portal.refresh(tokens["refresh_token"], resource="urn:tongban:identity")).json()["access_token"]
    machine = await world["cases"].token(grant_type="client_credentials", resource="urn:tongban:identity")
    for case, token, status in (
        ("for another service", tokens["access_token"], 401),
        ("an ID token", tokens["id_token"], 401),
        ("a refresh token", tokens["refresh_token"], 401),
        ("changed", own[:-4] + "AAAA", 401),
        ("no token", "x", 401),
        ("a service's token", machine.json()["access_token"], 403),
        ("its own", own, 200),
    ):
        with subtests.test(case=case):
            answer = await portal.http.get("/userinfo", headers={"Authorization": f"Bearer {token}"})
            assert answer.status_code == status
            assert (status == 200) != answer.headers.get("www-authenticate", "").startswith("Bearer error=")
    answer = await portal.http.post("/userinfo", data={"access_token": own})
    assert answer.json()["name"] == "林晓梅"
    assert answer.json()["sub"] == (await portal.claims(own))["sub"]
    two = await portal.http.post("/userinfo", data={"access_token": own}, headers={"Authorization": f"Bearer {own}"})
    assert two.status_code == 400
    bare = await portal.http.get("/userinfo", params={"access_token": own})
    assert (bare.status_code, bare.headers["www-authenticate"]) == (401, BARE)
    world.clock.forward(seconds=301)
    late = await portal.http.get("/userinfo", headers={"Authorization": f"Bearer {own}"})
    assert late.status_code == 401


async def test_userinfo_without_a_token_of_any_kind_gets_a_challenge(world: World) -> None:
    http = world.http()
    for header in ("Basic Y2FzZXM6", "Basic", "Digest x", ""):
        for method in ("GET", "POST"):
            answer = await http.request(method, "/userinfo", headers={"Authorization": header})
            # RFC 6750 §3.1: another way to authenticate is none, and then no error code is told.
            assert (answer.status_code, answer.headers["www-authenticate"]) == (401, BARE)
    malformed = await http.get("/userinfo", headers={"Authorization": "Bearer"})
    assert malformed.status_code == 400
    assert malformed.headers["www-authenticate"].startswith('Bearer error="invalid_request"')


async def test_auth_time_is_that_of_the_sign_in_that_gave_the_tokens(world: World) -> None:
    portal, browser = world["portal"], world.browser()
    tokens = await browser.tokens(portal)
    before = await portal.claims(tokens["access_token"])
    world.clock.forward(seconds=100)
    later = await portal.claims((await browser.tokens(portal, prompt="login"))["access_token"])
    assert later["sid"] == before["sid"]
    assert later["auth_time"] >= before["auth_time"] + 100
    refreshed = (await portal.refresh(tokens["refresh_token"], resource=CASES)).json()
    for token in (refreshed["access_token"], refreshed["id_token"]):
        assert (await portal.claims(token))["auth_time"] == before["auth_time"]


async def test_an_access_or_logout_token_is_no_id_token_hint(world: World) -> None:
    portal, browser = world["portal"], world.browser()
    tokens = await browser.tokens(portal)
    assert (await browser.silent(portal, id_token_hint=tokens["access_token"]))["error"] == "invalid_request"
    asked = await browser.http.get("/logout", params={"id_token_hint": tokens["access_token"]})
    assert "/logout/confirm" in asked.text
    assert "code" in await browser.silent(portal)
