"""The portal's pages in a real browser: no axe violations, no sideways scrolling, none of the policy, little weight."""

import asyncio
import base64
import re
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from playwright.async_api import Browser, BrowserContext, Page, async_playwright, expect

from services.gateway import app
from services.gateway.domain.sessions import AccessToken
from services.gateway.provider import Granted, Identity
from services.gateway.settings import GatewaySettings
from services.kit import migrations
from services.kit.clock import utc_now
from tests.gateway.applications import CASE, DRAFT, case, draft, due, item
from tests.gateway.conftest import Clock
from tests.gateway.world import ISSUER, SUBJECT, World, client_key, problem
from tests.harness.machine import missing

AXE = Path(".assets/test/axe.min.js")
HTMX = Path(".assets/web/htmx/htmx.min.js")
CHROMIUM = Path("/usr/bin/chromium")
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
FIRST_VISIT_BYTES = 40 * 1024

PAGES = (
    "/",
    "/items/510123002000",
    "/items/510123002000/apply",
    f"/apply/{DRAFT}/pages/who",
    f"/apply/{DRAFT}/pages/stay",
    f"/apply/{DRAFT}/materials",
    f"/apply/{DRAFT}/check",
    f"/apply/{DRAFT}/discard",
    f"/cases/{CASE}/submitted",
    f"/cases/{CASE}",
    f"/cases/{CASE}/accesses",
    f"/cases/{CASE}/withdrawal",
    "/cases",
    "/inbox",
    f"/inbox/{'a' * 32}",
    "/account",
    "/signout/done",
    "/nothing",
    "/api/",
)


@dataclass
class Portal:
    """A portal that is served on this machine."""

    origin: str
    world: World
    site: Any
    browser: Browser
    clock: Clock

    async def person(self, **options: Any) -> BrowserContext:
        """A browser with somebody signed in."""
        context = await self.browser.new_context(**({"locale": "zh-CN"} | options))
        access = AccessToken("access-urn:tongban:cases", utc_now() + timedelta(hours=1))
        secret, _ = await self.site.sessions.begin(
            Identity(SUBJECT, "林晓梅", "sid-1"), Granted(access, "refresh-0", "id"), "urn:tongban:cases"
        )
        self.world.provider.refresh_tokens.add("refresh-0")
        # Secure, for an http://localhost that browsers take for safe.
        cookie = {"name": self.site.cookie, "value": secret, "url": self.origin.replace("http:", "https:")}
        await context.add_cookies([cookie | {"secure": True, "httpOnly": True}])  # type: ignore[list-item]
        return context


def fill(world: World) -> None:
    """An item, a draft, a case with a bit of everything, a message."""
    found = world.services
    summary = {key: value for key, value in item().items() if key not in ("form", "materials", "steps")}
    listed = {"items": [summary | {"version": 3}], "next": "more"}
    nothing = {"items": [], "next": None}
    found.on("catalog", "GET", "/items", lambda call: nothing if "%E6%B2%A1%E6%9C%89" in call.query else listed)
    organisation = item()["organisation"] | {
        "division": "511602000000",
        "uscc": None,
        "uscc_verified": False,
        "items": 4,
    }
    found.on("catalog", "GET", "/organisations", {"items": [organisation], "next": None})
    found.on("catalog", "GET", "/items/510123002000(/versions/3)?", item())
    file = {
        "file_id": "f" * 32,
        "material": "photo",
        "filename": "很长的文件名" * 5 + ".png",
        "media_type": "image/png",
    }
    file |= {"size": 5000, "uploaded_at": "2026-11-23T02:00:00+00:00"}
    open_draft = draft(answers={"kind": "person", "name": "林晓梅"}, materials=[file])
    found.on("cases", "GET", "/drafts", {"items": [open_draft], "next": None})
    found.on("cases", "GET", f"/drafts/{DRAFT}", open_draft)
    officer = {"kind": "officer", "name": "李敏", "organisation": item()["organisation"]}
    returned = {"event": "returned", "version": 2, "at": "2026-11-24T03:00:00+00:00", "actor": officer, "note": None}
    gap = {"material": "photo", "field": None, "what": "要白底的"}
    notice = {
        "gaps": [gap],
        "note": "补齐就办",
        "at": "2026-11-24T03:00:00+00:00",
        "organisation": item()["organisation"],
    }
    whole = case(status="returned", version=2, notice=notice, materials=[file])
    whole["timeline"] = [*whole["timeline"], returned]
    found.on("cases", "GET", f"/cases/{CASE}", whole)
    brief = {key: whole[key] for key in ("id", "number", "status", "version", "item", "submitted_at", "due")}
    found.on("cases", "GET", "/cases", {"items": [brief | {"updated_at": whole["submitted_at"]}], "next": "more"})
    seen = {
        "at": "2026-11-24T03:00:00+00:00",
        "officer": "李敏",
        "organisation": item()["organisation"],
        "what": "case",
    }
    found.on(
        "cases",
        "GET",
        f"/cases/{CASE}/accesses",
        {"items": [seen | {"purpose": "intake", "reason": None}], "next": None},
    )
    message = {"id": "a" * 32, "title": "要您补一次材料", "body": "请按告知单补齐。", "case_id": CASE, "read_at": None}
    message |= {"created_at": "2026-11-24T03:00:00+00:00"}
    found.on("notify", "GET", "/messages", {"items": [message], "next": None})
    found.on("notify", "GET", f"/messages/{'a' * 32}", message)
    found.on("notify", "POST", f"/messages/{'a' * 32}/read", message)
    found.on("notify", "GET", "/messages/unread", {"count": 1})
    found.on("notify", "GET", "/preferences", {"language": "zh-CN"})


