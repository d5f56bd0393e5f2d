"""What people do at the surfaces, by the words that they read there."""

import asyncio
import re
import struct
import time
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from playwright.async_api import FilePayload, Locator, Page, expect

from tests.harness.platform import Platform

Answers = Mapping[str, str]


def png(grey: int = 200) -> bytes:
    """A small grey picture."""
    rows = b"".join(b"\0" + bytes([grey]) * 8 for _ in range(8))
    parts = ((b"IHDR", struct.pack(">IIBBBBB", 8, 8, 8, 0, 0, 0, 0)), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    chunks = (struct.pack(">I", len(d)) + k + d + struct.pack(">I", zlib.crc32(k + d)) for k, d in parts)
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def pdf() -> bytes:
    """A small PDF document with one empty page."""
    return (
        b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"
        b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 200]>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"
    )


PHOTO: FilePayload = {"name": "照片.png", "mimeType": "image/png", "buffer": png()}
CONTRACT: FilePayload = {"name": "租房合同.pdf", "mimeType": "application/pdf", "buffer": pdf()}


@dataclass(frozen=True)
class Errand:
    """An item with what one person answers on each page of its form, and the materials that they hand in."""

    name: str
    pages: Sequence[Answers]
    materials: Mapping[str, FilePayload] = field(default_factory=dict)


RESIDENCE = Errand(
    "居住证办理",
    (
        {"姓名": "林晓梅", "手机号": "13800000000"},
        {"现在的住址": "幸福街道 12 号 3 单元 501", "从哪天开始住": "2025-3-1"},
        {"选符合的一项": "在这里工作", "证件怎么给您": "寄给我"},
    ),
    {"近期证件照": PHOTO, "就业、住所或就读的证明": CONTRACT},
)
"""An item with conditions, limits and two required materials."""

JOBLESS = "失业登记"


async def sign_in(page: Page, platform: Platform, username: str, password: str | None = None) -> None:
    """Fill the identity service's form, which the page is at, and send it."""
    await expect(page).to_have_url(re.compile("^" + re.escape(platform.url("identity"))))
    await page.locator("[name=username]").fill(username)
    await page.locator("[name=password]").fill(platform.password if password is None else password)
    await page.locator("main form[action='/signin'] button:not([name])").click()


async def open_guide(page: Page, platform: Platform, name: str) -> None:
    """From the portal's first page by a search to the guide page of an item."""
    await page.goto(platform.url("portal"))
    await page.get_by_label("搜索办事事项").fill(name)
    await page.get_by_role("button", name="搜索").click()
    await page.locator("#results a.item").filter(has_text=name).first.click()
    await expect(page.get_by_role("heading", level=1)).to_have_text(name)


async def begin(page: Page, platform: Platform, username: str, name: str) -> str:
    """From the portal's first page to the first page of the form, signing in on the way; the draft's id."""
    await open_guide(page, platform, name)
    await page.get_by_role("link", name="办理", exact=True).click()
    await sign_in(page, platform, username)
    start = page.get_by_role("button", name=re.compile("开始填|另填一份"))
    again = page.get_by_role("link", name="再开始一次")
    await start.click()
    begun = page.get_by_role("button", name="保存，下一步")
    await expect(again.or_(begun)).to_be_visible()
    while await again.count():  # it was published a moment ago
        await again.click()
        await start.click()
        await expect(again.or_(begun)).to_be_visible()
    return await draft_id(page)


async def draft_id(page: Page) -> str:
    """The id of the draft whose page is open."""
    await expect(page).to_have_url(re.compile("/apply/[0-9a-f]{32}/"))
    return page.url.split("/apply/")[1].split("/")[0]


async def answer(page: Page, answers: Answers) -> None:
    """Fill the controls that bear these labels: text, several lines, a choice, a date as year-month-day."""
    await page.wait_for_load_state()  # what is counted below is not waited for
    for label, value in answers.items():
        group = page.get_by_role("group", name=label)
        if await group.count():
            if await group.locator("input[type=radio]").count():
                await group.get_by_label(value, exact=True).check()
            else:
                for box, part in zip(await group.locator("input").all(), value.split("-"), strict=True):
                    await box.fill(part)
            continue
        control = page.get_by_label(label).and_(page.locator("input, select, textarea"))
        if await control.evaluate("e => e.tagName") == "SELECT":
            await control.select_option(label=value)
        else:
            await control.fill(value)


