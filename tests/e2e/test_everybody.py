"""The citizen's way for everybody: without scripts, by keyboard only, in English."""

import re

from playwright.async_api import Locator, Page, expect

from tests.e2e import ways
from tests.e2e.conftest import NewWindow
from tests.e2e.looks import Looks
from tests.harness.platform import Platform


async def test_without_scripts(platform: Platform, new_window: NewWindow) -> None:
    page, clerk = await new_window(java_script_enabled=False), await new_window(java_script_enabled=False)
    case = await ways.apply(page, platform, "lin", ways.RESIDENCE)
    number = await page.locator("b.code").inner_text()
    await page.goto(f"{platform.url('portal')}/cases/{case}")
    await expect(page.locator("#state")).to_have_text("交上去了，等受理")
    await accept_by_keys(clerk, platform, number)
    await page.reload()
    await expect(page.locator("#state")).to_have_text("受理了，正在审查")
    await page.goto(f"{platform.url('portal')}/cases/{case}/withdrawal")
    await page.get_by_role("button", name="撤回", exact=True).click()
    await expect(page.locator("#state")).to_have_text("您撤回了申请")
    await page.goto(f"{platform.url('portal')}/inbox")
    message = page.get_by_role("link", name="居住证办理交上了")
    await ways.reload_until(page, message)
    await message.first.click()
    await expect(page.get_by_role("link", name="看这件事")).to_be_visible()


async def accept_by_keys(page: Page, platform: Platform, number: str) -> None:
    """The desk too, with the keyboard alone: sign in, open the case of this number from its queue, accept it."""
    await page.goto(f"{platform.url('desk')}/queues/intake")
    await reach(page, page.locator("[name=username]"))
    await page.keyboard.insert_text("clerk")
    await page.keyboard.press("Tab")
    await page.keyboard.insert_text(platform.password)
    await page.keyboard.press("Enter")
    await reach(page, page.get_by_label("按编号、姓名找"))
    await page.keyboard.insert_text(number)
    await page.keyboard.press("Enter")
    await press(page, page.get_by_role("link").filter(has_text=number))
    await press(page, page.get_by_role("button", name="受理", exact=True))
    await expect(page.locator("p.just")).to_contain_text("已受理")


async def test_by_keyboard_only(platform: Platform, new_window: NewWindow) -> None:
    page = await new_window()
    await page.goto(platform.url("portal"))
    await page.keyboard.press("Tab")
    await expect(page.locator("a.skip")).to_be_focused()
    await reach(page, page.get_by_label("搜索办事事项"))
    await page.keyboard.insert_text("失业登记")
    await page.keyboard.press("Enter")
    await press(page, page.locator("#results a.item").filter(has_text="失业登记"))
    await press(page, page.get_by_role("link", name="办理", exact=True))
    await reach(page, page.locator("[name=username]"))
    await page.keyboard.insert_text("lin")
    await page.keyboard.press("Tab")
    await page.keyboard.insert_text(platform.password)
    await page.keyboard.press("Enter")
    await press(page, page.get_by_role("button", name=re.compile("开始填|另填一份")))
    await ways.draft_id(page)
    heading = page.get_by_role("heading", level=1)
    for _page in range(10):
        if await heading.text_content() == "核对一遍再交":
            break
        await fill_by_keys(page)
        before = page.url
        await press(page, page.get_by_role("button", name="保存，下一步"))
        await expect(page).not_to_have_url(before)
    await press(page, page.get_by_role("button", name="确认，交上去"))
    await expect(heading).to_have_text("交上去了")


async def fill_by_keys(page: Page) -> None:
    """Answer whatever the page asks: the first of every choice, dates and texts that fit."""
    words = {"tel": "13800000000", "year": "2026", "month": "3", "day": "2", "months": "12", "textarea": "想找一份工作"}
    names: set[str] = set()
    await page.wait_for_load_state()  # what is listed below is not waited for
    for control in await page.locator("main form .in, main form input[type=radio]").all():
        name = await control.get_attribute("name") or ""
        kind = await control.get_attribute("type") or await control.evaluate("e => e.tagName.toLowerCase()")
        if name in names:
            continue
        names.add(name)
        await reach(page, control)
        if kind == "radio":
            await page.keyboard.press("Space")
        elif kind == "select":
            await page.keyboard.press("ArrowDown")
        else:
            await page.keyboard.insert_text(words.get(name.rpartition(".")[2], words.get(kind, "林晓梅")))


