"""OpenID Connect Front-Channel Logout 1.0."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from services.identity.domain.clients import ClientDeclaration
from services.identity.domain.local_clients import local_clients
from tests.identity.conftest import Starter, World
from tests.identity.party import ISSUER, Browser, hidden, query

ORIGINS = {"portal": "http://localhost:8080", "kiosk": "http://localhost:8081", "desk": "http://localhost:8082"}
DONE = "http://localhost:8080/signout/done"
PORTAL, KIOSK = "http://localhost:8080/gone?tenant=1", "http://localhost:8081/gone"


def declared(folder: Path) -> list[dict[str, Any]]:
    members: dict[str, dict[str, Any]] = {
        "portal": {"frontchannel_logout_uri": PORTAL},
        "kiosk": {"frontchannel_logout_uri": KIOSK, "frontchannel_logout_session_required": False},
        "desk": {"frontchannel_logout_uri": "http://localhost:8082/gone"},
    }
    return [client | members.get(client["client_id"], {}) for client in local_clients(folder / "secrets", ORIGINS)]


@pytest.fixture
async def world(start: Starter, tmp_path: Path) -> World:
    """The provider with surfaces that have front-channel addresses."""
    found: World = await start(clients=declared(tmp_path))
    return found


async def at_two(world: World, browser: Browser) -> tuple[str, str]:
    """Sign in to portal and kiosk; the portal's ID token and the session's id."""
    portal, kiosk = world["portal"], world["kiosk"]
    tokens = await browser.tokens(portal)
    await kiosk.redeem((await browser.silent(kiosk))["code"])
    return tokens["id_token"], (await portal.claims(tokens["id_token"]))["sid"]


async def test_section_3_each_client_of_the_session_is_told_in_a_frame(world: World) -> None:
    browser = world.browser()
    hint, sid = await at_two(world, browser)
    parameters = {"id_token_hint": hint, "post_logout_redirect_uri": DONE, "state": "a b"}
    page = await browser.http.get("/logout", params=parameters)
    assert page.status_code == 200
    # §2: iss and sid together, to who wants them; what the address had stays.
    sources = [part.partition('"')[0].replace("&amp;", "&") for part in page.text.split('<iframe src="')[1:]]
    assert [source.partition("?")[0] for source in sources] == [KIOSK, PORTAL.partition("?")[0]]
    assert sources[0] == KIOSK
    assert query(sources[1]) == {"tenant": "1", "iss": ISSUER, "sid": sid}
    policy = page.headers["content-security-policy"]
    assert policy.endswith("frame-src http://localhost:8080 http://localhost:8081")
    assert "frame-ancestors 'none'" in policy
    # On by itself, or by the link, without a script.
    assert page.headers["refresh"] == f"2; url={DONE}?state=a+b"
    assert f'href="{DONE}?state=a+b"' in page.text
    assert "__Host-tb-sso-citizen" not in browser.http.cookies
    assert (await browser.silent(world["portal"]))["error"] == "login_required"
    # Nobody is left to be told: back at once.
    again = await browser.http.get("/logout", params=parameters)
    assert (again.status_code, again.headers["location"]) == (303, f"{DONE}?state=a+b")


async def test_a_confirmed_sign_out_tells_them_too_and_stays_here(world: World) -> None:
    browser = world.browser()
    await at_two(world, browser)
    asked = await browser.http.get("/logout")
    assert "<iframe" not in asked.text
    form = {name: hidden(asked.text, name) for name in ("_token", "request")}
    page = await browser.http.post("/logout/confirm", data=form)
    assert page.text.count("<iframe") == 2
    assert "refresh" not in page.headers


async def test_a_client_that_took_no_part_is_not_told(world: World) -> None:
    browser = world.browser()
    tokens = await browser.tokens(world["desk"], "clerk")
    page = await browser.http.get("/logout", params={"id_token_hint": tokens["id_token"]})
    assert page.text.count("<iframe") == 1
    assert page.headers["content-security-policy"].endswith("frame-src http://localhost:8082")


async def test_section_3_metadata_says_so(world: World) -> None:
    found = (await world.http().get("/.well-known/openid-configuration")).json()
    assert found["frontchannel_logout_supported"] is True
    assert found["frontchannel_logout_session_supported"] is True


def test_section_2_the_address_has_the_origin_of_a_redirect_uri() -> None:
    good = {
        "client_id": "shop",
        "client_name": {"zh": "店", "en": "Shop"},
        "realm": "citizen",
        "grant_types": ["authorization_code"],
        "token_endpoint_auth_method": "none",
        "redirect_uris": ["https://shop.example/callback"],
        "frontchannel_logout_uri": "https://shop.example/gone",
    }
    assert ClientDeclaration.model_validate(good)
    for uri in ("https://other.example/gone", "https://shop.example:444/gone", "javascript:alert(1)"):
        with pytest.raises(ValidationError):
            ClientDeclaration.model_validate(good | {"frontchannel_logout_uri": uri})
