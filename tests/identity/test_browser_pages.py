"""Identity's own pages in a real Chromium, by the keyboard alone, clean for axe (WCAG 2.2 AA), wide and narrow:
consent, one's own account, signing out by the front channel, the link that sets a password.

TESTS_PICTURES keeps a picture of each page, as for tests/e2e.
"""

import os
import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest
from playwright.async_api import Page, expect
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from services.identity.domain.accounts import Grant
from services.identity.domain.clients import EVERYWHERE, ClientDeclaration
from services.identity.handlers.enrolment import InviteStaff, invite_staff, link
from services.identity.store import Work
from services.kit.clock import utc_now
from tests.e2e.conftest import AXE
from tests.e2e.looks import Looks
from tests.e2e.test_everybody import press, reach
from tests.harness.machine import missing
from tests.identity.browsing import Browsing, bound, browsing, port_of, served
from tests.identity.party import PASSWORD, challenge_of
from tests.identity.template import RsaPairs, Template

VERIFIER = "v" * 43
NEW = "在 广安 办事 不 跑 第二趟"


@dataclass
class Shop:
    """A stranger's client: notes who comes where, and frames an address that it is given."""

    origin: str
    visited: list[str] = field(default_factory=list)

    async def answer(self, request: Request) -> Response:
        self.visited.append(str(request.url))
        inner = request.query_params.get("inner")
        return HTMLResponse(f'<title>shop</title><iframe src="{inner}"></iframe>' if inner else "<title>shop</title>")

    def declaration(self, client_id: str, **members: object) -> ClientDeclaration:
        found = {
            "client_id": client_id,
            "client_name": {"zh": "街角小店", "en": "Corner shop"},
            "realm": "citizen",
            "grant_types": ["authorization_code"],
            "token_endpoint_auth_method": "none",
            "redirect_uris": [f"{self.origin}/callback"],
            "post_logout_redirect_uris": [f"{self.origin}/bye"],
            "frontchannel_logout_uri": f"{self.origin}/gone",
            "client_uri": f"{self.origin}/",
            "policy_uri": f"{self.origin}/policy",
            "tos_uri": f"{self.origin}/terms",
        }
        return ClientDeclaration.model_validate(found | members)


@dataclass
class Place:
    """The provider, the shop and the browser."""

    browsing: Browsing
    shop: Shop

    @property
    def issuer(self) -> str:
        return self.browsing.issuer

    def address(self, client_id: str = "shop", **parameters: str) -> str:
        asked = {
            "response_type": "code",
            "client_id": client_id,
            "redirect_uri": f"{self.shop.origin}/callback",
            "scope": "openid profile phone",
            "state": "s",
            "code_challenge": challenge_of(VERIFIER),
            "code_challenge_method": "S256",
        }
        return f"{self.issuer}/authorize?{urlencode(asked | parameters)}"

    async def tokens(self, page: Page) -> dict[str, str]:
        """Exchange the code that the page has come back with."""
        await page.wait_for_url(f"{self.shop.origin}/callback?**")
        given = {
            "grant_type": "authorization_code",
            "client_id": "shop",
            "code": parse_qs(urlsplit(page.url).query)["code"][0],
            "redirect_uri": f"{self.shop.origin}/callback",
            "code_verifier": VERIFIER,
        }
        async with httpx.AsyncClient(timeout=60) as http:
            found = await http.post(f"{self.issuer}/token", data=given)
        assert found.status_code == 200, found.text
        tokens: dict[str, str] = found.json()
        return tokens


@pytest.fixture
async def place(
    sqlite_template: Template, rsa_pairs: RsaPairs, fast_keys: None, tmp_path: Path
) -> AsyncIterator[Place]:
    there = bound()
    # One site with the provider, as a hidden frame needs it: ports make no other site.
    shop = Shop(f"http://localhost:{port_of(there)}")
    clients = [
        shop.declaration("shop"),
        shop.declaration("silent", silent_frame=True, first_party=True),
        shop.declaration("loud", first_party=True),
    ]
    site = Starlette(routes=[Route("/{path:path}", shop.answer)])
    async with browsing(sqlite_template, rsa_pairs, tmp_path, clients) as found, served(site, there):
        yield Place(found, shop)


@pytest.fixture
def look(request: pytest.FixtureRequest) -> Iterator[Looks]:
    """`await look(page, "consent")`: the page passes axe and fits a width of 360 px."""
    if not AXE.is_file():
        missing("axe-core is not installed (make setup)")
    kept = os.environ.get("TESTS_PICTURES")
    looks = Looks(AXE.read_text("utf-8"), Path(kept) / request.node.name if kept else None)
    yield looks
    assert not looks.problems, "\n".join(looks.problems)


async def type_in(page: Page, name: str, value: str) -> None:
    await reach(page, page.locator(f"[name={name}]"))
    await page.keyboard.insert_text(value)


