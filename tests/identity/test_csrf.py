"""OWASP CSRF Prevention, RFC 6819 §4.4.1.8: no form of ours takes effect when another site posts it (item 9).

The routes are read from the application, so that a form that is added later is tried too.
"""

from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from fastapi.routing import APIRoute

from services.identity.api import ROUTERS
from tests.identity.conftest import World
from tests.identity.party import PASSWORD, hidden

OPEN = {"/authorize", "/logout"}
"""Posted to by other sites on purpose: without our cookies, which SameSite=Lax keeps back, they are led to a page."""
FORMS = sorted(
    route.path
    for router in ROUTERS
    for route in router.routes
    if isinstance(route, APIRoute)
    and "POST" in route.methods
    and not {"back channel", "registration"} & set(route.tags)
    and route.path not in OPEN
)


def test_the_forms_are_known() -> None:
    assert {"/signin", "/signin/account", "/consent", "/logout/confirm", "/account/change"} <= set(FORMS)


async def form_of(world: World, http: httpx.AsyncClient) -> dict[str, Any]:
    """Every field that any form takes, and this browser's own token."""
    portal = world["portal"]
    page = (await http.get(portal.address(prompt="login"))).text
    return {
        "_token": hidden(page, "_token"),
        "request": urlencode(portal.request(), doseq=True),
        "username": "zhang",
        "password": PASSWORD,
        "new_password": "another long password",
        "realm": "citizen",
        "choice": "allow",
        "shown_to": "x",
        "change": "end_all",
        "link": "x",
    }


async def test_no_form_takes_effect_from_another_site(world: World, subtests: pytest.Subtests) -> None:
    portal, browser = world["portal"], world.browser()
    tokens = await browser.tokens(portal)
    good = await form_of(world, browser.http)
    theirs = (await form_of(world, world.http()))["_token"]
    cookies = dict(browser.http.cookies)
    for path in FORMS:
        for case, changed, headers in (
            ("no token", {"_token": None}, {}),
            ("a token of another browser", {"_token": theirs}, {}),
            ("another site", {}, {"Origin": "https://evil.example"}),
            ("a sandbox", {}, {"Origin": "null"}),
            ("fetch metadata: another site", {}, {"Sec-Fetch-Site": "cross-site"}),
            ("fetch metadata: another host of ours", {}, {"Sec-Fetch-Site": "same-site"}),
            ("a token in the address", {"_token": None}, {"x-in-query": good["_token"]}),
        ):
            with subtests.test(path=path, case=case):
                data = {name: value for name, value in (good | changed).items() if value is not None}
                query = {"_token": headers.pop("x-in-query")} if "x-in-query" in headers else None
                answer = await browser.http.post(path, data=data, headers=headers, params=query)
                assert 400 <= answer.status_code < 500
                assert "location" not in answer.headers
                assert "sso" not in answer.headers.get("set-cookie", "")
    # Whoever was signed in still is, as the same person, and nothing was ended.
    assert dict(browser.http.cookies) == cookies
    assert "code" in await browser.silent(portal)
    assert (await portal.refresh(tokens["refresh_token"])).status_code == 200


async def test_login_csrf_leaves_the_browser_as_it_was(world: World) -> None:
    """RFC 6819 §4.4.1.8: nobody is signed in as the attacker, whose form and token another site posts."""
    attacker, victim, portal = world.browser(), world.browser(), world["portal"]
    form = await form_of(world, attacker.http)
    for headers in ({}, {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}):
        answer = await victim.http.post("/signin", data=form, headers=headers)
        assert answer.status_code == 422 and "location" not in answer.headers
    assert (await victim.silent(portal))["error"] == "login_required"
