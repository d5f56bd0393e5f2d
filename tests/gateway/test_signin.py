"""Signing in at a surface (OpenID Connect Core, RFC 7636, 9207, 8707): what goes out, what is taken back."""

import base64
import hashlib
import hmac
import json
import time
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey
from sqlalchemy import text

from services.gateway.store import Work
from services.kit.service import Service
from tests.gateway.conftest import Browser, Clock, path_of
from tests.gateway.world import ISSUER, PORTAL, World


async def test_the_request_is_bound_to_this_browser(browser: Browser) -> None:
    answer = await browser.get("/signin?next=/cases")
    asked = parse_qs(httpx.URL(answer.headers["location"]).query.decode())
    assert answer.headers["location"].startswith(f"{ISSUER}/authorize?")
    assert asked["response_type"] == ["code"]
    assert asked["code_challenge_method"] == ["S256"]
    assert asked["redirect_uri"] == [f"{PORTAL}/signin/callback"]
    assert asked["resource"] == ["urn:tongban:cases", "urn:tongban:notify"]
    assert len(asked["state"][0]) == len(asked["nonce"][0]) == len(asked["code_challenge"][0]) == 43
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("__Host-tb-signin-portal-")
    for attribute in ("HttpOnly", "Secure", "Path=/", "SameSite=lax"):
        assert attribute in cookie
    assert asked["nonce"][0] not in cookie, "the cookie tells its holder nothing"


async def test_signing_in_leads_back_and_keeps_the_tokens_here(browser: Browser, world: World) -> None:
    answer = await browser.sign_in("/cases")
    assert path_of(answer) == "/cases"
    page = await browser.get("/cases")
    assert page.status_code == 200
    assert "林晓梅" in page.text
    sent = "".join([*answer.headers.get_list("set-cookie"), page.text, *page.headers.values()])
    for secret in ("access-", "refresh-", "eyJ"):
        assert secret not in sent, "a token reached the browser"
    form = world.provider.token_calls[0]
    assert form["resource"] == "urn:tongban:cases"
    header = json.loads(base64.urlsafe_b64decode(form["client_assertion"].split(".")[0] + "=="))
    claims = json.loads(base64.urlsafe_b64decode(form["client_assertion"].split(".")[1] + "=="))
    assert header["alg"] == "ES256"
    assert (claims["iss"], claims["sub"], claims["aud"]) == ("portal", "portal", ISSUER)
    assert claims["exp"] - claims["iat"] <= 60


async def test_the_verifier_belongs_to_the_challenge(browser: Browser, world: World) -> None:
    asked = await browser.begin()
    await browser.callback(asked)
    digest = hashlib.sha256(world.provider.token_calls[0]["code_verifier"].encode()).digest()
    assert asked.params["code_challenge"] == base64.urlsafe_b64encode(digest).decode().rstrip("=")


@pytest.mark.parametrize(
    "changed",
    [{"iss": "https://other.test"}, {"iss": None}, {"state": "x" * 43}, {"state": None}, {"code": None}],
)
async def test_an_answer_that_does_not_fit_is_refused(
    browser: Browser, world: World, changed: dict[str, str | None]
) -> None:
    answer = await browser.callback(await browser.begin(), **changed)
    assert answer.status_code == 400
    assert not browser.signed_in
    assert not world.provider.token_calls, "no code is redeemed before the answer is checked"


async def test_another_browser_cannot_use_the_answer(browser: Browser, gateway: Service, world: World) -> None:
    asked = await browser.begin()
    other = Browser(gateway, world)
    answer = await other.callback(asked)
    assert answer.status_code == 400
    assert not other.signed_in


async def test_an_answer_is_taken_once(browser: Browser, world: World) -> None:
    asked = await browser.begin()
    assert (await browser.callback(asked)).status_code == 303
    again = await browser.callback(asked)
    assert path_of(again) == "/", "who is signed in by now goes on"
    assert len(world.provider.token_calls) == 1


async def test_a_sign_in_page_that_was_open_too_long_offers_another(browser: Browser, clock: Clock) -> None:
    asked = await browser.begin()
    clock.ahead = timedelta(minutes=11)
    answer = await browser.callback(asked)
    assert answer.status_code == 400
    assert "登录没有完成" in answer.text
    assert 'href="/signin?next=%2F"' in answer.text
    await browser.sign_in()
    assert path_of(await browser.callback(asked)) == "/"


SPOILT: dict[str, Any] = {
    "another nonce": lambda c: c | {"nonce": "other"},
    "no nonce": lambda c: {k: v for k, v in c.items() if k != "nonce"},
    "another audience": lambda c: c | {"aud": "kiosk"},
    "more audiences without azp": lambda c: c | {"aud": ["portal", "kiosk"]},
    "another issuer": lambda c: c | {"iss": "https://other.test"},
    "expired": lambda c: c | {"exp": int(time.time()) - 60},
    "from the future": lambda c: c | {"iat": int(time.time()) + 600},
    "no subject": lambda c: {k: v for k, v in c.items() if k != "sub"},
}


