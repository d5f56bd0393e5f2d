"""Search with its filters and typing help, topics, the home page's ways in."""

import re
from typing import Any
from urllib.parse import parse_qs

import pytest

from services.kit.service import Service
from tests.gateway.conftest import Browser
from tests.gateway.portal_parts import BUNDLE, CODE, fill_catalogue, found
from tests.gateway.test_portal_guide import text_of
from tests.gateway.world import Call, World, problem


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """No page here touches the database."""
    return sqlite_url


@pytest.fixture(autouse=True)
def catalogue(world: World) -> None:
    fill_catalogue(world)


def asked(world: World) -> dict[str, str]:
    """What the catalogue was asked for last."""
    call: Call = world.services.made("catalog", "GET", "/items")[-1]
    return {name: values[0] for name, values in parse_qs(call.query).items()}


async def test_a_search_shows_filters_counts_and_another_spelling(browser: Browser, world: World) -> None:
    page = (await browser.get("/items?q=居住&for=person&topic=residence&kind=immediate&free=true")).text
    assert asked(world) == {
        "q": "居住",
        "subject": "person",
        "topic": "residence",
        "case_kind": "immediate",
        "free": "true",
        "limit": "20",
    }
    words = text_of(page)
    for expected in (
        "找到 10,000+ 项",
        "您是不是要找： 居住证",
        "户籍（10,000+）",
        "区公安分局（7）",
        "行政许可（5）",
        "当场办结（3）",
        "网上（2）",
        "不收费 4",
        "不用跑 6",
        "为企业办 12",
        "开一家理发店 一件事",
        "名字和您搜的最像",
    ):
        assert expected in words, expected
    assert f'href="/bundles/{BUNDLE}"' in page
    assert 'href="/items?q=%E5%B1%85%E4%BD%8F&amp;for=person&amp;kind=immediate&amp;free=true"' in page, "without topic"
    assert page.count("，去掉这个条件") == 4
    assert "cursor=more" in page
    again = (await browser.get("/items?q=居住&for=person&cursor=more")).text
    assert asked(world)["cursor"] == "more"
    assert "回到第一页" in again


async def test_a_filter_that_is_none_is_left_out_and_a_chosen_one_stays(browser: Browser, world: World) -> None:
    strange = "for=dog&type=1&kind=x&channel=moon&free=1&no_visit=0&organisation=%E5%A4%96%E5%B1%80&topic=gone"
    page = await browser.get(f"/items?{strange}")
    assert asked(world) == {"organisation": "外局", "topic": "gone", "limit": "20"}
    assert re.search(r'<option value="gone" selected>gone</option>', page.text)
    assert re.search(r'<option value="外局" selected>外局</option>', page.text)
    world.services.on("catalog", "GET", "/items", {"items": [], "next": None})
    bare = await browser.get("/items?for=person")
    assert bare.status_code == 200, "a catalogue without facets, total and spelling"
    assert 'value="person" checked' in bare.text


async def test_who_finds_nothing_is_shown_a_way_on(browser: Browser) -> None:
    words = text_of((await browser.get("/items?q=没有的")).text)
    for expected in ("没有找到“没有的”", "您是不是要找： 居住证", "大家常找的主题", "准营准办 户籍", "12345"):
        assert expected in words, expected


async def test_htmx_gets_the_results_alone(browser: Browser) -> None:
    part = (await browser.get("/items?q=a&free=true&topic=", headers={"hx-target": "div#results"})).text
    assert part.lstrip().startswith('<div id="results"')
    assert "<main" not in part
    assert 'data-address="/items?q=a&amp;free=true"' in part


@pytest.mark.parametrize("more_settings", [{"page_rate": "3/minute"}])
async def test_typing_help_offers_and_is_limited(browser: Browser, world: World) -> None:
    answer = await browser.get("/suggest?q=居住")
    assert answer.json() == {
        "suggestions": [{"text": "居住证办理", "href": f"/items/{CODE}"}, {"text": "居住", "href": ""}]
    }
    assert answer.headers["cache-control"] == "no-store"
    assert (await browser.get("/suggest")).json() == {"suggestions": []}
    assert len(world.services.made("catalog", "GET", "/suggest")) == 1, "nothing typed, nothing asked"
    world.services.on("catalog", "GET", "/suggest", problem(503, "away"))
    assert (await browser.get("/suggest?q=a")).json() == {"suggestions": []}
    assert (await browser.get("/suggest?q=b")).status_code == 429


async def test_topics_and_life_events_lead_to_their_items(browser: Browser, world: World) -> None:
    home = (await browser.get("/")).text
    for code, words in (("birth", "出生"), ("founding", "开办"), ("residence", "户籍"), ("licensing", "准营准办")):
        assert re.search(rf'href="/topics/{code}">(<b>)?{words}', home), code
    assert "看全部 10,000+ 项" in home
    index = text_of((await browser.get("/topics")).text)
    assert "空主题" not in home + index, "a topic without items is no way on"
    assert re.search("人生大事.*出生 3 项.*一件事.*开一家理发店.*为自己办 户籍 12 项.*为企业办 准营准办 30 项", index)
    topic = (await browser.get("/topics/residence")).text
    assert asked(world) == {"topic": "residence", "limit": "20"}
    assert "<h1>户籍</h1>" in topic
    assert 'href="/topics/residence?cursor=more"' in topic
    assert 'href="/items?topic=residence"' in topic
    nothing: dict[str, Any] = {"items": [], "next": None}
    world.services.on("catalog", "GET", "/items", nothing)
    assert "这个主题下还没有事项" in (await browser.get("/topics/residence")).text
    for path in ("/topics/unknown", "/topics/%00", f"/topics/{'长' * 65}"):
        assert (await browser.get(path)).status_code in (400, 404)
    world.services.away.add("catalog")
    assert (await browser.get("/topics")).status_code == 200, "names are kept for a while"


async def test_browsing_without_topics(browser: Browser, world: World, gateway: Service) -> None:
    world.services.on("catalog", "GET", "/topics", problem(404, "not-found"))
    world.services.on("catalog", "GET", "/bundles", problem(404, "not-found"))
    world.services.on("catalog", "GET", "/items", found(facets=None, total=None))
    assert "一件事怎么办下来" in (await browser.get("/")).text
    assert "目录这会儿打不开" in (await browser.get("/topics")).text
    assert (await browser.get("/topics/residence")).status_code == 200
