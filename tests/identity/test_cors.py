"""CORS (Fetch standard; RFC 9700 §2.6): scripts of registered origins call the back channel, and see no page."""

from typing import Any

import httpx
import pytest

from services.identity.handlers.provider import Provider
from tests.identity.conftest import Starter, World
from tests.identity.party import query

ORIGIN = "https://app.example"
OTHER = "https://other.example"
SPA = {
    "client_id": "spa",
    "client_name": {"zh": "页面应用", "en": "Page application"},
    "first_party": True,
    "realm": "citizen",
    "grant_types": ["authorization_code", "refresh_token"],
    "token_endpoint_auth_method": "none",
    "redirect_uris": [f"{ORIGIN}/callback"],
    "allowed_origins": [ORIGIN, "https://app.example:8443"],
}
CALLED = {
    "/.well-known/openid-configuration": "GET",
    "/.well-known/oauth-authorization-server": "GET",
    "/jwks": "GET",
    "/token": "POST",
    "/par": "POST",
    "/revoke": "POST",
    "/userinfo": "GET",
}


def told(answer: httpx.Response) -> dict[str, str]:
    """The CORS headers of an answer."""
    return {name: value for name, value in answer.headers.items() if name.startswith("access-control-")}


async def preflight(http: httpx.AsyncClient, path: str, origin: str, method: str = "POST") -> httpx.Response:
    asked = {"Access-Control-Request-Method": method, "Access-Control-Request-Headers": "authorization,dpop"}
    return await http.options(path, headers={"Origin": origin} | asked)


async def test_scripts_of_registered_origins_call_the_back_channel(start: Starter, subtests: pytest.Subtests) -> None:
    world: World = await start(more=[SPA])
    http = world.http()
    for path, method in CALLED.items():
        with subtests.test(path=path):
            before = await preflight(http, path, ORIGIN, method)
            assert (before.status_code, before.content) == (204, b"")
            assert told(before)["access-control-allow-origin"] == ORIGIN
            assert method in told(before)["access-control-allow-methods"].split(", ")
            assert set(told(before)["access-control-allow-headers"].split(", ")) == {
                "authorization",
                "content-type",
                "dpop",
            }
            # Errors can be read too.
            answer = await http.request(method, path, headers={"Origin": ORIGIN})
            assert told(answer) == {
                "access-control-allow-origin": ORIGIN,
                "access-control-expose-headers": "WWW-Authenticate, DPoP-Nonce",
            }
            for found in (before, answer, await http.request(method, path)):
                assert "Origin" in found.headers["vary"].split(", ")
    assert told(await http.get("/jwks", headers={"Origin": "https://app.example:8443"}))

    with subtests.test("a whole sign-in"):
        spa = world["spa"]
        page = await world.browser().sign_in(spa, resource=None)
        given = {
            "grant_type": "authorization_code",
            "client_id": "spa",
            "code": query(page.headers["location"])["code"],
            "redirect_uri": spa.redirect_uri,
            "code_verifier": spa.verifier,
        }
        answer = await http.post("/token", data=given, headers={"Origin": ORIGIN})
        assert (answer.status_code, told(answer)["access-control-allow-origin"]) == (200, ORIGIN)
        bearer = {"Authorization": f"Bearer {answer.json()['access_token']}", "Origin": ORIGIN}
        seen = await http.get("/userinfo", headers=bearer)
        assert (seen.status_code, told(seen)["access-control-allow-origin"]) == (200, ORIGIN)


async def test_nobody_else_is_told_anything(start: Starter, subtests: pytest.Subtests) -> None:
    world: World = await start(more=[SPA])
    http = world.http()
    for origin in (OTHER, "null", "http://app.example", ORIGIN + ".evil.example", ORIGIN + "/", "", "*", "\xff"):
        for path, method in CALLED.items():
            with subtests.test(origin=origin, path=path):
                raw: Any = [(b"origin", origin.encode("latin-1"))]
                asked = [(b"access-control-request-method", method.encode())]
                for answer in (
                    await http.request(method, path, headers=raw),
                    await http.options(path, headers=raw + asked),
                ):
                    assert (told(answer), answer.headers["vary"]) == ({}, "Origin")
    # No page is for scripts, nor what only servers call; and never with cookies.
    for path in ("/authorize", "/signin", "/logout", "/account", "/introspect", "/register", "/register/x"):
        for method in ("GET", "POST", "OPTIONS"):
            with subtests.test(path=path, method=method):
                headers = {"Origin": ORIGIN, "Access-Control-Request-Method": "POST"}
                assert told(await http.request(method, path, headers=headers)) == {}
    assert "access-control-allow-credentials" not in told(await preflight(http, "/token", ORIGIN))


async def test_an_origin_counts_for_as_long_as_its_client(start: Starter, monkeypatch: pytest.MonkeyPatch) -> None:
    from services.identity.handlers import provider

    monkeypatch.setattr(provider, "CLIENTS_SECONDS", 0.0)
    world: World = await start(more=[SPA])
    http = world.http()
    assert told(await preflight(http, "/token", ORIGIN))
    await start()
    assert not told(await preflight(http, "/token", ORIGIN))


async def test_with_the_database_away_the_answer_is_the_endpoints_own(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(_: Provider) -> None:
        raise OSError

    monkeypatch.setattr(Provider, "origins", away)
    answer = await world.http().get("/jwks", headers={"Origin": ORIGIN})
    assert (answer.status_code, told(answer)) == (200, {})
