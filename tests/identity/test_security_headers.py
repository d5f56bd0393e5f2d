"""RFC 9700 §4.16, OWASP Secure Headers: what every answer carries (item 11)."""

import httpx
import pytest

from tests.identity.conftest import World


async def test_pages_cannot_be_framed_cached_or_made_to_leak(world: World, subtests: pytest.Subtests) -> None:
    portal, browser = world["portal"], world.browser()
    pages: dict[str, httpx.Response] = {
        "sign-in": await browser.http.get(portal.address()),
        "error": await browser.http.get(portal.address(client_id="nobody")),
        "wrong password": await browser.sign_in(portal, "lin", "wrong"),
        "signed out": await browser.http.get("/logout"),
        "home": await browser.http.get("/"),
        "account's sign-in": await browser.http.get("/account"),
        "link that is used": await browser.http.get("/enrol", params={"token": "x"}),
        "consent": await browser.sign_in(portal, prompt="consent"),
        "account": await browser.http.get("/account"),
        "new password": await browser.http.get("/account/password"),
    }
    for name, page in pages.items():
        with subtests.test(page=name):
            policy = page.headers["content-security-policy"]
            assert "frame-ancestors 'none'" in policy
            assert "default-src 'none'" in policy
            assert "unsafe" not in policy
            assert page.headers["x-content-type-options"] == "nosniff"
            assert page.headers["referrer-policy"] in ("no-referrer", "same-origin", "strict-origin")
            assert page.headers["cache-control"] == "no-store"
            assert page.headers["strict-transport-security"].startswith("max-age=")
            assert "<script>" not in page.text
            assert "style=" not in page.text
            assert "server" not in page.headers


async def test_a_form_may_lead_back_to_the_waiting_client_alone(world: World) -> None:
    policy = (await world.http().get(world["portal"].address())).headers["content-security-policy"]
    target = next(part.strip() for part in policy.split(";") if part.strip().startswith("form-action"))
    assert target == "form-action 'self' http://localhost:8080"


async def test_redirects_after_posts_are_303(world: World) -> None:
    portal, browser = world["portal"], world.browser()
    assert (await browser.sign_in(portal)).status_code == 303
    posted = await browser.http.post("/authorize", data=portal.request(prompt="none"))
    assert posted.status_code == 303


async def test_token_answers_are_not_stored(world: World) -> None:
    cases = world["cases"]
    for resource in ("urn:tongban:catalog", "urn:nothing"):
        answer = await cases.token(grant_type="client_credentials", resource=resource)
        assert (answer.headers["cache-control"], answer.headers["pragma"]) == ("no-store", "no-cache")
