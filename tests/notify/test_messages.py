"""A citizen's inbox over HTTP."""

from datetime import date
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from services.contracts.cases_events import (
    CaseAccepted,
    CaseDecided,
    CaseDelivered,
    CaseReturned,
    CaseReviewed,
    CaseSubmitted,
    CaseWithdrawn,
    Due,
)
from services.kit.pages.languages import Languages
from services.notify import store
from services.notify.api import messages
from services.notify.domain.messages import kinds, render
from services.notify.events import message_of
from services.notify.handlers import Work
from tests.notify.conftest import DEPARTMENT, LIN, OFFICER, ZHANG, case_event, token

STEPS = (CaseSubmitted, CaseAccepted, CaseReviewed, CaseDecided, CaseDelivered)


async def test_one_message_for_each_step_in_the_readers_language(hear: Any, http: httpx.AsyncClient) -> None:
    for version, step in enumerate(STEPS, start=1):
        await hear(step, "c1", version)
    found = (await http.get("/messages", headers=LIN)).json()
    assert [item["kind"] for item in found["items"]] == ["delivered", "decided", "reviewed", "accepted", "submitted"]
    assert found["next"] is None
    newest, first = found["items"][0], found["items"][-1]
    assert newest["title"] == "三级运动员称号授予的结果可以看了"
    assert first["title"] == "三级运动员称号授予交上了" and "办件编号 2026-c1，由前锋区教科体局办。" in first["body"]
    assert first["case_id"] == "c1" and first["read_at"] is None
    english = (await http.get(f"/messages/{first['id']}", headers=LIN | {"Accept-Language": "en-GB, zh;q=0.5"})).json()
    assert english["title"] == "Handed in: Third-class athlete title"
    assert "前锋区教科体局" in english["body"]  # the department has no English name

    assert (await http.get("/preferences", headers=LIN)).json() == {"language": None}
    assert (await http.put("/preferences", headers=LIN, json={"language": "en"})).json() == {"language": "en"}
    chosen = (await http.get("/messages", headers=LIN | {"Accept-Language": "zh-CN"})).json()
    assert chosen["items"][-1]["title"] == english["title"]
    assert (await http.get("/preferences", headers=ZHANG)).json() == {"language": None}
    refused = await http.put("/preferences", headers=LIN, json={"language": "fr"})
    assert refused.status_code == 422 and refused.headers["content-type"] == "application/problem+json"


async def test_unread_until_marked_and_marking_is_once(hear: Any, http: httpx.AsyncClient) -> None:
    for version, step in enumerate(STEPS[:2], start=1):
        await hear(step, "c1", version)
    assert (await http.get("/messages/unread", headers=LIN)).json() == {"count": 2}
    message = (await http.get("/messages", headers=LIN)).json()["items"][0]["id"]
    assert (await http.post(f"/messages/{message}/read", headers=LIN)).status_code == 204
    first = (await http.get(f"/messages/{message}", headers=LIN)).json()["read_at"]
    assert first
    assert (await http.post(f"/messages/{message}/read", headers=LIN)).status_code == 204
    assert (await http.get(f"/messages/{message}", headers=LIN)).json()["read_at"] == first
    assert (await http.get("/messages/unread", headers=LIN)).json() == {"count": 1}


async def test_anothers_message_is_not_there(hear: Any, http: httpx.AsyncClient) -> None:
    event = await hear(CaseSubmitted, "c1", 1)
    assert (await http.get("/messages", headers=ZHANG)).json() == {"items": [], "next": None}
    assert (await http.get("/messages/unread", headers=ZHANG)).json() == {"count": 0}
    for method, path in (("GET", f"/messages/{event.id}"), ("POST", f"/messages/{event.id}/read")):
        answer = await http.request(method, path, headers=ZHANG)
        assert answer.status_code == 404 and answer.json()["type"] == "urn:tongban:problem:message-not-found"
    assert (await http.get("/messages/unread", headers=LIN)).json() == {"count": 1}


async def test_only_citizens_have_an_inbox(http: httpx.AsyncClient) -> None:
    for path in ("/messages", "/messages/unread", "/preferences"):
        assert (await http.get(path)).status_code == 401
        for caller in (OFFICER, DEPARTMENT):
            assert (await http.get(path, headers=caller)).status_code == 403
    assert (await http.get("/messages", headers=token("lin", "citizen", aud="urn:tongban:cases"))).status_code == 401
    assert (await http.get("/messages", headers=token("lin", "citizen", exp=1))).status_code == 401


