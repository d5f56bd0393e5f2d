"""The check before a sign-in, of an item and of a bundle: questions, answers, what is kept of them (nothing)."""

import pytest

from services.gateway.surfaces.portal.bundles import steps_of
from tests.gateway.conftest import Browser
from tests.gateway.portal_parts import BUNDLE, CODE, bundle, fill_catalogue, whole_item
from tests.gateway.test_portal_guide import text_of
from tests.gateway.world import World, problem

PAGE = f"/items/{CODE}/eligibility"
ANSWERS = {
    "lives_here": "true",
    "months": "8",
    "since.year": "2026",
    "since.month": "3",
    "since.day": "2",
    "reason": "school",
}


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """No page here touches the database."""
    return sqlite_url


@pytest.fixture(autouse=True)
def catalogue(world: World) -> None:
    fill_catalogue(world)


async def test_answers_come_to_an_outcome_and_are_kept_nowhere(browser: Browser, world: World) -> None:
    questions = (await browser.get(PAGE)).text
    assert "您住在本区吗" in questions
    assert "单位：个月" in questions
    answer = await browser.post(PAGE, ANSWERS, page=PAGE)
    assert answer.status_code == 200, "answered at once: no address carries the answers"
    (call,) = world.services.made("catalog", "POST", PAGE)
    expected = {"lives_here": True, "months": 8, "since": "2026-03-02", "reason": "school"}
    assert call.json == {"answers": expected}
    assert call.headers["authorization"] == "Bearer own-urn:tongban:catalog"
    words = text_of(answer.text)
    for expected_words in ("您答的都符合", "住满半年。 符合", "信用良好。 受理时看", "批不批准，由受理的部门"):
        assert expected_words in words, expected_words
    assert f'href="/items/{CODE}/apply"' in answer.text
    assert 'value="8"' in answer.text, "an answer can be changed"
    assert answer.headers["cache-control"] == "no-store"
    assert "8" not in text_of((await browser.get(PAGE)).text)


async def test_what_to_do_next(browser: Browser, world: World) -> None:
    conditions = [
        {"zh": "住满半年。", "en": None, "outcome": "not_met"},
        {"zh": "别的。", "en": None, "outcome": "unknown"},
    ]
    for outcome, title, applies in (
        ("not_eligible", "有条件不符合", False),
        ("unknown", "还说不准", True),
        ("eligible", "您答的都符合", True),
    ):
        world.services.on("catalog", "POST", PAGE, {"outcome": outcome, "conditions": conditions})
        answer = await browser.post(PAGE, {}, page=PAGE)
        words = text_of(answer.text)
        assert f"{title} ·" in answer.text
        assert "住满半年。 不符合" in words
        assert "别的。 还没有答" in words
        assert "打 0826-000 0201 问" in words
        assert ("/apply" in answer.text) is applies
        assert world.services.made("catalog", "POST", PAGE)[-1].json == {"answers": {}}


async def test_a_wrong_answer_is_named_and_asked_of_nobody(browser: Browser, world: World) -> None:
    for changed, words in (
        ({"months": "很久"}, "住了多久要填数字，您填的是“很久”"),
        ({"since.month": "13"}, "“2026-13-02”不是一个日子"),
        ({"lives_here": "maybe"}, "请选一项：您住在本区吗"),
        ({"reason": "x" * 50}, "请选一项：为什么住这里"),
    ):
        answer = await browser.post(PAGE, ANSWERS | changed, page=PAGE)
        assert answer.status_code == 422
        assert "有 1 处要改" in answer.text
        assert words in text_of(answer.text)
    assert not world.services.made("catalog", "POST", PAGE)


async def test_what_the_catalogue_refuses_stands_at_its_question(browser: Browser, world: World) -> None:
    errors = [{"field": "answers.months", "reason": "too_large", "detail": ""}]
    world.services.on("catalog", "POST", PAGE, lambda _: problem(422, "invalid", errors=errors))
    answer = await browser.post(PAGE, ANSWERS, page=PAGE)
    assert answer.status_code == 422
    assert "住了多久“8”超出范围" in answer.text
    world.services.on("catalog", "POST", PAGE, lambda _: problem(422, "invalid"))
    assert (await browser.post(PAGE, ANSWERS, page=PAGE)).status_code == 422
    assert (await browser.http.post(PAGE, data=ANSWERS)).status_code == 403, "no form token"


async def test_an_item_without_questions_says_so(browser: Browser, world: World) -> None:
    world.services.on("catalog", "GET", PAGE, {"questions": [], "conditions": []})
    assert "没有能先查的条件" in (await browser.get(PAGE)).text
    world.services.on("catalog", "GET", f"/items/{CODE}", whole_item(conditions=[]))
    assert "/eligibility" not in (await browser.get(f"/items/{CODE}")).text


def test_what_need_not_be_done_goes_before_nothing() -> None:
    steps = bundle()["steps"]
    before = next(code for step in steps for code in step["after"])
    for applies, expected in ((None, True), (True, True), (False, False)):
        assert any(step.after for step in steps_of(bundle(), {before: applies})) is expected, applies


async def test_a_bundle_shows_one_list_of_what_to_bring_and_the_order(browser: Browser, world: World) -> None:
    page = f"/bundles/{BUNDLE}"
    answer = await browser.get(page)
    words = text_of(answer.text)
    for expected in (
        "一件事 市场监管局牵头",
        "4 件 不一定每件都要办",
        "3 样",
        "身份证明 要交 用在：营业执照、居住证办理",
        "营业执照 不用交 用在：门头招牌 来自 市场监管局",
        "什么时候要办：不是本地人的时候",
        "门头招牌 暂停办理",
        "先办完：营业执照",
        "旧的备案 停办了",
        "这些只问一次 住址",
        "您住在本区吗",
    ):
        assert expected in words, expected
    assert f'href="/items/{CODE}"' in answer.text
    assert 'href="/items/D"' not in answer.text, "there is no such item any more"
    answered = await browser.post(page, {"lives_here": "true"}, page=page)
    assert world.services.made("catalog", "POST", f"{page}/eligibility")[0].json == {"answers": {"lives_here": True}}
    words = text_of(answered.text)
    for expected in ("3 件 照您答的", "2 样", "居住证办理 照您答的，不用办", "门头招牌 暂停办理 要不要办，还说不准"):
        assert expected in words, expected
    assert "证件照" not in words, "it is for what need not be done"
    assert "用在：营业执照 " in words
    wrong = await browser.post(page, {"lives_here": "x"}, page=page)
    assert wrong.status_code == 422
    assert "请选一项：您住在本区吗" in wrong.text
    world.services.on("catalog", "GET", page, bundle(questions=[], status="retired", status_reason="改革"))
    bare = await browser.get(page)
    assert "这件事停办了 原因：改革" in text_of(bare.text)
    again = await browser.get(page, headers={"if-none-match": bare.headers["etag"]})
    assert again.status_code == 304
