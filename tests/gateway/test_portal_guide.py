"""The guide page: what the catalogue says of an item, what it must not offer, caches, paper, JSON, versions."""

import re
from typing import Any

import pytest

from services.gateway.surfaces.common import guide, kept
from services.gateway.surfaces.portal.versions import changes
from tests.gateway.applications import item
from tests.gateway.conftest import Browser, path_of
from tests.gateway.portal_parts import BUNDLE, CODE, fill_catalogue, whole_item
from tests.gateway.world import World, problem

PAGE = f"/items/{CODE}"


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """No page here touches the database."""
    return sqlite_url


@pytest.fixture(autouse=True)
def catalogue(world: World) -> None:
    fill_catalogue(world)


def text_of(page: str) -> str:
    """The words of a page, without mark-up."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.partition("<main")[2]))


async def test_the_guide_says_all_that_the_catalogue_knows(browser: Browser, world: World) -> None:
    answer = await browser.get(PAGE)
    words = text_of(answer.text)
    for expected in (
        "Residence permit",
        "户籍",
        "自选主题",
        "回答几个问题",
        "由房管部门出具",
        "您自己准备",
        "用来证明：住址",
        "依据《居住证暂行条例》第九条",
        "来自 市场监管局",
        "市场监管局已经有了，还没有接通",
        "责任岗位：户籍岗",
        "承诺时限 5 个工作日",
        "法定时限 20 个工作日 依据《居住证暂行条例》第十条",
        "窗口、网上、邮寄",
        "网上能申请、受理",
        "要当面核对本人。 依据《居民身份证法》第十条",
        "每证 20 元 依据《价格法》",
        "居住证 证照：营业执照",
        "看原文",
        "公民离开常住户口所在地",
        "一起办的 市场监管局",
        "0826-000 0999",
        "以前的编码：OLD-CODE-1",
        "导入，尚未检查",
        "能从系统里取到的，不得再要 例外的理由：系统还没有接通 到 2027年6月30日 为止",
    ):
        assert expected in words, expected
    assert f'href="{PAGE}/apply"' in answer.text
    assert len(world.services.made("catalog", "GET", PAGE)) == 1
    asked = len(world.services.calls)
    await browser.get(PAGE)
    assert len(world.services.calls) == asked + 1, "names of registers and topics are kept for a while"
    english = text_of((await browser.get(PAGE, headers={"accept-language": "en"})).text)
    for expected in (
        "居住证办理",
        "Issued by Housing authority",
        "From Market Supervision Bureau",
        "You are checked in",
    ):
        assert expected in english, expected


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"status": "suspended", "status_reason": "系统升级"}, "这个事项暂停办理 原因：系统升级"),
        ({"status": "retired", "status_reason": "法律废止"}, "这个事项停办了 原因：法律废止"),
        ({"current_version": 4}, "您看的是第 3 版，现在用的是第 4 版"),
        ({"kind": "base"}, "这是基本目录里的事项"),
    ],
)
async def test_what_is_not_offered_has_no_way_to_apply(
    browser: Browser, world: World, changed: dict[str, Any], words: str
) -> None:
    world.services.on("catalog", "GET", PAGE, whole_item(**changed))
    await browser.sign_in()
    page = (await browser.get(PAGE)).text
    assert words in text_of(page)
    assert "/apply" not in page
    assert "/eligibility" not in page
    if changed.get("status") or changed.get("kind"):
        asked = await browser.get(f"{PAGE}/apply")
        assert asked.status_code == 409
        assert words.partition(" ")[0] in asked.text


async def test_an_unchanged_guide_is_not_sent_twice(browser: Browser, world: World) -> None:
    first = await browser.get(PAGE)
    assert first.headers["cache-control"] == "private, no-cache"
    tag = first.headers["etag"]
    for known in (tag, f'"other", W/{tag}', "*"):
        again = await browser.get(PAGE, headers={"if-none-match": known})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    for other in ({"accept-language": "en"}, {"cookie": "tb-mode=elder"}):
        assert (await browser.get(PAGE, headers={"if-none-match": tag, **other})).status_code == 200
    world.services.on("catalog", "GET", PAGE, whole_item(fee=None))
    assert (await browser.get(PAGE, headers={"if-none-match": tag})).status_code == 200
    await browser.sign_in()
    own = await browser.get(PAGE, headers={"if-none-match": "*"})
    assert own.status_code == 200
    assert own.headers["cache-control"] == "no-store", "it has a form with a token"
    assert "etag" not in own.headers


def drawn(page: str) -> str:
    """The QR code on a page, as its path."""
    found = re.search(
        r'<svg role="img" viewBox="0 0 (\d+) \1"><title>[^<]+</title><path stroke="#000" d="([^"]+)"', page
    )
    assert found, "no QR code"
    return found[2]


async def test_the_guide_as_json_and_on_paper(browser: Browser, world: World) -> None:
    answer = await browser.get(f"{PAGE}.json")
    assert answer.json() == whole_item()
    assert answer.headers["content-type"] == "application/json"
    assert "access-control-allow-origin" not in answer.headers
    again = await browser.get(f"{PAGE}.json", headers={"if-none-match": answer.headers["etag"]})
    assert again.status_code == 304
    assert answer.headers["cache-control"] == "public, no-cache"
    assert "vary" not in answer.headers, "it is the same in every language"
    paper = (await browser.get(f"{PAGE}/print")).text
    assert "公民离开常住户口所在地" in paper
    assert "<details" not in paper
    assert "https://portal.test/items/510123002000" in paper
    assert drawn(paper) == drawn((await browser.get(f"{PAGE}/print")).text)
    world.services.on("catalog", "GET", "/items/510123002001", whole_item(code="510123002001"))
    assert drawn((await browser.get("/items/510123002001/print")).text) != drawn(paper), "it is of this page's address"
    world.services.on("catalog", "GET", "/items/NONE.*", problem(404, "item-not-found"))
    for path in ("/items/NONE", "/items/NONE.json", "/items/NONE/print", "/items/NONE/versions", "/items/a%2Fb"):
        assert (await browser.get(path)).status_code == 404, path
    assert path_of(await browser.get(f"/items/{BUNDLE}")) == f"/bundles/{BUNDLE}", "a bundle has a guide of its own"
    world.services.on("catalog", "GET", r"/items/A_1\(B\)\.C", whole_item(code="A_1(B).C"))
    assert (await browser.get("/items/A_1(B).C")).status_code == 200, "codes of other systems have other characters"


async def test_a_guide_does_without_what_the_catalogue_does_not_say(browser: Browser, world: World) -> None:
    bare = item(fee=None, visits=None, limits={}, conditions=[], basis=[], materials=[], contact=None, case_kind=None)
    world.services.on("catalog", "GET", PAGE, bare)
    world.services.on("catalog", "GET", "/topics", problem(404, "not-found"))
    for path in (PAGE, f"{PAGE}/print"):
        assert (await browser.get(path)).status_code == 200
    world.services.on("catalog", "GET", PAGE, whole_item())
    world.services.on("catalog", "GET", f"{PAGE}/named", problem(503, "away"))
    page = await browser.get(PAGE)
    assert page.status_code == 200
    assert "来自" not in page.text
    assert "自选主题" in page.text


async def test_earlier_versions_and_what_they_changed(browser: Browser, world: World) -> None:
    words = text_of((await browser.get(f"{PAGE}/versions")).text)
    assert re.search("第 3 版.*第 2 版.*第 1 版", words)
    assert "名称 原来 居住证申领 改成 居住证办理" in words
    assert "跑几次 原来 跑 2 次 改成 跑 1 次" in words
    assert "指南上写的没有变。" in words
    assert "第一次发布。" in words
    for before, status in (("3", 200), ("1", 404), ("x", 200), ("99999999", 200)):
        assert (await browser.get(f"{PAGE}/versions?before={before}")).status_code == status
    assert "第 3 版" not in text_of((await browser.get(f"{PAGE}/versions?before=3")).text)
    old = await browser.get(f"{PAGE}?version=2")
    assert "居住证申领" in old.text
    assert "这是以前的版本" in old.text


def test_changes_show_what_differs_and_nothing_else() -> None:
    now = guide.whole(whole_item())
    assert changes(now, now) == []
    turned = guide.whole(whole_item(basis=list(reversed([*now["basis"], {"law": "价格法", "article": None}]))))
    both = guide.whole(whole_item(basis=[*now["basis"], {"law": "价格法", "article": None}]))
    (change,) = changes(both, turned)
    assert (change.label, len(change.before), len(change.now)) == ("依据", 2, 2), "another order is a change"
    (change,) = changes(now, both)
    assert (change.before, change.now) == ((), ("《价格法》",))


async def test_what_is_kept_grows_old_and_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    now, loaded = [0.0], []

    async def load(value: Any = 1) -> Any:
        loaded.append(value)
        return value

    async def nothing() -> None:
        return await load(None)

    store = kept.Kept(lambda: now[0])
    for moment, calls in ((0, 1), (kept.SECONDS - 1, 1), (kept.SECONDS + 1, 2)):
        now[0] = moment
        assert await store.get(("a",), load) == 1
        assert len(loaded) == calls
    assert await store.get(("b",), nothing) is None
    now[0] += kept.AWAY_SECONDS + 1
    await store.get(("b",), load)
    assert len(loaded) == 4, "what was away is soon asked for again"
    monkeypatch.setattr(kept, "MOST", 2)
    for key in "cde":
        await store.get((key,), load)
    assert len(store._values) == 2
