"""OpenID Connect Core 1.0: the code flow as a person and two surfaces see it."""

from tests.identity.conftest import World
from tests.identity.party import CASES, CATALOG, ISSUER, query


async def test_one_sign_in_gives_a_code_and_tokens(world: World) -> None:
    portal, browser = world["portal"], world.browser()
    answer = await browser.sign_in(portal)
    assert answer.status_code == 303
    location = answer.headers["location"]
    assert location.startswith(portal.redirect_uri + "?")
    assert query(location)["state"] == "st-1"
    assert query(location)["iss"] == ISSUER
    tokens = (await portal.redeem(query(location)["code"])).json()
    identity = await portal.claims(tokens["id_token"])
    assert identity["header"]["alg"] == "RS256"
    assert (identity["iss"], identity["aud"], identity["nonce"]) == (ISSUER, "portal", "no-1")
    assert identity["name"] == "林晓梅"
    access = await portal.claims(tokens["access_token"])
    assert (access["aud"], access["client_id"], access["realm"]) == (CASES, "portal", "citizen")
    assert access["sub"] == identity["sub"]
    assert access["sid"] == identity["sid"]
    assert "grants" not in access
    other = await portal.refresh(tokens["refresh_token"], resource=CATALOG)
    assert (await portal.claims(other.json()["access_token"]))["aud"] == CATALOG