async def save(page: Page, *, refused: bool = False) -> None:
    """Save a page of the form; returns when the answer is there: the next page, or this one again if `refused`."""
    before = page.url.partition("#")[0]
    async with page.expect_navigation():
        await page.get_by_role("button", name="保存，下一步").click()
    if (page.url.partition("#")[0].partition("?")[0] == before.partition("?")[0]) != refused:
        raise AssertionError(f"{before} led to {page.url}: {await told(page)}")


async def told(page: Page) -> str:
    """What a page says first: its alerts, else its heading."""
    alerts = await page.get_by_role("alert").all_inner_texts()
    return " ".join(alerts or await page.locator("h1").all_inner_texts())


async def reload_until(page: Page, wanted: Locator, seconds: float = 60.0) -> None:
    """Load a page that does not follow by itself anew until `wanted` is on it."""
    deadline = time.monotonic() + seconds
    while not await wanted.count():
        if time.monotonic() > deadline:
            raise AssertionError(f"{page.url} never had {wanted}: {await page.locator('main').inner_text()}")
        await asyncio.sleep(0.3)
        await page.reload()


async def upload(page: Page, material: str, file: FilePayload) -> None:
    """Hand in one file for the material of this name."""
    section = page.locator("main section").filter(has=page.get_by_role("heading", name=material, exact=True))
    await section.locator("input[type=file]").set_input_files(file)
    await section.get_by_role("button", name="上传").click()
    await expect(section.get_by_role("link", name=file["name"])).to_be_visible()


async def fill_in(page: Page, errand: Errand) -> None:
    """From the first page of the form to the check of the answers."""
    for answers in errand.pages:
        await answer(page, answers)
        await save(page)
    for material, file in errand.materials.items():
        await upload(page, material, file)
    # An item may ask for optional materials that the errand leaves out.
    heading = page.get_by_role("heading", level=1)
    await expect(heading).to_have_text(re.compile("^(材料|核对一遍再交)$"))
    if await heading.inner_text() == "材料":
        await page.get_by_role("link", name="下一步", exact=True).click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("核对一遍再交")


async def submit(page: Page) -> str:
    """Hand in what is being checked; the case's id."""
    await page.get_by_role("button", name="确认，交上去").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("交上去了")
    return page.url.split("/cases/")[1].split("/")[0]


async def apply(page: Page, platform: Platform, username: str, errand: Errand) -> str:
    """The whole way of a citizen, from the portal's first page to the confirmation; the case's id."""
    await begin(page, platform, username, errand.name)
    await fill_in(page, errand)
    return await submit(page)


async def sign_in_at_desk(page: Page, platform: Platform, username: str) -> None:
    """Sign in at the desk, for the first time in this browser or by "use another account"."""
    await page.goto(f"{platform.url('desk')}/account")
    if page.url.startswith(platform.url("desk")):
        await page.get_by_role("link", name="换个账号").click()
        await page.get_by_role("button", name="换一个账号").click()
    await sign_in(page, platform, username)
    await expect(page).to_have_url(re.compile("^" + re.escape(platform.url("desk"))))


async def open_at_desk(page: Page, platform: Platform, queue: str, number: str) -> None:
    """From the queue of this name to the page of the case with this number."""
    await page.goto(platform.url("desk"))
    await page.get_by_role("navigation", name="队列").get_by_role("link", name=queue).click()
    await page.get_by_role("link").filter(has_text=number).click()
    await expect(page.get_by_role("heading", level=1)).to_be_visible()


async def act(page: Page, button: str, done: str) -> None:
    """Press the button of an act at the desk; `done` is what the page says then."""
    await page.get_by_role("button", name=button, exact=True).click()
    await expect(page.locator("p.just")).to_contain_text(done)
