"""The catalogue's pages at the desk in a real browser: nothing for axe, no sideways scrolling, no script needed."""

import base64
import json
import re
from datetime import timedelta
from typing import Any

import pytest
from playwright.async_api import BrowserContext, expect

from services.gateway.domain.sessions import AccessToken
from services.gateway.provider import Granted, Identity
from services.kit.clock import utc_now
from tests.gateway import catalogue_parts as parts
from tests.gateway.catalogue_parts import BEHIND, HERE, THERE
from tests.gateway.desk_parts import QUEUES, granting
from tests.gateway.test_browser import Portal, portal, trouble_of, violations
from tests.gateway.world import SUBJECT

__all__ = ["portal"]


async def officer_of(desk: Portal, **options: Any) -> BrowserContext:
    """A browser at the desk with an officer of every role at the catalogue."""
    granting(desk.world, parts.EVERY_ROLE)
    parts.fill(desk.world)
    desk.world.services.on("cases", "GET", "/desk/queues", QUEUES)
    context = await desk.browser.new_context(**({"locale": "zh-CN"} | options))
    claims = base64.urlsafe_b64encode(json.dumps({"grants": parts.EVERY_ROLE}).encode()).decode().rstrip("=")
    access = AccessToken(f"e30.{claims}.signed", utc_now() + timedelta(hours=1))
    granted = Granted(access, "refresh-0", "id")
    secret, _ = await desk.site.sessions.begin(Identity(SUBJECT, "林晓梅", "sid-1"), granted, "urn:tongban:cases")
    desk.world.provider.refresh_tokens.add("refresh-0")
    cookie = {"name": desk.site.cookie, "value": secret, "url": desk.origin.replace("http:", "https:")}
    await context.add_cookies([cookie | {"secure": True, "httpOnly": True}])  # type: ignore[list-item]
    return context


@pytest.mark.parametrize("portal", [{"surface": "desk"}], indirect=True)
async def test_the_catalogue_can_be_kept_by_everybody(portal: Portal) -> None:
    """The densest pages, wide in Chinese and narrow in English; the form's rows without a script."""
    context = await officer_of(portal, viewport={"width": 390, "height": 900}, java_script_enabled=False)
    finding = parts.finding(field="limits.promised")
    portal.world.services.on("catalog", "GET", BEHIND, parts.revision(findings=[parts.finding(), finding]))
    page = await context.new_page()
    await page.goto(portal.origin + HERE)
    await page.locator("[id='f-name.zh']").fill("打到一半")
    await page.get_by_role("button", name="加一条 材料").click()
    await expect(page).to_have_url(re.compile("#materials\\.1$"))
    await expect(page.locator("[id='materials.1']").get_by_label("材料名称", exact=True)).to_be_visible()
    await expect(page.locator("[id='f-name.zh']")).to_have_value("打到一半")

    context = await officer_of(portal, viewport={"width": 1280, "height": 900})
    page = await context.new_page()
    trouble = trouble_of(page)
    wrong = {}
    wide_ones, narrow_ones = (
        (HERE, "/catalogue?show=review", "/catalogue/coverage"),
        (HERE, THERE, "/catalogue/appeals"),
    )
    for width, language, paths in ((1280, "zh-CN", wide_ones), (390, "en", narrow_ones)):
        await page.set_viewport_size({"width": width, "height": 900})
        await page.goto(f"{portal.origin}/catalogue?lang={language}")
        for path in paths:
            await page.goto(portal.origin + path)
            wide = await page.evaluate("document.documentElement.scrollWidth - innerWidth")
            found = await violations(page) + ([f"wider than the screen by {wide}"] if wide > 0 else [])
            if found:
                wrong[path, width] = found
    assert not wrong
    assert not trouble