def _check_machine() -> None:
    if not CHROMIUM.exists():
        missing("Chromium is not installed: run `make machine`")
    if not (AXE.exists() and HTMX.exists()):
        missing("the pages' assets are not installed: run `make setup`")


@pytest.fixture
async def portal(sqlite_url: str, tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Portal]:
    _check_machine()
    given = dict(getattr(request, "param", {}))
    surface = given.pop("surface", "portal")
    world = World()
    fill(world)
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    origin = f"http://localhost:{listening.getsockname()[1]}"
    settings = GatewaySettings.load(
        profile="test",
        data_dir=tmp_path,
        database_url=sqlite_url,
        master_key=base64.b64encode(bytes(32)).decode(),
        issuer=ISSUER,
        private_key=client_key(),
        catalog_url="http://catalog.test",
        cases_url="http://cases.test",
        notify_url="http://notify.test",
        **{"surfaces": [surface], f"{surface}_origin": origin, f"{surface}_private_key": client_key()},
        **given,
    )
    await migrations.upgrade(settings)
    clock = Clock()
    service = app.build(settings, world, clock)
    await service.open()
    server = uvicorn.Server(uvicorn.Config(service.app, lifespan="off", log_config=None, timeout_graceful_shutdown=1))
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        site = service.app._surfaces[("localhost", listening.getsockname()[1])].app.state.site  # type: ignore[attr-defined]
        yield Portal(origin, world, site, browser, clock)
        await browser.close()
    for drain in service.drain:
        drain()
    server.should_exit = True
    await serving
    await service.close()


def trouble_of(page: Page) -> list[str]:
    """What the browser complains of on this page from now on: script errors and policy violations."""
    found: list[str] = []
    page.on("pageerror", lambda error: found.append(str(error)))
    page.on(
        "console", lambda message: found.append(message.text) if "Content Security Policy" in message.text else None
    )
    return found


@cache
def _axe() -> str:
    return AXE.read_text("utf-8")


async def violations(page: Page) -> list[str]:
    """Accessibility violations by axe; evaluated, for the policy lets no foreign script tag in."""
    told = "r => r.violations.map(v => v.id + ' ' + v.nodes.map(n => n.target).join(' '))"
    return list(await page.evaluate(f"{_axe()}; axe.run({{runOnly: {RULES}}}).then({told})"))


