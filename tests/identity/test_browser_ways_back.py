"""CSP 3 §6.4.2 (form-action), in a real Chromium, which applies it to every redirect after a post: people get back to
clients of other origins, by redirect and by a posted form, with scripts and without.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from playwright.async_api import Page, expect
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from services.identity.domain.clients import ClientDeclaration
from tests.identity.browsing import bound, browsing, port_of, served
from tests.identity.party import PASSWORD, STRANGER_JWKS, challenge_of
from tests.identity.template import RsaPairs, Template

STATE = 'a b&c=d"<é>'


def shop(home: str) -> Starlette:
    """A client: says what came, or leads on to its home, which has an origin of its own."""

    async def callback(request: Request) -> Response:
        came = dict(await request.form()) if request.method == "POST" else dict(request.query_params)
        if request.url.path.endswith("/on"):
            return RedirectResponse(f"{home}/?came={len(came)}", 303)
        origin = request.headers.get("origin", "")
        return PlainTextResponse(f"{request.method} {origin} {came['state']} code={'code' in came}")

    return Starlette(routes=[Route(path, callback, methods=["GET", "POST"]) for path in ("/callback", "/callback/on")])


@dataclass
class Ways:
    """A provider, a client elsewhere, and where the client leads on to."""

    issuer: str
    client: str
    home: str
    new_page: Any

    def address(self, path: str, **parameters: str) -> str:
        found = {
            "response_type": "code",
            "client_id": "shop",
            "redirect_uri": self.client + path,
            "scope": "openid",
            "state": STATE,
            "code_challenge": challenge_of("v" * 43),
            "code_challenge_method": "S256",
        }
        return f"{self.issuer}/authorize?{urlencode(found | parameters)}"

    async def sign_in(self, page: Page, path: str, **parameters: str) -> None:
        await page.goto(self.address(path, **parameters))
        await page.fill("[name=username]", "lin")
        await page.fill("[name=password]", PASSWORD)
        await page.press("[name=password]", "Enter")


@pytest.fixture
async def ways(sqlite_template: Template, rsa_pairs: RsaPairs, fast_keys: None, tmp_path: Path) -> AsyncIterator[Ways]:
    there, beyond = bound(), bound()
    client, home = (f"http://127.0.0.1:{port_of(where)}" for where in (there, beyond))
    declared = ClientDeclaration.model_validate(
        {
            "client_id": "shop",
            "client_name": {"zh": "小店", "en": "Shop"},
            "first_party": True,
            "realm": "citizen",
            "grant_types": ["authorization_code"],
            "jwks": STRANGER_JWKS,
            "redirect_uris": [f"{client}/callback", f"{client}/callback/on"],
            "client_uri": f"{home}/",
        }
    )
    at_home = Starlette(routes=[Route("/", lambda request: PlainTextResponse("at home"))])
    async with (
        browsing(sqlite_template, rsa_pairs, tmp_path, [declared]) as found,
        served(shop(home), there),
        served(at_home, beyond),
    ):
        yield Ways(found.issuer, client, home, found.new_page)


async def test_people_get_back_to_clients_of_other_origins(ways: Ways, subtests: pytest.Subtests) -> None:
    arrived = f"GET  {STATE} code=True"
    posted = f"POST {ways.issuer} {STATE} code=True"
    for case, path, mode, scripts, text in (
        ("redirect", "/callback", "query", True, arrived),
        ("redirect without scripts", "/callback", "query", False, arrived),
        ("redirect that leads on", "/callback/on", "query", True, "at home"),
        ("form that posts itself", "/callback", "form_post", True, posted),
        ("form with its button", "/callback", "form_post", False, posted),
        ("form that leads on", "/callback/on", "form_post", True, "at home"),
    ):
        with subtests.test(case=case):
            page = await ways.new_page(java_script_enabled=scripts)
            await ways.sign_in(page, path, response_mode=mode)
            if mode == "form_post" and not scripts:
                await page.click("form#back button")
            await expect(page.locator("body")).to_have_text(text, timeout=15_000)
