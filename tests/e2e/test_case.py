"""Steps 5 to 7: the desk beside the citizen, the live case page, the inbox, who looked, the department's webhooks."""

import re
from pathlib import Path

from playwright.async_api import Page, expect

from tests.e2e import ways
from tests.e2e.conftest import Grant, NewWindow
from tests.e2e.departments import Listener, confirm, subscribe
from tests.e2e.looks import Looks
from tests.harness.platform import Platform


async def test_from_intake_to_result(
    platform: Platform, new_window: NewWindow, look: Looks, grant: Grant, tmp_path: Path
) -> None:
    desk = platform.url("desk")
    everything, decisions = Listener(platform, tmp_path / "all"), Listener(platform, tmp_path / "some")
    officer = await new_window()
    citizen = await new_window()
    clerk = await citizen.context.new_page()

    # 7. A department's developer: a subscription to everything, another to two events, each with its receiver.
    await ways.sign_in_at_desk(officer, platform, "officer")
    secret = await subscribe(officer, desk, everything.url)
    await look(officer, "secret")
    await everything.start(secret)
    await confirm(officer)
    await look(officer, "subscription")
    secret = await subscribe(officer, desk, decisions.url, types=("作出决定", "送达"))
    await decisions.start(secret)
    await confirm(officer)
    await officer.goto(f"{desk}/subscriptions")
    await look(officer, "subscriptions")

    # The citizen's case page, which stays open; 5. beside it in the same browser the clerk, in the staff realm.
    case = await ways.apply(citizen, platform, "lin", ways.RESIDENCE)
    number = await citizen.locator("b.code").inner_text()
    await citizen.goto(f"{platform.url('portal')}/cases/{case}")
    await citizen.evaluate("() => { window.neverReloaded = true; }")
    await live(citizen, "交上去了，等受理")
    await look(citizen, "case-submitted")
    # Who takes in here may decide too: but not the same case.
    grant("clerk", "decide", "*")
    await ways.sign_in_at_desk(clerk, platform, "clerk")
    await clerk.goto(desk)
    await expect(clerk.get_by_role("heading", level=1)).to_contain_text("待受理")
    await look(clerk, "desk-intake")
    await ways.open_at_desk(clerk, platform, "待受理", number)
    await look(clerk, "desk-case")
    for text in ("林晓梅", "幸福街道 12 号 3 单元 501", "照片.png", "租房合同.pdf"):
        await expect(clerk.locator("main")).to_contain_text(text)
    photo = clerk.locator(".mats li").filter(has_text="照片.png").get_by_role("link")
    async with clerk.context.expect_page() as opening:
        await photo.click()
    await (await opening.value).close()
    await ways.act(clerk, "受理", "已受理")
    await live(citizen, "受理了，正在审查")
    await look(citizen, "case-accepted")

    # Another officer reviews; the one who took it in cannot decide; the other decides.
    await ways.open_at_desk(officer, platform, "待审查", number)
    await officer.get_by_label("建议批准", exact=True).check()
    await officer.get_by_label("给决定人的话").fill("材料齐全")
    await ways.act(officer, "记下审查意见", "审查意见已记下")
    await live(citizen, "审查完了，等决定")
    await refused_to_the_same_person(clerk, desk, case, number, look)
    await look(officer, "desk-decision")
    await officer.get_by_label("批准", exact=True).check()
    await ways.act(officer, "作出决定", "决定已作出")
    await live(citizen, "批准了")
    await look(citizen, "case-decided")
    await ways.open_at_desk(clerk, platform, "待送达", number)
    await ways.act(clerk, "送达", "结果已送达")
    await look(clerk, "desk-delivered")

    # 6. The citizen's page has followed by itself, and the result opens.
    await expect(citizen.get_by_role("link", name="打开结果")).to_be_visible()
    await look(citizen, "case-delivered")
    assert await citizen.evaluate("() => window.neverReloaded === true"), "the page was reloaded"
    for title in ("您交了申请", "正式受理", "审查完毕", "作出决定", "结果送达"):
        await expect(citizen.locator(".trail")).to_contain_text(title)
    await expect(citizen.locator("main")).not_to_contain_text("材料齐全")
    async with citizen.context.expect_page() as opening:
        await citizen.get_by_role("link", name="打开结果").click()
    result = await opening.value
    await expect(result.locator("dl")).to_contain_text("准予")
    await expect(result.locator("dl")).to_contain_text("林晓梅")
    sealed = await new_window()
    # The document runs no script, not even axe: the same text is looked at beside it.
    await sealed.set_content(await result.content())
    await look(sealed, "result")
    await result.close()

    await who_looked(citizen, platform, case, look)
    await inbox(citizen, platform, look)

    # 7. Each subscription has what it asked for, signed, in order.
    await everything.heard(case, ["submitted", "accepted", "reviewed", "decided", "delivered"])
    await decisions.heard(case, ["decided", "delivered"])
    everything.stop()
    decisions.stop()