@pytest.mark.parametrize(
    ("width", "scheme", "preference"),
    [(1280, "light", ""), (360, "light", "lang=en"), (390, "dark", "mode=elder")],
    ids=["wide", "narrow-english", "dark-large"],
)
async def test_every_page_can_be_used_by_everybody(portal: Portal, width: int, scheme: str, preference: str) -> None:
    context = await portal.person(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page = await context.new_page()
    trouble = trouble_of(page)
    await page.goto(f"{portal.origin}/?{preference}")
    wrong = {}
    for path in PAGES:
        await page.goto(portal.origin + path)
        assert await page.locator("h1").count() == 1, path
        wide = await page.evaluate("document.documentElement.scrollWidth - innerWidth")
        found = await violations(page) + ([f"wider than the screen by {wide}"] if wide > 0 else [])
        if found:
            wrong[path] = found
    assert not wrong
    assert not trouble


async def test_a_page_with_errors_starts_at_its_summary(portal: Portal) -> None:
    errors = [{"field": "answers.name", "reason": "required", "detail": ""}]
    portal.world.services.on("cases", "PUT", ".*", lambda _: problem(422, "invalid", errors=errors, version=5))
    page = await (await portal.person()).new_page()
    await page.goto(f"{portal.origin}/apply/{DRAFT}/pages/who")
    await page.fill("#f-name", "")
    await page.locator("main form .btn").first.click()
    await expect(page.locator(".alert")).to_be_focused()
    await page.click(".alert a")
    await expect(page.locator("#f-name")).to_be_focused()
    assert not await violations(page)


async def test_a_case_page_follows_its_case_without_a_reload(portal: Portal) -> None:
    page = await (await portal.person()).new_page()
    trouble = trouble_of(page)
    await page.goto(f"{portal.origin}/cases/{CASE}")
    await page.evaluate("window.here = true")
    accepted = case(status="accepted", version=3, due=due())
    for _ in range(50):
        if portal.site.hub._watchers:
            break
        await asyncio.sleep(0.1)
    portal.world.services.on("cases", "GET", f"/cases/{CASE}", accepted)
    portal.site.hub.tell(CASE, 3)
    await page.wait_for_selector("[data-version='3']")
    assert await page.locator("#state").inner_text() == "受理了，正在审查"
    assert await page.locator("main").count() == 1, "only the part that lives is swapped"
    said = page.locator("[role=status][data-said]")
    assert await said.inner_text() == "受理了，正在审查", "said where a live region was before"
    assert await page.evaluate("window.here")
    assert not await violations(page)
    assert not trouble


async def test_everything_works_without_a_script(portal: Portal) -> None:
    context = await portal.person(java_script_enabled=False)
    page = await context.new_page()
    portal.world.services.on("cases", "PUT", ".*", draft(version=5, answers={"kind": "person", "name": "林"}))
    await page.goto(f"{portal.origin}/apply/{DRAFT}/pages/who")
    await page.check("input[name=kind][value=person]")
    await page.fill("#f-name", "林")
    await page.locator("main form .btn").first.click()
    await expect(page).to_have_url(re.compile("/pages/stay$"))
    portal.world.services.on("cases", "POST", ".*/materials/photo", {"file_id": "f" * 32})
    portal.world.services.on("cases", "GET", f"/drafts/{DRAFT}", draft())
    await page.goto(f"{portal.origin}/apply/{DRAFT}/materials")
    await page.set_input_files("#f-photo", {"name": "照片.png", "mimeType": "image/png", "buffer": b"\x89PNG" * 90_000})
    async with page.expect_navigation():
        await page.click(".up button")
    call = portal.world.services.made("cases", "POST", ".*/materials/photo")[0]
    assert call.body == b"\x89PNG" * 90_000
    await page.goto(f"{portal.origin}/cases/{CASE}")
    assert await page.locator("[data-print]").is_hidden(), "what needs a script is not offered"


@pytest.mark.parametrize("portal", [{"idle_seconds": 30, "warning_seconds": 25}], indirect=True)
async def test_the_end_of_a_session_is_warned_of_and_can_be_moved(portal: Portal) -> None:
    page = await (await portal.person()).new_page()
    await page.goto(f"{portal.origin}/account")
    warning = page.locator("#session")
    assert await warning.is_hidden()
    await warning.wait_for(state="visible", timeout=15_000)
    assert re.search(r"\d+ 秒后自动退出", await warning.inner_text())
    assert not await violations(page)
    await warning.locator("button").click()
    await warning.wait_for(state="hidden", timeout=5_000)


@pytest.mark.parametrize("portal", [{"idle_seconds": 60, "absolute_seconds": 60, "warning_seconds": 58}], indirect=True)
async def test_the_longest_time_takes_no_typed_text_along(portal: Portal) -> None:
    """It cannot be moved, so the page says so, and hands what was typed to the server before it leaves."""
    page = await (await portal.person()).new_page()
    await page.route(f"{ISSUER}/**", lambda route: route.abort())
    await page.goto(f"{portal.origin}/apply/{DRAFT}/pages/who")
    warning = page.locator("#session")
    await warning.wait_for(state="visible", timeout=15_000)
    await page.fill("#f-name", "打到一半")
    assert "登录满了最长时间" in await warning.inner_text()
    assert await warning.locator("button").is_hidden()
    await page.route("**/session", lambda route: route.fulfill(status=503))
    async with page.expect_response("**/session"):
        pass
    assert await page.input_value("#f-name") == "打到一半", "a busy server is no reason to give it up"
    await page.unroute("**/session")
    async with page.expect_request(lambda request: request.method == "POST" and "/pages/who" in request.url) as sent:
        portal.clock.ahead = timedelta(minutes=2)
    request = await sent.value
    assert request.post_data is not None
    assert "hold=1" in request.post_data
    answer = await request.response()
    assert answer is not None
    assert "held%3D" in answer.headers["location"]


@pytest.mark.parametrize(
    "portal", [{"surface": "kiosk", "kiosk_idle_seconds": 16, "kiosk_warning_seconds": 5}], indirect=True
)
async def test_the_kiosk_leaves_when_the_server_says_and_not_when_it_thinks(portal: Portal) -> None:
    """A touch that the server did not hear of keeps nobody signed in: the next person would be met by the last one."""
    page = await (await portal.person()).new_page()
    await page.route("**/session", lambda route: route.abort())
    await page.goto(f"{portal.origin}/drafts")
    gone = asyncio.ensure_future(page.wait_for_event("request", lambda request: request.url.endswith("/wiped")))
    while not gone.done():
        await page.mouse.click(5, 5)
        await asyncio.sleep(0.3)
    assert (await gone).is_navigation_request()


async def test_a_first_visit_weighs_little(portal: Portal) -> None:
    for path in ("/", "/items/510123002000", "/api/"):
        context = await portal.browser.new_context(locale="zh-CN")
        page = await context.new_page()
        wire = await context.new_cdp_session(page)
        sizes: list[float] = []
        await wire.send("Network.enable")
        wire.on("Network.loadingFinished", lambda event, sizes=sizes: sizes.append(event["encodedDataLength"]))
        await page.goto(portal.origin + path, wait_until="networkidle")
        assert 5_000 < sum(sizes) <= FIRST_VISIT_BYTES
