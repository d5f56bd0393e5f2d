"""Steps 1 to 3: search, guide, sign-in, form, materials, check, confirmation."""

import re

from playwright.async_api import expect

from tests.e2e import ways
from tests.e2e.conftest import NewWindow
from tests.e2e.looks import Looks
from tests.harness.platform import Platform


async def test_from_search_to_confirmation(platform: Platform, new_window: NewWindow, look: Looks) -> None:
    page = await new_window()
    heading = page.get_by_role("heading", level=1)

    # 1. Search with its filters, read the guide.
    await page.goto(platform.url("portal"))
    await look(page, "home")
    await page.get_by_label("搜索办事事项").fill("居住证")
    await page.get_by_label("为自己办").check()
    await page.get_by_role("button", name="搜索").click()
    found = page.locator("#results a.item")
    await expect(found.filter(has_text="居住证办理")).to_have_count(1)
    await look(page, "results")
    await page.get_by_label("为企业办").check()
    await page.get_by_role("button", name="搜索").click()
    await expect(page.locator("#results")).to_contain_text("没有找到“居住证”")
    await look(page, "nothing-found")
    await page.get_by_label("搜索办事事项").fill("")
    await page.get_by_label("都找").check()
    department = page.get_by_label("部门")
    await department.select_option(await department.locator("option", has_text="示例区公安分局").get_attribute("value"))
    await page.get_by_role("button", name="搜索").click()
    await expect(page).to_have_url(re.compile("organisation=."))
    await expect(page.locator("#results")).to_contain_text("犬类准养登记")
    await found.filter(has_text="居住证办理").click()
    await expect(heading).to_have_text("居住证办理")
    await look(page, "guide")

    # 2. Sign in once and come back: the browser holds a cookie with a secret, no token.
    await page.get_by_role("link", name="办理", exact=True).click()
    await expect(heading).to_have_text("登录")
    await look(page, "sign-in")
    await ways.sign_in(page, platform, "lin")
    await expect(heading).to_have_text("居住证办理")
    await look(page, "start")
    cookies = {each["name"]: each for each in await page.context.cookies(platform.url("portal"))}
    session = next(each for name, each in cookies.items() if name.startswith("__Host-") and "portal" in name)
    assert session["httpOnly"]
    assert session["secure"]
    assert len(session["value"]) < 64
    kept = await page.evaluate("() => JSON.stringify([localStorage, sessionStorage, document.cookie])")
    for text in [kept, await page.content(), *(each["value"] for each in cookies.values())]:
        assert not re.search(r"eyJ[\w-]+\.[\w-]+\.", text), "a token reached the browser"

    # 3. The form, one thing a page, saved at each step; materials; the check; the confirmation.
    await page.get_by_role("button", name=re.compile("^(开始填|另填一份)$")).click()
    draft = await ways.draft_id(page)
    for number, answers in enumerate(ways.RESIDENCE.pages, 1):
        await look(page, f"form-{number}")
        await ways.answer(page, answers)
        await ways.save(page)
    await expect(heading).to_have_text("材料")
    await look(page, "materials")
    for material, file in ways.RESIDENCE.materials.items():
        await ways.upload(page, material, file)
    await look(page, "materials-there")
    await page.get_by_role("link", name="下一步", exact=True).click()
    await expect(heading).to_have_text("核对一遍再交")
    for text in ("林晓梅", "13800000000", "幸福街道 12 号 3 单元 501", "在这里工作", "寄给我", "照片.png"):
        await expect(page.locator("main")).to_contain_text(text)
    await look(page, "check")
    other_tab = await page.context.new_page()
    await other_tab.goto(f"{platform.url('portal')}/cases")
    rows = other_tab.locator("section[aria-labelledby=cases] li")
    before = await rows.count()
    await page.bring_to_front()
    await page.get_by_role("button", name="确认，交上去").dblclick()
    await expect(heading).to_have_text("交上去了")
    await look(page, "submitted")
    case_number = await page.locator("b.code").inner_text()
    await expect(page.locator("main")).to_contain_text("最晚")
    await expect(page.get_by_role("heading", name="接下来")).to_be_visible()

    # A refresh, the way back and another try make no second case.
    await page.reload()
    await expect(page.locator("b.code")).to_have_text(case_number)
    await page.goto(f"{platform.url('portal')}/apply/{draft}/check")
    await expect(page.locator("b.code")).to_have_text(case_number)
    await other_tab.reload()
    await expect(rows).to_have_count(before + 1)
    await look(other_tab, "cases")
