"""Bad input loses nothing typed and leaks nothing; what is somebody else's is not there."""

import re

from playwright.async_api import FilePayload, Page, expect

from tests.e2e import ways
from tests.e2e.conftest import Grant, NewWindow
from tests.e2e.looks import Looks
from tests.harness.platform import Platform


async def test_nothing_typed_is_lost(platform: Platform, new_window: NewWindow, look: Looks) -> None:
    page = await new_window()
    portal = platform.url("portal")
    alert = page.get_by_role("alert")

    # A wrong password: the name stays, nothing is said of which of the two was wrong.
    await page.goto(f"{portal}/cases")
    await ways.sign_in(page, platform, "lin", "not the password")
    await expect(alert).to_be_visible()
    await expect(page.locator("[name=username]")).to_have_value("lin")
    await expect(page.locator("[name=password]")).to_have_value("")
    await look(page, "wrong-password")
    await ways.sign_in(page, platform, "lin")
    await expect(page.get_by_role("heading", level=1)).to_have_text("我的办件")

    # A page of the form: one answer missing, one wrong; the summary is first, links to each, and both are kept.
    await ways.open_guide(page, platform, ways.RESIDENCE.name)
    await page.get_by_role("button", name="办理", exact=True).click()
    draft = await ways.draft_id(page)
    await page.get_by_label("手机号").fill("<b>12 345</b>")
    await ways.save(page, refused=True)
    await expect(alert).to_be_focused()
    await expect(page).to_have_title(re.compile("^有 2 处要改"))
    await expect(page.get_by_label("手机号")).to_have_value("<b>12 345</b>")
    await look(page, "form-errors")
    await alert.get_by_role("link").first.click()
    await expect(page.get_by_label("姓名")).to_be_focused()
    await ways.answer(page, ways.RESIDENCE.pages[0])
    await ways.save(page)
    await ways.answer(page, {"现在的住址": "长" * 201, "从哪天开始住": "2025-13-40"})
    await ways.save(page, refused=True)
    await expect(alert.get_by_role("listitem")).to_have_count(2)
    await expect(page.get_by_label("现在的住址")).to_have_value("长" * 201)
    await expect(page.get_by_label("月", exact=True)).to_have_value("13")

    # Saved elsewhere meanwhile: what was typed here is shown, not lost and not written over what is there.
    other = await page.context.new_page()
    await other.goto(f"{portal}/apply/{draft}/pages/residence")
    await ways.answer(other, ways.RESIDENCE.pages[1])
    await ways.save(other)
    await expect(other.get_by_role("heading", level=1)).to_have_text("您凭什么办")
    await ways.answer(page, {"现在的住址": "和平街 8 号", "从哪天开始住": "2024-5-6"})
    await ways.save(page, refused=True)
    await expect(alert).to_contain_text("这份草稿刚在别处改过")
    await expect(page.get_by_label("现在的住址")).to_have_value("和平街 8 号")
    await ways.save(page)
    await expect(page.get_by_role("heading", level=1)).to_have_text("您凭什么办")

    # Handed in too early: what is missing is named, nothing is handed in.
    await page.goto(f"{portal}/apply/{draft}/check")
    await page.get_by_role("button", name="确认，交上去").click()
    await expect(alert).to_contain_text("近期证件照")
    await expect(page.locator("main")).to_contain_text("和平街 8 号")
    await look(page, "too-early")
    await files(page, f"{portal}/apply/{draft}/materials", look)


async def files(page: Page, address: str, look: Looks) -> None:
    """Files are judged by their content; a hostile name is only a name."""
    await page.goto(address)
    section = page.locator("#m-photo")
    fake: FilePayload = {"name": "fake.png", "mimeType": "image/png", "buffer": b"<script>alert(1)</script>"}
    await section.locator("input[type=file]").set_input_files(fake)
    await section.get_by_role("button", name="上传").click()
    await expect(page.get_by_role("alert")).to_contain_text("“fake.png”不是可以收的格式")
    await look(page, "file-refused")
    await section.get_by_role("button", name="上传").click()
    await expect(page.get_by_role("alert")).to_contain_text("请先选一个文件")
    hostile: FilePayload = {"name": "<img src=x onerror=x>.png", "mimeType": "image/png", "buffer": ways.png()}
    await section.locator("input[type=file]").set_input_files(hostile)
    await section.get_by_role("button", name="上传").click()
    await expect(section.locator(".mats li")).to_have_count(1)
    await expect(section.locator("img")).to_have_count(0)


