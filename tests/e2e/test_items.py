"""Step 8: `tongban items import`, and all the steps for an imported item."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.async_api import expect

from tests.e2e import ways
from tests.e2e.conftest import NewWindow
from tests.e2e.ways import Errand
from tests.harness.platform import ROOT, Platform

IMPORTED = "村民建房开工放线申请"
STANDARD = Errand(
    IMPORTED,
    (
        {"您替谁申请": "个人"},
        {"姓名": "张伟", "手机号": "13900000000"},
        {"申请内容": "自家老屋翻建，地基已经打好，请来放线。"},
    ),
)
ROWS: list[object] = [
    {
        "department": "区农业农村局",
        "name": IMPORTED,
        "item_code": "511Z99001001-511602000000-000-11511602MB0000000X-1-00",
        "area_code": "511602000000",
        "task_type": "10",
        "department_code": "not a USCC",
    },
    {"department": "区农业农村局", "name": "", "item_code": "511Z99001002", "area_code": "511602000000"},
    {"department": "区农业农村局", "name": "没有编码", "area_code": "511602000000", "task_type": "10"},
]
REAL = ROOT.parent / "shared" / "data" / "service-items-511602.jsonl"
"""The items of a real district, where the checkout has them beside it."""
REAL_ITEM = "三级社会体育指导员技术等级称号认定"


async def test_the_way_of_an_imported_item(platform: Platform, new_window: NewWindow, tmp_path: Path) -> None:
    file = tmp_path / "items.jsonl"
    lines = [json.dumps(row, ensure_ascii=False) for row in ROWS]
    file.write_text("\n".join([*lines, "{not JSON", lines[0]]) + "\n", "utf-8")
    first = platform.tongban("items", "import", "--as-published", "某区", str(file))
    assert first.returncode == 0, first.stderr
    assert re.search(r"^taken\s+1 \(1 created\)", first.stdout, re.MULTILINE), first.stdout
    assert re.search(r"^refused\s+4 ", first.stdout, re.MULTILINE), first.stdout
    for row, field in ((2, "name"), (3, "code")):
        assert re.search(rf"^row {row}: refused: {field}", first.stderr, re.MULTILINE), first.stderr
    assert re.search(r"^row 1: warning: code", first.stderr, re.MULTILINE), first.stderr
    again = platform.tongban("items", "import", "--as-published", "某区", str(file), "--quiet")
    assert re.search(r"^taken\s+1 \(1 unchanged\)", again.stdout, re.MULTILINE), again.stdout
    if not REAL.is_file():
        await way_through_all_steps(platform, new_window, STANDARD)


@pytest.mark.skipif(not REAL.is_file(), reason="the file of real items is not beside the checkout")
async def test_real_items(platform: Platform, new_window: NewWindow) -> None:
    done = platform.tongban("items", "import", "--as-published", "某区", str(REAL), "--quiet")
    assert done.returncode == 0, done.stderr
    assert re.search(r"^taken\s+935 ", done.stdout, re.MULTILINE), done.stdout
    page = await new_window()
    await ways.open_guide(page, platform, REAL_ITEM)
    await expect(page.locator("main")).to_contain_text("511F33033003")
    await way_through_all_steps(platform, new_window, replace(STANDARD, name=REAL_ITEM))


async def way_through_all_steps(platform: Platform, new_window: NewWindow, errand: Errand) -> None:
    """Application, intake, review, decision, delivery, result."""
    citizen, clerk, officer = await new_window(), await new_window(), await new_window()
    case = await ways.apply(citizen, platform, "zhang", errand)
    number = await citizen.locator("b.code").inner_text()
    await expect(citizen.locator("main")).to_contain_text("没有公布时限")
    await ways.sign_in_at_desk(clerk, platform, "clerk")
    await ways.sign_in_at_desk(officer, platform, "officer")
    await ways.open_at_desk(clerk, platform, "待受理", number)
    await ways.act(clerk, "受理", "已受理")
    await ways.open_at_desk(officer, platform, "待审查", number)
    await officer.get_by_label("建议批准", exact=True).check()
    await ways.act(officer, "记下审查意见", "审查意见已记下")
    await officer.get_by_label("批准", exact=True).check()
    await ways.act(officer, "作出决定", "决定已作出")
    await ways.open_at_desk(clerk, platform, "待送达", number)
    await ways.act(clerk, "送达", "结果已送达")
    await citizen.goto(f"{platform.url('portal')}/cases/{case}")
    await expect(citizen.locator("#state")).to_have_text("批准了")
    await expect(citizen.get_by_role("link", name="打开结果")).to_be_visible()
    await citizen.goto(f"{platform.url('portal')}/inbox")
    await ways.reload_until(citizen, citizen.locator("main li").filter(has_text=f"{errand.name}的结果可以看了"))
