"""Finding an item in a real browser: pages for everybody, typing help by keyboard, filters that move the list alone."""

import re
from urllib.parse import urlsplit

from playwright.async_api import Page, expect

from tests.gateway.portal_parts import BUNDLE, CODE, fill_catalogue
from tests.gateway.test_browser import Portal, portal, trouble_of, violations

__all__ = ["portal"]

PAGES = (
    "/",
    "/items?q=居住&free=true&topic=residence",
    "/items?q=没有的",
    f"/items/{CODE}",
    f"/items/{CODE}?version=2",
    f"/items/{CODE}/print",
    f"/items/{CODE}/versions",
    f"/items/{CODE}/eligibility",
    "/topics",
    "/topics/residence",
    f"/bundles/{BUNDLE}",
)


SHAPES = ("/items?q=居住&free=true&topic=residence", f"/items/{CODE} ", "errors", "bundle answered")
"""Pages of every shape: these are looked at closely in each way of showing them, all of them in the first."""


async def check(page: Page, name: str, wrong: dict[str, list[str]]) -> None:
    assert await page.locator("h1").count() == 1, name
    wide = await page.evaluate("document.documentElement.scrollWidth - innerWidth")
    found = [f"wider than the screen by {wide}"] if wide > 0 else []
    if name.endswith("1280") or name.startswith(SHAPES):
        found += await violations(page)
    if found:
        wrong[name] = found


async def test_every_way_to_an_item_can_be_used_by_everybody(portal: Portal) -> None:
    fill_catalogue(portal.world)
    wrong: dict[str, list[str]] = {}
    for width, scheme, preference in ((1280, "light", ""), (360, "light", "lang=en"), (390, "dark", "mode=elder")):
        context = await portal.browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme=scheme, locale="zh-CN"
        )
        page = await context.new_page()
        trouble = trouble_of(page)
        await page.goto(f"{portal.origin}/?{preference}")
        for path in PAGES:
            await page.goto(portal.origin + path)
            await check(page, f"{path}  at {width}", wrong)
        await page.goto(f"{portal.origin}/items/{CODE}/eligibility")
        await page.fill("#f-months", "很久")
        async with page.expect_navigation():
            await page.click("main form .btn")
        await expect(page.locator(".alert")).to_be_focused()
        await check(page, f"errors at {width}", wrong)
        await page.fill("#f-months", "8")
        async with page.expect_navigation():
            await page.click("main form .btn")
        await check(page, f"outcome at {width}", wrong)
        assert urlsplit(page.url).path.endswith("/eligibility") and not urlsplit(page.url).query
        await page.goto(f"{portal.origin}/bundles/{BUNDLE}")
        async with page.expect_navigation():
            await page.click("main form .btn")
        await check(page, f"bundle answered at {width}", wrong)
        assert not trouble
        await context.close()
    assert not wrong


async def test_search_helps_and_filters_without_a_new_page(portal: Portal) -> None:
    fill_catalogue(portal.world)
    page = await (await portal.browser.new_context(locale="zh-CN")).new_page()
    trouble = trouble_of(page)
    await page.goto(f"{portal.origin}/items")
    field = page.locator("#q")
    assert await field.get_attribute("role") == "combobox"
    await field.press_sequentially("居住")
    await page.wait_for_selector("[role=option]")
    assert await field.get_attribute("aria-expanded") == "true"
    await expect(page.locator("form [role=status]")).to_have_text("有 2 个建议，按上下键选")
    await field.press("ArrowUp")
    assert await page.locator("[aria-selected=true]").inner_text() == "居住", "from the field to the last"
    assert await field.get_attribute("aria-activedescendant") == "suggestion-1"
    await field.press("ArrowDown")
    assert await field.get_attribute("aria-activedescendant") is None, "out of the list again"
    await field.press("ArrowDown")
    assert not await violations(page)
    await field.press("Escape")
    assert await page.locator("[role=listbox]").is_hidden()
    assert await field.input_value() == "居住", "the first Escape closes the list alone"
    await field.press("ArrowDown")
    await page.wait_for_selector("[role=option]")
    await field.press("ArrowDown")
    async with page.expect_navigation():
        await field.press("Enter")
    assert page.url.endswith(f"/items/{CODE}")

    await page.goto(f"{portal.origin}/items?q=居住")
    await page.evaluate("window.here = true")
    await page.check("#by-free")
    await page.wait_for_url("**/items?q=*&free=true")
    await page.select_option("#by-topic", "residence")
    await page.wait_for_url("**&topic=residence&free=true")
    assert await page.evaluate("window.here"), "the page stayed"
    await expect(page.locator("#by-topic:focus, #by-free:focus")).to_have_count(1)  # and so did the place in it
    await expect(page.locator("[data-heard]")).to_have_text("找到 10,000+ 项")
    assert "topic=residence" in str(await page.locator(".menu a[hreflang=en]").get_attribute("href"))
    assert not await violations(page)
    assert not trouble
    await page.reload()
    assert await page.is_checked("#by-free")

    portal.world.services.away.add("catalog")
    async with page.expect_navigation():
        await page.uncheck("#by-free")
    assert await page.locator("main h1").inner_text() == "系统有一处没有回应", "an error is a page, not a list"
    assert "topic=residence" in page.url


async def test_search_and_filters_without_a_script(portal: Portal) -> None:
    fill_catalogue(portal.world)
    page = await (await portal.browser.new_context(locale="zh-CN", java_script_enabled=False)).new_page()
    await page.goto(f"{portal.origin}/items?q=居住")
    assert await page.locator("#q").get_attribute("role") is None
    await page.check("#by-free")
    await page.click(".narrow button")
    await expect(page).to_have_url(re.compile("free=true"))
    await page.click(".applied a")
    await expect(page).not_to_have_url(re.compile("free"))
