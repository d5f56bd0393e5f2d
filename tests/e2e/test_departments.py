"""Step 7: a department's endpoint that was down gets its deliveries in order."""

from pathlib import Path

from playwright.async_api import expect

from tests.e2e import ways
from tests.e2e.conftest import NewWindow
from tests.e2e.departments import Listener, confirm, subscribe
from tests.e2e.ways import Errand
from tests.harness.platform import Platform

JOBLESS = Errand(
    "失业登记",
    (
        {"姓名": "张伟", "手机号": "13900000000"},
        {"为什么没有工作": "自己辞职", "从哪天起没有工作": "2026-3-2"},
        {"最想要的": "培训"},
    ),
)


async def test_an_endpoint_that_was_down_gets_its_deliveries_in_order(
    platform: Platform, new_window: NewWindow, tmp_path: Path
) -> None:
    officer, citizen = await new_window(), await new_window()
    receiver = Listener(platform, tmp_path)
    await ways.sign_in_at_desk(officer, platform, "officer")
    secret = await subscribe(officer, platform.url("desk"), receiver.url)
    await receiver.start(secret)
    await confirm(officer)
    subscription = officer.url.partition("?")[0]
    receiver.stop()

    case = await ways.apply(citizen, platform, "zhang", JOBLESS)
    await citizen.goto(f"{platform.url('portal')}/cases/{case}/withdrawal")
    await citizen.get_by_role("button", name="撤回", exact=True).click()
    await expect(citizen.locator("#state")).to_have_text("您撤回了申请")
    await expect(officer.locator("main")).to_contain_text("在推送")
    await officer.goto(subscription)
    await ways.reload_until(officer, officer.locator("main table").filter(has_text="没送到"))

    await receiver.start(secret)
    await receiver.heard(case, ["submitted", "withdrawn"], seconds=90)
    receiver.stop()
