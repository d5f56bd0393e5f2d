"""Step 4: the draft goes on at the kiosk without a password; signing out anywhere ends both; an idle kiosk wipes."""

import asyncio

import pytest
from playwright.async_api import Page, expect

from tests.e2e import ways
from tests.e2e.conftest import NewWindow
from tests.e2e.looks import Looks
from tests.harness.platform import Platform

TOUCH = 88
"""Pixels that a finger needs on a kiosk of 1080 x 1920 (interface.md)."""


async def test_a_draft_goes_on_at_the_kiosk_without_a_password(
    platform: Platform, new_window: NewWindow, look: Looks
) -> None:
    kiosk = platform.url("kiosk")
    page = await new_window()
    draft = await ways.begin(page, platform, "lin", ways.RESIDENCE.name)
    await ways.answer(page, ways.RESIDENCE.pages[0])
    await ways.save(page)
    await ways.answer(page, ways.RESIDENCE.pages[1])
    await ways.save(page)
    await expect(page.get_by_role("heading", level=1)).to_have_text("您凭什么办")

    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "/authorize?" in request.url else None)
    await page.set_viewport_size({"width": 1080, "height": 1920})
    await page.goto(kiosk)
    await look(page, "kiosk-home")
    await look.targets(page, "kiosk-home", TOUCH)
    await page.get_by_role("navigation", name="要办的事").get_by_role("link", name="接着办").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("接着办")
    assert len(asked) == 1
    assert "prompt=none" in asked[0]
    assert "client_id=kiosk" in asked[0]
    await look(page, "kiosk-drafts")
    await look.targets(page, "kiosk-drafts", TOUCH)
    await page.locator(f"a[href='/apply/{draft}']").click()

    # It opens where it stopped, and what was typed is there.
    await expect(page.get_by_role("heading", level=1)).to_have_text("您凭什么办")
    await look(page, "kiosk-form")
    await look.targets(page, "kiosk-form", TOUCH)
    await ways.answer(page, ways.RESIDENCE.pages[2])
    await ways.save(page)
    for material, file in ways.RESIDENCE.materials.items():
        await ways.upload(page, material, file)
    await page.get_by_role("link", name="下一步", exact=True).click()
    await look.targets(page, "kiosk-check", TOUCH)
    for text in ("林晓梅", "13800000000", "幸福街道 12 号 3 单元 501", "2025年3月1日"):
        await expect(page.locator("main")).to_contain_text(text)
    case = await ways.submit(page)
    await look(page, "kiosk-submitted")
    await look.targets(page, "kiosk-submitted", TOUCH)

    # The case knows where it was handed in; signing out here ends the portal's session too.
    await page.goto(f"{platform.url('portal')}/cases/{case}")
    await expect(page.locator(".trail")).to_contain_text("自助机")
    await page.goto(kiosk)
    await page.get_by_role("button", name="结束并清除").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("清除好了")
    await look(page, "kiosk-signed-out")
    await signed_out(page, platform)


async def test_signing_out_at_the_portal_ends_the_kiosk(platform: Platform, new_window: NewWindow) -> None:
    page = await new_window()
    await page.goto(f"{platform.url('portal')}/cases")
    await ways.sign_in(page, platform, "zhang")
    await expect(page.get_by_role("heading", level=1)).to_have_text("我的办件")
    await page.goto(f"{platform.url('kiosk')}/drafts")
    await expect(page.get_by_role("heading", level=1)).to_have_text("接着办")
    await page.goto(f"{platform.url('portal')}/account")
    await page.get_by_role("button", name="退出", exact=True).click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("已退出")
    await signed_out(page, platform)


async def signed_out(page: Page, platform: Platform) -> None:
    """Nobody is signed in any more at the portal, the kiosk and the identity service.

    The other surface hears of it by a logout token of its own, sent in the background: it may take a moment.
    """
    for surface, path in (("kiosk", "/drafts"), ("portal", "/cases")):
        async with asyncio.timeout(30):
            await page.goto(platform.url(surface) + path)
            while not page.url.startswith(platform.url("identity")):
                await asyncio.sleep(0.3)
                await page.goto(platform.url(surface) + path)
        await expect(page.locator("[name=password]")).to_be_visible()


# The times are the server's own: on one database only, for it takes its minute.
@pytest.mark.parametrize("platform", ["sqlite"], indirect=True)
async def test_an_idle_kiosk_warns_and_wipes(platform: Platform, new_window: NewWindow, look: Looks) -> None:
    page = await new_window()
    kiosk = platform.url("kiosk")
    await page.goto(f"{kiosk}/drafts")
    await ways.sign_in(page, platform, "zhang")
    await expect(page.get_by_role("heading", level=1)).to_have_text("接着办")
    await page.evaluate("() => { sessionStorage.left = 'behind'; }")
    await expect(page.locator("#session")).to_be_visible(timeout=90_000)
    await look(page, "kiosk-warning")
    await expect(page.get_by_role("heading", level=1)).to_have_text("清除好了", timeout=90_000)
    assert await page.evaluate("() => sessionStorage.length") == 0
    assert not [each for each in await page.context.cookies(kiosk) if each["name"].startswith("__Host-tb-kiosk")]
    await signed_out(page, platform)
