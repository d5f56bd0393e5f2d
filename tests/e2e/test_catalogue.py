"""An item from its first draft to the citizen's guide page: refused, mended, approved by another officer."""

import re

from playwright.async_api import Page, expect

from tests.e2e import ways
from tests.e2e.conftest import NewWindow
from tests.e2e.looks import Looks
from tests.harness.platform import Platform

NAME = "共享单车停放点设置"
LAW = "城市道路管理条例"


async def test_an_item_goes_from_a_draft_to_the_guide_page(
    platform: Platform, new_window: NewWindow, look: Looks
) -> None:
    # The editor without scripts: the form's rows come and go all the same.
    editor, reviewer = await new_window(java_script_enabled=False), await new_window()
    await ways.sign_in_at_desk(editor, platform, "editor")
    await editor.goto(f"{platform.url('desk')}/catalogue/new")
    await editor.get_by_label("种类").select_option(label="基本目录")
    await begin(editor, {"部门类别": "18", "名称": NAME}, "区里要统一停放点")
    await editor.get_by_role("button", name="加一条 材料").click()
    await expect(editor).to_have_url(re.compile("#materials.0$"))
    row = editor.locator("[id='materials.0']")
    await row.get_by_label("材料名称", exact=True).fill("停放点平面图")
    await row.get_by_label("谁出").select_option(label="申请人自己写")
    await press(editor, "存草稿")

    found = editor.locator("[id='materials.0'] .finding")
    await expect(found).to_contain_text("没有写依据")
    assert await row.get_by_label("材料名称", exact=True).input_value() == "停放点平面图"
    await row.get_by_label("法律法规").fill(LAW)
    await row.get_by_label("第几条").fill("第十二条")
    await press(editor, "存草稿")
    await expect(editor.locator(".finding")).to_have_count(0)
    await hand_in(editor)
    base = await approve(reviewer, platform)

    await editor.goto(f"{platform.url('desk')}/catalogue/new")
    await editor.get_by_label("种类").select_option(label="实施清单")
    await begin(editor, {"所属事项的编码": base}, "照基本目录写实施清单")
    await editor.get_by_label("法定时限", exact=True).fill("10")
    await editor.get_by_label("承诺时限", exact=True).fill("12")
    await press(editor, "存草稿")
    control = editor.locator(".ctl", has=editor.get_by_label("承诺时限", exact=True))
    await expect(control.locator(".finding")).to_contain_text("承诺")
    await editor.get_by_label("承诺时限", exact=True).fill("5")
    await press(editor, "存草稿")
    await expect(editor.locator(".finding")).to_have_count(0)
    await hand_in(editor)
    await approve(reviewer, platform, look)

    await ways.open_guide(reviewer, platform, NAME)
    await expect(reviewer.locator("main")).to_contain_text("停放点平面图")
    await expect(reviewer.locator("main")).to_contain_text("承诺")


async def begin(page: Page, told: dict[str, str], reason: str) -> None:
    """Fill the form of a new item and go on to its editor."""
    await page.get_by_label("机构", exact=True).select_option(label="示例区公安分局")
    for label, text in told.items():
        await page.get_by_label(re.compile(f"^{label}")).fill(text)
    if "部门类别" in told:
        await page.get_by_label("事项类型").select_option(label="其他行政权力")
        await page.get_by_label("企业和组织").check()
    await page.get_by_label("为什么要有这个事项").fill(reason)
    await press(page, "起草")
    await expect(page).to_have_url(re.compile("/catalogue/revisions/[0-9a-f]{32}"))


async def press(page: Page, button: str) -> None:
    """Press a button of a form and wait for the page that comes of it."""
    async with page.expect_navigation():
        await page.get_by_role("button", name=button, exact=True).click()


async def hand_in(page: Page) -> None:
    """From the editor to the reviewer."""
    await press(page, "存好，去送审")
    await page.get_by_label("改了什么，为什么").fill("写好了，请审")
    await press(page, "送审")
    await expect(page.locator("p.just")).to_contain_text("送审了")


async def approve(page: Page, platform: Platform, look: Looks | None = None) -> str:
    """Approve what waits of this name, as another officer; its code."""
    await page.goto(f"{platform.url('desk')}/catalogue?show=review")
    if not page.url.startswith(platform.url("desk")):
        await ways.sign_in(page, platform, "reviewer")
    await page.get_by_role("link").filter(has_text=NAME).first.click()
    code = await page.locator(".dots span").nth(1).inner_text()
    if look is not None:
        await look(page, "review")
    await page.get_by_label("审核意见").fill("可以")
    await press(page, "审核通过")
    await expect(page.locator("p.just")).to_contain_text("审核通过")
    return code