async def test_hostile_requests_get_4xx(platform: Platform, new_window: NewWindow) -> None:
    page = await new_window()
    portal = platform.url("portal")
    await page.goto(f"{portal}/cases")
    await ways.sign_in(page, platform, "lin")
    await expect(page.get_by_role("heading", level=1)).to_have_text("我的办件")
    token = await page.locator("[name=_token]").first.input_value()
    home = {"origin": portal, "content-type": "application/x-www-form-urlencoded"}
    tried = {
        "no token": ("/account", b"language=en", home),
        "a token of nobody": ("/account", b"_token=x&language=en", home),
        "another site": ("/account", f"_token={token}&language=en".encode(), home | {"origin": "http://evil.example"}),
        "no such language": ("/account", f"_token={token}&language=xx".encode(), home),
        "not UTF-8": ("/account", f"_token={token}&language=".encode() + b"%ff%fe", home),
        "too large": ("/account", f"_token={token}&language=".encode() + b"x" * 3_000_000, home),
        "a body of another kind": ("/account", b"{}", home | {"content-type": "application/json"}),
        "no such draft": (f"/apply/{'0' * 32}/submission", f"_token={token}&version=1".encode(), home),
        "no id": ("/apply/x%00y/submission", f"_token={token}&version=1".encode(), home),
        "no version": (f"/apply/{'0' * 32}/submission", f"_token={token}&version=-1e9".encode(), home),
        "a version of other digits": (f"/apply/{'0' * 32}/submission", f"_token={token}&version=一".encode(), home),
    }
    for name, (path, body, headers) in tried.items():
        answer = await page.request.post(portal + path, data=body, headers=headers, max_redirects=0)
        assert 400 <= answer.status < 500, f"{name}: {answer.status}"
        assert "Traceback" not in await answer.text()
    for path in (
        "/items/%ff",
        "/cases/../../x",
        "/items?q=%ff%00&organisation=%27",
        "/items?cursor=x",
        "/inbox/1",
        "/x",
    ):
        answer = await page.request.get(portal + path, max_redirects=0)
        assert answer.status < 500, f"{path}: {answer.status}"


async def test_what_is_anothers_is_not_there(platform: Platform, new_window: NewWindow, grant: Grant) -> None:
    mine, theirs = await new_window(), await new_window()
    portal, desk = platform.url("portal"), platform.url("desk")
    case = await ways.apply(mine, platform, "lin", ways.RESIDENCE)
    file = await mine.request.get(f"{portal}/cases/{case}")
    found = re.search(rf"/cases/{case}/materials/[0-9a-f]+", await file.text())
    assert found is not None
    await ways.open_guide(mine, platform, ways.RESIDENCE.name)
    await mine.get_by_role("button", name="办理", exact=True).click()
    draft = await ways.draft_id(mine)
    await mine.goto(f"{portal}/inbox")
    await ways.reload_until(mine, mine.locator("main ul.mats a"))
    message = await mine.locator("main ul.mats a").first.get_attribute("href")

    await theirs.goto(f"{portal}/cases")
    await ways.sign_in(theirs, platform, "zhang")
    await expect(theirs.get_by_role("heading", level=1)).to_have_text("我的办件")
    paths = [f"/cases/{case}", f"/cases/{case}/accesses", f"/cases/{case}/submitted", f"/cases/{case}/withdrawal"]
    paths += [f"/cases/{case}/result", f"/live/cases/{case}", found.group(), str(message)]
    paths += [
        f"/apply/{draft}",
        f"/apply/{draft}/pages/applicant",
        f"/apply/{draft}/materials",
        f"/apply/{draft}/check",
    ]
    for path in paths:
        answer = await theirs.request.get(portal + path)
        assert answer.status == 404, f"{path}: {answer.status}"
        assert "13800000000" not in await answer.text()
    token = await theirs.locator("[name=_token]").first.input_value()
    for path in (f"/cases/{case}/withdrawal", f"/apply/{draft}/submission", f"/apply/{draft}/discard"):
        form: dict[str, str | float | bool] = {"_token": token, "version": "1", "reason": "x"}
        answer = await theirs.request.post(portal + path, form=form, headers={"origin": portal})
        assert answer.status == 404, f"{path}: {answer.status}"

    # At the desk: the subscription of all departments is not there for the integrator of one.
    await ways.sign_in_at_desk(mine, platform, "officer")
    await mine.goto(f"{desk}/subscriptions/new")
    place = mine.get_by_label("哪个部门的办件")
    one = await place.locator("option", has_text="示例区公安分局").get_attribute("value")
    grant("clerk", "integrator", str(one))
    await place.select_option(label="所有部门")
    await mine.get_by_label("接收地址").fill("http://127.0.0.1:9/nobody")
    await mine.get_by_role("button", name="建订阅").click()
    await expect(mine.get_by_role("heading", level=1)).to_have_text("签名密钥，只显示这一次")
    await mine.goto(f"{desk}/subscriptions")
    link = await mine.get_by_role("link", name="127.0.0.1:9/nobody").first.get_attribute("href")
    await ways.sign_in_at_desk(theirs, platform, "clerk")
    answer = await theirs.request.get(f"{desk}{link}")
    assert answer.status == 404