async def test_a_person_agrees_looks_takes_back_and_leaves(place: Place, look: Looks) -> None:
    page = await place.browsing.new_page(viewport={"width": 1280, "height": 900})
    heading = page.get_by_role("heading", level=1)

    # Sign in, say no, say yes.
    await page.goto(place.address())
    await type_in(page, "username", "zhang")
    await type_in(page, "password", PASSWORD)
    await page.keyboard.press("Enter")
    await expect(heading).to_have_text("要让“街角小店”看您的信息吗")
    await expect(page.locator("main")).to_contain_text("手机号")
    await look(page, "consent")
    await press(page, page.get_by_role("button", name="不同意", exact=True))
    await page.wait_for_url(f"{place.shop.origin}/callback?**")
    assert parse_qs(urlsplit(page.url).query)["error"] == ["access_denied"]
    await page.goto(place.address(ui_locales="en"))
    await expect(heading).to_have_text("Let “Corner shop” see your details?")
    await page.goto(place.address())
    await press(page, page.get_by_role("button", name="同意", exact=True))
    tokens = await place.tokens(page)

    # The account: who is signed in where, what was agreed to.
    await page.goto(f"{place.issuer}/account")
    await expect(heading).to_have_text("张伟")
    await expect(page.get_by_role("region", name="在这些地方登录着")).to_contain_text("街角小店")
    await expect(page.get_by_role("region", name="同意过的")).to_contain_text("姓名和基本资料、手机号")
    await look(page, "account")
    await look.targets(page, "account", 44)
    await page.goto(f"{place.issuer}/account?mode=elder")
    await look(page, "account-elder")
    await page.goto(f"{place.issuer}/account?mode=plain&lang=en")
    await look(page, "account-english")
    await page.goto(f"{place.issuer}/account?lang=zh-CN")

    # The sign-in has aged: the password again, then what was agreed to is taken back and its tokens are dead.
    place.browsing.service.context.clock = lambda: utc_now() + timedelta(minutes=16)
    await press(page, page.get_by_role("button", name=re.compile("^收回")))
    await expect(heading).to_have_text("再填一次密码")
    await look(page, "again")
    await type_in(page, "password", PASSWORD)
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("status")).to_contain_text("已收回")

    # The form for a new password says what is wrong.
    await press(page, page.get_by_role("link", name="改密码"))
    await expect(heading).to_have_text("改密码")
    await type_in(page, "new_password", "short")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("alert")).to_contain_text("有 2 处要改")
    await look(page, "password-errors")

    # Signing out loads the shop's logout page unseen.
    await page.goto(place.address())
    await press(page, page.get_by_role("button", name="同意", exact=True))
    hint = (await place.tokens(page))["id_token"]
    assert hint != tokens["id_token"]
    await page.goto(f"{place.issuer}/logout?{urlencode({'id_token_hint': hint})}")
    await expect(heading).to_have_text("已退出")
    await look(page, "signed-out")
    told = [parse_qs(urlsplit(address).query) for address in place.shop.visited if "/gone" in address]
    assert [each["iss"] for each in told] == [[place.issuer]]
    await page.goto(f"{place.issuer}/account?realm=staff")
    await expect(page.locator("[name=password]")).to_be_visible()
    await look(page, "account-sign-in")
    await page.goto(place.issuer)
    await look(page, "home")


async def test_signing_out_goes_on_without_scripts(place: Place) -> None:
    """OpenID Connect Front-Channel Logout 1.0 §3: the frames load, then the browser goes back to the client."""
    page = await place.browsing.new_page(java_script_enabled=False)
    await page.goto(place.address())
    await page.fill("[name=username]", "zhang")
    await page.fill("[name=password]", PASSWORD)
    await page.click("form[action='/signin'] button")
    await page.click("button[name=choice][value=allow]")
    leave = {
        "id_token_hint": (await place.tokens(page))["id_token"],
        "post_logout_redirect_uri": f"{place.shop.origin}/bye",
        "state": "done",
    }
    await page.goto(f"{place.issuer}/logout?{urlencode(leave)}")
    await page.wait_for_url(f"{place.shop.origin}/bye?state=done")
    assert [address for address in place.shop.visited if "/gone?" in address]


async def test_a_hidden_frame_renews_for_who_registered_and_shows_nothing_else(place: Place) -> None:
    page = await place.browsing.new_page()
    await page.goto(place.address("loud"))
    await page.fill("[name=username]", "lin")
    await page.fill("[name=password]", PASSWORD)
    await page.click("form[action='/signin'] button")
    await page.wait_for_url(f"{place.shop.origin}/callback?**")
    for client_id, prompt, renewed in (("silent", "none", True), ("loud", "none", False), ("silent", "login", False)):
        place.shop.visited.clear()
        inner = place.address(client_id, prompt=prompt)
        await page.goto(f"{place.shop.origin}/page?{urlencode({'inner': inner})}")
        await page.wait_for_load_state("networkidle")
        assert any("/callback?" in address for address in place.shop.visited) is renewed, (client_id, prompt)
        # What is not answered there is not shown there either: the browser keeps our pages out of frames.
        assert renewed or "password" not in await page.frames[-1].content()


async def test_the_first_administrator_sets_a_password(place: Place, look: Looks) -> None:
    page = await place.browsing.new_page(viewport={"width": 1280, "height": 900})
    heading = page.get_by_role("heading", level=1)
    await page.goto(f"{place.issuer}/enrol?token=x")
    await expect(heading).to_have_text("这个链接用不了")
    await look(page, "link-used")
    chief = InviteStaff("operator", "chief", "赵主任", timedelta(hours=1), Grant(EVERYWHERE, "administrator"))
    token = await invite_staff(chief, lambda: Work(place.browsing.service.context))
    await page.goto(link(place.browsing.settings, token))
    await expect(heading).to_have_text("设密码")
    await look(page, "enrol")
    await type_in(page, "new_password", NEW)
    await type_in(page, "new_password_again", NEW)
    await page.keyboard.press("Enter")
    await expect(heading).to_have_text("密码设好了")
    await look(page, "enrolled")
    await press(page, page.get_by_role("link", name=re.compile("我的账号")))
    await type_in(page, "username", "chief")
    await type_in(page, "password", NEW)
    await page.keyboard.press("Enter")
    await expect(heading).to_have_text("赵主任")