async def live(page: Page, headline: str) -> None:
    """The open case page says so, by itself, and is still one page."""
    await expect(page.locator("#state")).to_have_text(headline)
    await expect(page.locator("main")).to_have_count(1)


async def refused_to_the_same_person(page: Page, desk: str, case: str, number: str, look: Looks) -> None:
    """接办分离: the desk offers no decision to who took the case in, and the service refuses it."""
    await page.goto(f"{desk}/cases/{case}?purpose=decision")
    await expect(page.locator("main")).to_contain_text("接办分离：这件由您受理，不能由您决定")
    await expect(page.get_by_role("button", name="作出决定")).to_have_count(0)
    await look(page, "desk-separation")
    token = await page.locator("[name=_token]").first.input_value()
    forged: dict[str, str | float | bool] = {
        "_token": token,
        "version": "3",
        "key": "forged",
        "outcome": "granted",
        "reason": "",
        "owner": "",
    }
    answer = await page.request.post(f"{desk}/cases/{case}/decision", form=forged, headers={"origin": desk})
    assert answer.status == 409
    assert "接办分离" in await answer.text()


async def who_looked(page: Page, platform: Platform, case: str, look: Looks) -> None:
    """Which official opened the case, what, when and why."""
    await page.goto(f"{platform.url('portal')}/cases/{case}/accesses")
    for who, what, why in (("李敏", "材料", "受理"), ("王科", "申请内容", "审查"), ("李敏", "申请内容", "送达")):
        entry = page.locator("main li").filter(has_text=who).filter(has_text=what).filter(has_text=why)
        await expect(entry.first).to_contain_text(re.compile(r"\d\d:\d\d"))
    await look(page, "accesses")


async def inbox(page: Page, platform: Platform, look: Looks) -> None:
    """A message for every step, in Chinese or in English as preferred."""
    portal = platform.url("portal")
    await page.goto(f"{portal}/inbox")
    messages = page.locator("main ul.mats li")
    await ways.reload_until(page, messages.filter(has_text="居住证办理的结果可以看了"))
    for number, title in enumerate(("的结果可以看了", "批准了", "审查完了", "受理了", "交上了")):
        await expect(messages.nth(number)).to_contain_text(f"居住证办理{title}")
    await look(page, "inbox")
    await messages.first.get_by_role("link").click()
    await expect(page.get_by_role("link", name="看这件事")).to_be_visible()
    await look(page, "message")
    await page.goto(f"{portal}/account")
    await page.get_by_label("English").check()
    await page.get_by_role("button", name="存好").click()
    await page.goto(f"{portal}/inbox")
    for number in range(5):
        await expect(messages.nth(number)).to_contain_text("Residence permit")
    await look(page, "inbox-english")
    await page.goto(f"{portal}/account")
    await page.get_by_label("中文").check()
    await page.locator("form[action='/account'] button").click()
    await expect(page.get_by_role("status").first).to_have_text("已存好。")