@pytest.mark.parametrize("case", SPOILT)
async def test_an_id_token_that_is_not_for_this_sign_in_is_refused(browser: Browser, world: World, case: str) -> None:
    world.provider.spoil = SPOILT[case]
    answer = await browser.callback(await browser.begin())
    assert answer.status_code == 400
    assert not browser.signed_in


@pytest.mark.parametrize("kind", ["none", "HS256 with the public key", "another key", "an access token"])
async def test_an_id_token_with_a_wrong_signature_is_refused(
    browser: Browser, world: World, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    def forged(claims: dict[str, Any], typ: str = "JWT") -> str:
        def part(value: Any) -> str:
            return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

        if kind == "none":
            return f"{part({'alg': 'none'})}.{part(claims)}."
        if kind == "an access token":
            header = {"alg": "RS256", "kid": "one", "typ": "at+jwt"}
            return jwt.encode(header, claims, world.provider.key, algorithms=["RS256"])
        if kind == "another key":
            return jwt.encode({"alg": "ES256", "kid": "one"}, claims, ECKey.generate_key("P-256"))
        signed = f"{part({'alg': 'HS256', 'kid': 'one'})}.{part(claims)}"
        digest = hmac.digest(world.provider.key.as_pem(private=False), signed.encode(), "sha256")
        return f"{signed}.{base64.urlsafe_b64encode(digest).decode().rstrip('=')}"

    monkeypatch.setattr(world.provider, "signed", forged)
    answer = await browser.callback(await browser.begin())
    assert answer.status_code == 400
    assert not browser.signed_in


async def test_a_retired_signing_key_is_taken_no_more(
    browser: Browser, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A key that was stolen and taken out of the provider's set signs nothing any more, once the keys are read anew."""
    await browser.sign_in()
    forged = [world.provider.logout_token() for _ in range(2)]
    world.provider.key = RSAKey.generate_key(2048, parameters={"kid": "two", "use": "sig"})
    monkeypatch.setattr("services.gateway.provider.KEYS_SECONDS", 0)
    world.provider.away = True
    kept = await browser.http.post("/signin/backchannel-logout", data={"logout_token": forged[0]})
    assert kept.status_code == 200, "while the provider is away the keys that are known go on"
    world.provider.away = False
    refused = await browser.http.post("/signin/backchannel-logout", data={"logout_token": forged[1]})
    assert refused.status_code == 400


async def test_a_rotated_signing_key_is_fetched(
    browser: Browser, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.gateway.provider._REFETCH_SECONDS", 0)
    await browser.sign_in()
    world.provider.key = RSAKey.generate_key(2048, parameters={"kid": "one", "use": "sig"})
    await browser.sign_in()


@pytest.mark.parametrize("next_", ["//evil.test", "/\\evil.test", "https://evil.test", "/%0d%0aSet-Cookie:x", "evil"])
async def test_a_sign_in_never_leads_away(browser: Browser, next_: str) -> None:
    answer = await browser.callback(await browser.begin(f"/signin?next={next_}"))
    assert answer.headers["location"].startswith("/")
    assert not answer.headers["location"].startswith(("//", "/\\"))
    assert "evil" not in answer.headers["location"]


async def test_a_silent_sign_in_that_finds_nobody_is_no_failure(browser: Browser) -> None:
    asked = await browser.begin("/signin?silent=1&next=/cases")
    assert asked.params["prompt"] == "none"
    answer = await browser.callback(asked, code=None, error="login_required")
    assert (answer.status_code, answer.headers["location"]) == (303, "/cases")
    assert any(c.startswith("__Host-tb-silent-portal=no;") for c in answer.headers.get_list("set-cookie"))


async def test_a_cancelled_sign_in_says_so(browser: Browser) -> None:
    answer = await browser.callback(await browser.begin(), code=None, error="access_denied")
    assert answer.status_code == 400
    assert "没有登录" in answer.text
    assert 'href="/signin?next=%2Fcases"' in answer.text


async def test_another_account_can_be_chosen(browser: Browser) -> None:
    assert (await browser.begin("/signin?prompt=select_account")).params["prompt"] == "select_account"
    assert "prompt" not in (await browser.begin("/signin?prompt=none")).params


async def test_signing_in_again_makes_a_new_session(browser: Browser, gateway: Service) -> None:
    await browser.sign_in()
    first = browser.http.cookies["__Host-tb-portal"]
    await browser.sign_in()
    second = browser.http.cookies["__Host-tb-portal"]
    assert first != second
    browser.http.cookies.set("__Host-tb-portal", first, domain="portal.test")
    assert (await browser.get("/cases")).status_code == 303, "the old secret is worth nothing"
    async with Work(gateway.context, readonly=True) as work:
        rows = (await work.execute(text("SELECT id, sealed FROM sessions"))).all()
    assert len(rows) == 1
    assert second.encode() not in rows[0].sealed
    assert rows[0].id != second, "the table cannot be used to make cookies"
    assert b"refresh-" not in rows[0].sealed
    assert "林晓梅".encode() not in rows[0].sealed


async def test_the_provider_away_is_said_in_words(browser: Browser, world: World) -> None:
    world.provider.away = True
    answer = await browser.get("/signin")
    assert answer.status_code == 503
    assert "您存过的都在" in answer.text
    assert "identity" not in answer.text