async def reach(page: Page, target: Locator) -> None:
    """Tab until the target has the focus, which must be seen."""
    await expect(target).to_be_visible()
    for _press in range(80):
        if await target.evaluate("e => e === document.activeElement"):
            break
        await page.keyboard.press("Tab")
    await expect(target).to_be_focused()
    seen = await target.evaluate(
        "e => [e, e.closest('.search, .choice, label')].some((each) => each && (s => s.outlineStyle !== 'none' || "
        "s.boxShadow !== 'none')(getComputedStyle(each)))"
    )
    assert seen, f"nothing shows the focus of {target}"


async def press(page: Page, target: Locator) -> None:
    """Reach a link or button and press it."""
    await reach(page, target)
    await page.keyboard.press("Enter")


_CHINESE = """() => {
  const found = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const parent = walk.currentNode.parentElement;
    if (/[\\u3000-\\u9fff\\uff00-\\uffef]/.test(walk.currentNode.data) && !parent.closest("[lang^=zh], script, .typed"))
      found.push(walk.currentNode.data.trim());
  }
  for (const each of document.querySelectorAll("[placeholder], [aria-label], [title], [alt]"))
    for (const name of ["placeholder", "aria-label", "title", "alt"])
      if (/[\\u3000-\\u9fff\\uff00-\\uffef]/.test(each.getAttribute(name) ?? "") && !each.closest("[lang^=zh]"))
        found.push(`${name}=${each.getAttribute(name)}`);
  if (/[\\u3000-\\u9fff\\uff00-\\uffef]/.test(document.title)) found.push(`title: ${document.title}`);
  return found;
}"""


async def prefer(page: Page, portal: str, language: str) -> None:
    """Choose the language of messages and pages on the account's page."""
    await page.goto(f"{portal}/account")
    await page.get_by_label(language).check()
    await page.locator("form[action='/account'] button").click()
    await expect(page.get_by_role("status").first).to_be_visible()


OWN = (
    "林晓梅",
    "张伟",
    "李敏",
    "王科",
    "通办 Tongban",
    "中文",
    "照片.png",
    "租房合同.pdf",
    "幸福街道 12 号 3 单元 501",
)
"""Chinese that stays: names of people, of the platform, of the language; what the applicant handed in."""


async def test_in_english(platform: Platform, new_window: NewWindow, look: Looks) -> None:
    page = await new_window(locale="en-US")
    portal = platform.url("portal")
    untold: list[str] = []

    async def read(name: str) -> None:
        await page.wait_for_load_state()  # an address shows before there is anything to read
        found = [each for each in await page.evaluate(_CHINESE) if not any(own in each for own in OWN)]
        untold.extend(f"{name}: {each}" for each in found)
        await look(page, name)

    await page.goto(portal)
    await read("home")
    await page.get_by_role("combobox").fill("residence")
    await page.keyboard.press("Enter")
    await expect(page.locator("#results")).to_contain_text("Residence permit")
    await read("results")
    await page.locator("#results a.item").first.click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Residence permit")
    await read("guide")
    await page.locator("a[href$='/apply']").click()
    await expect(page.locator("[name=password]")).to_be_visible()
    await read("sign-in")
    await ways.sign_in(page, platform, "lin")
    await expect(page).to_have_url(re.compile("^" + re.escape(portal)))
    await read("start")
    await page.locator("form[action$='/apply'] button").click()
    draft = await ways.draft_id(page)
    await read("form")
    await page.locator("main form .btn").first.click()
    await expect(page.get_by_role("alert")).to_be_visible()
    await read("form-errors")
    for path in ("materials", "check", "discard"):
        await page.goto(f"{portal}/apply/{draft}/{path}")
        await read(path)
    await page.goto(f"{portal}/apply/{draft}?lang=zh-CN")
    await ways.fill_in(page, ways.RESIDENCE)
    case = await ways.submit(page)
    for path in ("submitted?lang=en", "", "accesses", "withdrawal"):
        await page.goto(f"{portal}/cases/{case}/{path}".rstrip("/"))
        await read(f"case-{path.partition('?')[0]}")
    await prefer(page, portal, "English")
    for path in ("cases", "inbox", "account", "nowhere"):
        await page.goto(f"{portal}/{path}")
        await read(path)
    await prefer(page, portal, "中文")
    await page.goto(f"{portal}/?lang=en")
    await page.goto(platform.url("kiosk"))
    await read("kiosk")
    await page.goto(f"{platform.url('desk')}/account")
    await expect(page.locator("[name=password]")).to_be_visible()
    await read("sign-in-staff")
    await ways.sign_in(page, platform, "officer")
    await expect(page).to_have_url(f"{platform.url('desk')}/account")
    await read("desk-account")
    for path in ("", "queues/closed", "subscriptions", "subscriptions/new"):
        await page.goto(f"{platform.url('desk')}/{path}")
        await read(f"desk-{path.replace('/', '-')}")
    assert not untold, "\n".join(untold)