async def test_pages_by_keyset_neither_repeat_nor_miss(hear: Any, http: httpx.AsyncClient) -> None:
    for number in range(7):
        await hear(CaseSubmitted, f"c{number}", 1)
    seen, cursor = [], ""
    while True:
        parameters = {"limit": "3"} | ({"cursor": cursor} if cursor else {})
        page = (await http.get("/messages", headers=LIN, params=parameters)).json()
        seen += [item["case_id"] for item in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert sorted(seen) == [f"c{number}" for number in range(7)] and len(seen) == 7
    for cursor in ("W10", "WyJ4Il0", "Wy0xXQ", "bm9uc2Vuc2U", "%00"):
        assert (await http.get("/messages", headers=LIN, params={"cursor": cursor})).status_code in (400, 422)


async def test_nothing_personal_is_kept(hear: Any, work: Any) -> None:
    await hear(CaseReturned, "c1", 1)
    async with work() as one:
        row = (await one.execute(select(store.MESSAGES))).one()
    assert row.parameters == {
        "number": "2026-c1",
        "item": {"zh": "三级运动员称号授予", "en": "Third-class athlete title"},
        "department": {"zh": "前锋区教科体局", "en": None},
        "gaps": 2,
    }


async def test_a_failing_handler_leaves_no_message(notify: Any, work: Any, http: httpx.AsyncClient) -> None:
    event = case_event(CaseSubmitted, "c1", 1)
    with pytest.raises(ZeroDivisionError):
        async with work() as one:
            from services.notify.handlers.inbox import remember_step

            await remember_step(event, one)
            raise ZeroDivisionError
    assert (await http.get("/messages/unread", headers=LIN)).json() == {"count": 0}


@pytest.mark.parametrize("language", ["zh-CN", "en"])
def test_every_kind_has_words_in_both_languages(language: str) -> None:
    messages._LANGUAGES.use(language)
    facts = {
        "number": "N1",
        "item": {"zh": "居住证办理", "en": "Residence permit"},
        "department": {"zh": "公安局", "en": "Police"},
    }
    for kind in kinds():
        for outcome in ("granted", "refused"):
            words = render(kind, facts | {"outcome": outcome, "gaps": 3, "due": {}})
            assert words.title and words.body.count("N1") == 1 and "{" not in words.title + words.body
            assert not words.title.endswith(("。", "."))
            if language == "en":
                assert (words.title + words.body).isascii(), words
    Languages([]).use("zh-CN")


@pytest.mark.parametrize(
    ("due", "zh"),
    [
        (
            Due(basis="promised", working_days=8, date=date(2036, 12, 3)),
            "承诺 8 个工作日办完，最晚2036年12月3日 周三 24:00。",
        ),
        (
            Due(basis="statutory", working_days=20, date=date(2036, 12, 3)),
            "法定 20 个工作日办完，最晚2036年12月3日 周三 24:00。",
        ),
        (Due(basis="law_default", working_days=20, date=date(2036, 12, 3)), "按行政许可法 20 个工作日办完"),
        (Due(basis="none"), "这个事项没有公布办理时限。"),
        (Due(basis="unknown_year", working_days=8), "时限是 8 个工作日。到期那年的放假安排还没公布"),
    ],
)
def test_the_limit_in_words(due: Due, zh: str) -> None:
    assert zh in accepted_in_words(due, "zh-CN")


def accepted_in_words(due: Due, language: str) -> str:
    told = message_of(case_event(CaseAccepted, "c1", 2, due=due))
    assert told is not None
    messages._LANGUAGES.use(language)
    try:
        return render(told.kind, told.parameters).body
    finally:
        Languages([]).use("zh-CN")


@pytest.mark.parametrize(
    ("amount", "unit", "zh", "en"),
    [
        (8, "working_day", "8 个工作日", "8 working days"),
        (1, "working_day", "1 个工作日", "1 working day"),
        (30, "day", "30 个自然日", "30 calendar days"),
        (1, "month", "1 个月", "1 month"),
        (2, "month", "2 个月", "2 months"),
    ],
)
def test_the_limit_in_its_own_unit(amount: int, unit: Any, zh: str, en: str) -> None:
    limit: dict[str, Any] = {"amount": amount, "unit": unit}
    day, chinese, english = (
        date(2036, 12, 3),
        "最晚2036年12月3日 周三 24:00。",
        "by the end of Wednesday 3 December 2036.",
    )
    for basis, words, in_english in (
        ("promised", f"承诺 {zh}办完，{chinese}", f"Promised within {en}, {english}"),
        ("statutory", f"法定 {zh}办完，{chinese}", f"By law within {en}, {english}"),
    ):
        due = Due.model_validate({"basis": basis, "date": day, **limit})
        assert words in accepted_in_words(due, "zh-CN")
        assert in_english in accepted_in_words(due, "en")
    unknown = Due.model_validate({"basis": "unknown_year", **limit})
    assert f"时限是 {zh}。到期那年的放假安排还没公布" in accepted_in_words(unknown, "zh-CN")
    assert f"The limit is {en}. The public holidays of that year" in accepted_in_words(unknown, "en")


async def test_a_withdrawn_case_is_told_too(hear: Any, http: httpx.AsyncClient) -> None:
    await hear(CaseWithdrawn, "c1", 1)
    assert (await http.get("/messages", headers=LIN)).json()["items"][0]["title"] == "三级运动员称号授予撤回了"


def test_the_unit_of_work_has_both_stores(notify: Any) -> None:
    found = Work(notify.context)
    assert found.messages.work is found and found.subscriptions.work is found
