"""The five steps over HTTP: queues, rights, separation of duties, the one notice, the result, who opened what."""

import hashlib
from collections.abc import AsyncIterator

import pytest

from services.cases.store.work import CasesContext
from services.contracts import cases_events as out
from services.kit.http import encode_cursor
from tests.cases.acting import DOERS, STEPS, As, act, brought_to, submitted
from tests.cases.conftest import CODE, ORGAN, PNG, SIMPLE, Clock, Rows
from tests.cases.test_drafts_http import begun, problem, upload


async def test_from_submission_to_delivery(as_: As, rows: Rows, clock: Clock) -> None:
    case = await submitted(as_)
    before = await as_("lin").get(f"/cases/{case}")
    assert before["due"]["estimate"] is True
    assert (before["due"]["basis"], before["due"]["days"], before["due"]["days_left"]) == ("law_default", 20, None)

    clock.move(days=1)
    accepted = (await act(as_, case, "acceptance", 1)).json()
    assert (accepted["status"], accepted["version"]) == ("accepted", 2)
    due = accepted["due"]
    assert (due["estimate"], due["counting_from"], due["date"]) == (False, "2026-11-11", "2026-12-08")
    assert (due["days_used"], due["days_left"]) == (0, 20)

    clock.move(days=1)
    reviewed = (await act(as_, case, "review", 2, {"opinion": "approve", "note": "内部意见"})).json()
    assert (reviewed["opinion"], reviewed["opinion_note"]) == ("approve", "内部意见")
    decided = (await act(as_, case, "decision", 3)).json()
    assert decided["decision"]["outcome"] == "granted"
    assert decided["due"]["days_left"] is None
    delivered = (await act(as_, case, "delivery", 4)).json()
    assert delivered["status"] == "delivered"

    mine = await as_("lin").get(f"/cases/{case}")
    assert [step["event"] for step in mine["timeline"]] == ["submitted", "accepted", "reviewed", "decided", "delivered"]
    assert [step["actor"]["name"] for step in mine["timeline"]] == ["林晓梅", "李敏", "王科", "王科", "李敏"]
    assert mine["timeline"][2]["note"] is None  # what officers note for each other is theirs
    assert "opinion" not in mine

    told = await rows.events()
    assert [type(event) for event in told] == [
        out.CaseSubmitted,
        out.CaseAccepted,
        out.CaseReviewed,
        out.CaseDecided,
        out.CaseDelivered,
    ]
    assert [event.status for event in told] == ["submitted", "accepted", "reviewed", "decided", "delivered"]  # type: ignore[attr-defined]
    assert told[-1].document_sha256 == mine["result"]["sha256"]  # type: ignore[attr-defined]
    assert await rows.one("SELECT count(*) FROM tasks WHERE closed_at IS NULL") == 0
    assert [r.role for r in await rows("SELECT role FROM tasks ORDER BY case_version")] == [
        "intake",
        "review",
        "decide",
        "deliver",
    ]


async def test_versions_on_the_outbox_have_no_gap(as_: As, rows: Rows) -> None:
    import orjson

    case = await submitted(as_)
    await brought_to(as_, case, "delivered")
    versions = [
        dict(orjson.loads(r.headers))["ce_aggregateversion"]
        for r in await rows("SELECT headers FROM outbox ORDER BY id")
    ]
    assert versions == ["1", "2", "3", "4", "5"]


async def test_the_result_is_a_sealed_document(as_: As) -> None:
    case = await submitted(as_)
    problem(await as_("lin")("GET", f"/cases/{case}/result"), 404, "file-not-found")
    await brought_to(as_, case, "delivered")
    view = await as_("lin").get(f"/cases/{case}")
    page = await as_("lin")("GET", f"/cases/{case}/result")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert hashlib.sha256(page.content).hexdigest() == view["result"]["sha256"]
    assert "准予行政许可决定书" in page.text
    assert view["number"] in page.text
    assert "林晓梅" in page.text
    assert page.headers["repr-digest"].startswith("sha-256=:")
    assert "script" not in page.headers["content-security-policy"]
    assert "style-src 'sha256-" in page.headers["content-security-policy"]
    problem(await as_("zhang")("GET", f"/cases/{case}/result"), 404, "case-not-found")


async def test_a_result_that_was_changed_is_not_shown(as_: As, rows: Rows, context: CasesContext) -> None:
    case = await submitted(as_)
    await brought_to(as_, case, "delivered")

    async def forged() -> AsyncIterator[bytes]:
        yield b"<h1>granted</h1>"

    await context.storage.put(await rows.one("SELECT path FROM files WHERE kind = 'result'"), forged())
    problem(await as_("lin")("GET", f"/cases/{case}/result"), 503, "result-damaged")


async def test_a_refusal_tells_reasons_and_remedies(as_: As) -> None:
    case = await submitted(as_)
    await brought_to(as_, case, "reviewed")
    problem(await act(as_, case, "decision", 3, {"outcome": "refused"}), 422, "reason-required")
    problem(await act(as_, case, "decision", 3, {"outcome": "refused", "reason": "  "}), 422, "reason-required")
    reason = "不符合<b>第四条</b>"
    decided = await act(as_, case, "decision", 3, {"outcome": "refused", "reason": reason})
    assert "行政复议" in decided.json()["decision"]["remedies"]
    await act(as_, case, "delivery", 4)
    page = await as_("lin")("GET", f"/cases/{case}/result")
    assert "不符合&lt;b&gt;第四条&lt;/b&gt;" in page.text
    assert "行政诉讼" in page.text
    assert "不予行政许可决定书" in page.text


async def test_who_accepts_does_not_decide(as_: As, rows: Rows) -> None:
    case = await submitted(as_)
    await act(as_, case, "acceptance", 1, person="boss")
    await act(as_, case, "review", 2, person="boss")
    seen = (await as_("boss")("GET", f"/desk/cases/{case}", params={"purpose": "decision"})).json()
    assert seen["actions"] == []
    problem(await act(as_, case, "decision", 3, person="boss"), 409, "separation-of-duties")
    assert await rows.one("SELECT status FROM cases") == "reviewed"
    assert (await act(as_, case, "decision", 3, person="officer")).status_code == 200


@pytest.mark.parametrize("step", STEPS)
async def test_each_act_needs_its_role(as_: As, step: str) -> None:
    case = await submitted(as_)
    order = list(STEPS)
    for version, earlier in enumerate(order[: order.index(step)], start=1):
        assert (await act(as_, case, earlier, version)).status_code == 200
    seen = order.index(step) + 1
    wrong = "officer" if DOERS[step] == "clerk" else "clerk"
    problem(await act(as_, case, step, seen, person=wrong), 403, "forbidden")
    problem(await act(as_, case, step, seen, person="stranger"), 404, "case-not-found")
    problem(await act(as_, case, step, seen, person="auditor"), 404, "case-not-found")
    problem(await act(as_, case, step, seen, person="lin"), 403, "forbidden")
    assert (await act(as_, case, step, seen)).status_code == 200


async def test_acts_are_guarded_by_version_and_key(as_: As, rows: Rows) -> None:
    case = await submitted(as_)
    problem(await as_("clerk")("POST", f"/desk/cases/{case}/acceptance"), 428, "if-match-required")
    problem(await act(as_, case, "acceptance", 7), 412, "version-mismatch")
    first = await act(as_, case, "acceptance", 1, key="a")
    again = await act(as_, case, "acceptance", 1, key="a")
    assert again.json() == first.json()
    problem(await act(as_, case, "acceptance", 1), 412, "version-mismatch")
    problem(await act(as_, case, "acceptance", 2), 409, "wrong-step")
    assert len(await rows.events()) == 2


async def test_the_one_notice_and_its_amendment(as_: As, rows: Rows, clock: Clock) -> None:
    lin = as_("lin")
    draft, _ = await begun(lin)
    await lin("PUT", f"/drafts/{draft}/pages/shop", {"answers": {"shop": "晓梅"}}, seen=1)
    await upload(lin, draft)
    await upload(lin, draft, "photo")
    case = (await lin("POST", f"/drafts/{draft}/submission", seen=4)).json()
    gaps = [{"material": "plan", "what": "没有标出消毒间面积"}, {"field": "shop", "what": "写全称"}]
    path = case["id"]
    problem(await act(as_, path, "return", 1, {"gaps": []}), 422, "invalid")
    problem(await act(as_, path, "return", 1, {"gaps": [{"material": "passport", "what": "x"}]}), 422, "unknown-gap")
    returned = await act(as_, path, "return", 1, {"gaps": gaps, "note": "请在网上补齐"})
    assert returned.json()["status"] == "returned"
    problem(await act(as_, path, "acceptance", 2), 409, "wrong-step")

    clock.move(days=2)
    view = await lin.get(f"/cases/{path}")
    assert [(g["material"], g["field"], g["what"]) for g in view["notice"]["gaps"]] == [
        ("plan", None, "没有标出消毒间面积"),
        (None, "shop", "写全称"),
    ]
    amendment = (await lin("POST", f"/cases/{path}/amendment")).json()
    assert (amendment["amends"], amendment["answers"]) == (path, {"shop": "晓梅"})
    assert [m["material"] for m in amendment["materials"]] == ["plan", "photo"]
    assert amendment["notice"]["note"] == "请在网上补齐"
    assert (await lin("POST", f"/cases/{path}/amendment")).json()["id"] == amendment["id"]
    assert (await lin.get(f"/cases/{path}"))["amendment"] == amendment["id"]
    problem(await as_("zhang")("POST", f"/cases/{path}/amendment"), 404, "case-not-found")

    await lin("PUT", f"/drafts/{amendment['id']}/pages/shop", {"answers": {"shop": "晓梅理发店"}}, seen=1)
    newer = (await upload(lin, amendment["id"], content=PNG + b"new")).json()
    done = await lin("POST", f"/drafts/{amendment['id']}/submission", seen=3)
    assert done.status_code == 201, done.text
    after = done.json()
    assert (after["id"], after["status"], after["version"]) == (path, "submitted", 3)
    assert after["number"] == case["number"]
    assert after["answers"] == {"shop": "晓梅理发店"}
    assert {m["material"]: m["file_id"] for m in after["materials"]} == {
        "plan": newer["file_id"],
        "photo": case["materials"][1]["file_id"],
    }
    assert after["amendment"] is None

    seen = (await as_("clerk")("GET", f"/desk/cases/{path}", params={"purpose": "intake"})).json()
    assert seen["actions"] == ["accept"]
    problem(await act(as_, path, "return", 3, {"gaps": gaps}), 409, "notice-already-given")
    clock.move(days=1)
    accepted = (await act(as_, path, "acceptance", 3)).json()
    assert accepted["due"]["counting_from"] == "2026-11-12"  # as of the 11th, when all that was asked for came in
    assert [type(e) for e in await rows.events()] == [
        out.CaseSubmitted,
        out.CaseReturned,
        out.CaseResubmitted,
        out.CaseAccepted,
    ]
    assert (await rows.events())[1].gaps == 2  # type: ignore[attr-defined]


async def test_withdrawal_until_the_decision(as_: As, rows: Rows) -> None:
    case = await submitted(as_)
    await brought_to(as_, case, "reviewed")
    problem(await as_("zhang")("POST", f"/cases/{case}/withdrawal", {}), 404, "case-not-found")
    done = await as_("lin")("POST", f"/cases/{case}/withdrawal", {"reason": "不开店了"})
    assert (done.json()["status"], done.json()["timeline"][-1]["note"]) == ("withdrawn", "不开店了")
    assert isinstance((await rows.events())[-1], out.CaseWithdrawn)
    assert await rows.one("SELECT count(*) FROM tasks WHERE closed_at IS NULL") == 0
    problem(await as_("lin")("POST", f"/cases/{case}/withdrawal", {}), 409, "wrong-step")
    problem(await act(as_, case, "decision", 4), 409, "wrong-step")
    other = await submitted(as_)
    await brought_to(as_, other, "decided")
    problem(await as_("lin")("POST", f"/cases/{other}/withdrawal", {}), 409, "wrong-step")


async def test_withdrawing_a_returned_case_ends_its_amendment(as_: As) -> None:
    lin = as_("lin")
    case = await submitted(as_)
    await act(as_, case, "return", 1, {"gaps": [{"what": "签名"}]})
    draft = (await lin("POST", f"/cases/{case}/amendment")).json()["id"]
    assert (await lin("POST", f"/cases/{case}/withdrawal", {})).status_code == 200
    problem(await lin("GET", f"/drafts/{draft}"), 404, "draft-not-found")


async def test_every_opening_is_there_for_the_applicant_to_read(as_: As, rows: Rows, clock: Clock) -> None:
    lin = as_("lin")
    draft, _ = await begun(lin)
    await lin("PUT", f"/drafts/{draft}/pages/shop", {"answers": {"shop": "晓梅"}}, seen=1)
    await upload(lin, draft)
    case = (await lin("POST", f"/drafts/{draft}/submission", seen=3)).json()
    path = f"/desk/cases/{case['id']}"
    assert (await lin.get(f"/cases/{case['id']}/accesses"))["items"] == []
    await as_("clerk")("GET", path, params={"purpose": "intake"})
    clock.move(minutes=5)
    file = case["materials"][0]["file_id"]
    shown = await as_("officer")("GET", f"{path}/materials/{file}", params={"purpose": "enquiry", "reason": "投诉核查"})
    assert shown.content == PNG
    listed = (await lin.get(f"/cases/{case['id']}/accesses"))["items"]
    assert [(a["officer"], a["what"], a["purpose"], a["reason"]) for a in listed] == [
        ("王科", "material", "enquiry", "投诉核查"),
        ("李敏", "case", "intake", None),
    ]
    assert listed[0]["organisation"]["id"] == ORGAN
    assert [r.purpose for r in await rows("SELECT purpose FROM audit WHERE action LIKE '%.opened' ORDER BY id")] == [
        "intake",
        "enquiry",
    ]
    assert "投诉".encode() not in await rows.one("SELECT reason_sealed FROM accesses WHERE reason_sealed IS NOT NULL")
    problem(await as_("zhang")("GET", f"/cases/{case['id']}/accesses"), 404, "case-not-found")


async def test_no_opening_without_a_purpose_of_ones_own(as_: As, rows: Rows) -> None:
    case = await submitted(as_)
    path = f"/desk/cases/{case}"
    problem(await as_("clerk")("GET", path), 422, "invalid")
    problem(await as_("clerk")("GET", path, params={"purpose": "decision"}), 403, "forbidden")
    problem(await as_("clerk")("GET", path, params={"purpose": "enquiry"}), 422, "reason-required")
    problem(await as_("stranger")("GET", path, params={"purpose": "intake"}), 404, "case-not-found")
    problem(await as_("lin")("GET", path, params={"purpose": "intake"}), 403, "forbidden")
    assert await rows.one("SELECT count(*) FROM accesses") == 0


async def test_queues(as_: As, clock: Clock) -> None:
    old, new = await submitted(as_), await submitted(as_, "zhang")
    clock.move(days=1)
    later = await submitted(as_)
    listed = (await as_("clerk").get("/desk/cases", queue="intake"))["items"]
    assert [row["id"] for row in listed] == [old, new, later]
    assert [(row["act_by"], row["act_days_left"]) for row in listed] == [
        ("2026-11-16", 4),
        ("2026-11-16", 4),
        ("2026-11-17", 5),
    ]
    assert [row["applicant"]["name"] for row in listed] == ["林晓梅", "张伟", "林晓梅"]
    assert await as_("clerk").get("/desk/queues") == {
        "intake": 3,
        "review": None,
        "decision": None,
        "delivery": 0,
        "returned": 0,
        "overdue": 0,
        "due_soon": 0,
    }
    await act(as_, old, "acceptance", 1)
    assert (await as_("officer").get("/desk/queues"))["review"] == 1
    assert [row["id"] for row in (await as_("officer").get("/desk/cases", queue="review"))["items"]] == [old]
    problem(await as_("clerk")("GET", "/desk/cases", params={"queue": "review"}), 403, "forbidden")
    assert (await as_("stranger").get("/desk/cases", queue="intake"))["items"] == []
    problem(await as_("auditor")("GET", "/desk/queues"), 403, "forbidden")
    problem(await as_("auditor")("GET", "/desk/cases", params={"queue": "closed"}), 403, "forbidden")
    await as_("zhang")("POST", f"/cases/{new}/withdrawal", {})
    assert [row["id"] for row in (await as_("clerk").get("/desk/cases", queue="closed"))["items"]] == [new]
    await act(as_, later, "return", 1, {"gaps": [{"what": "签名"}]})
    assert [row["id"] for row in (await as_("clerk").get("/desk/cases", queue="returned"))["items"]] == [later]
    clock.move(days=60)
    assert (await as_("officer").get("/desk/queues"))["overdue"] == 1


async def test_queues_go_on_by_cursor(as_: As) -> None:
    made = [await submitted(as_) for _ in range(5)]
    for params in ({"queue": "intake"}, {"q": "林晓梅"}):
        seen: list[str] = []
        cursor: dict[str, str] = {}
        while True:
            page = await as_("clerk").get("/desk/cases", limit=2, **params, **cursor)
            seen += [row["id"] for row in page["items"]]
            if page["next"] is None:
                break
            cursor = {"cursor": page["next"]}
        assert seen == (made if "queue" in params else made[::-1])


async def test_a_cursor_of_another_list_is_refused(as_: As) -> None:
    for _ in range(2):
        await submitted(as_)
    other = (await as_("clerk").get("/desk/cases", limit=1, q="林晓梅"))["next"]
    for cursor in (other, *(encode_cursor(["2026-11-16", strange]) for strange in ("\0", "x", "0" * 31, 5))):
        answer = await as_("clerk")("GET", "/desk/cases", params={"queue": "intake", "cursor": cursor})
        problem(answer, 400, "malformed")


async def test_search_by_number_and_by_whole_name(as_: As, rows: Rows) -> None:
    case = await submitted(as_)
    await submitted(as_, "zhang")
    number = (await as_("lin").get(f"/cases/{case}"))["number"]
    for words in (number, " 林晓梅 "):
        assert [row["id"] for row in (await as_("officer").get("/desk/cases", q=words))["items"]] == [case]
    for words in ("林晓", "晓梅", "511602", "%"):
        assert (await as_("officer").get("/desk/cases", q=words))["items"] == []
    assert (await as_("stranger").get("/desk/cases", q="林晓梅"))["items"] == []
    assert all("晓梅" not in str(row) for row in await rows("SELECT * FROM audit"))


async def test_ones_own_cases(as_: As) -> None:
    made = [await submitted(as_) for _ in range(3)]
    await submitted(as_, "zhang")
    first = await as_("lin").get("/cases", limit=2)
    rest = await as_("lin").get("/cases", limit=2, cursor=first["next"])
    assert [row["id"] for row in first["items"] + rest["items"]] == made[::-1]
    assert rest["next"] is None
    problem(await as_("zhang")("GET", f"/cases/{made[0]}"), 404, "case-not-found")
    problem(await as_("lin")("GET", f"/cases/{'0' * 32}"), 404, "case-not-found")
    problem(await as_("lin")("GET", "/cases/nonsense"), 422, "invalid")
    problem(await as_("clerk")("GET", f"/cases/{made[0]}"), 403, "forbidden")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 400),
        (b"[]", 422),
        (b"null", 422),
        (b'{"item_code": 5, "answers": {}}', 422),
        (b'{"item_code": "%s", "answers": {"shop": "\\ud800"}}' % SIMPLE.encode(), 400),
        (b'{"item_code": "%s", "answers": {"shop": %s}}' % (SIMPLE.encode(), b"9" * 400), 400),
        (b'{"item_code": "%s", "answers": {"shop": "a"}, "more": 1}' % SIMPLE.encode(), 422),
        (b'{"item_code": "%s", "answers": []}' % SIMPLE.encode(), 422),
        (b'{"item_code": "%s", "answers": {"shop": "\\u0000"}}' % SIMPLE.encode(), 400),
        (b"\xff\xfe", 400),
        (b'{"item_code": "x", "answers": {"a":' + b"[" * 5000 + b"]" * 5000 + b"}}", 400),
    ],
)
async def test_hostile_bodies_are_told_so(as_: As, rows: Rows, body: bytes, status: int) -> None:
    answer = await as_("lin")("POST", "/cases", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert await rows.one("SELECT count(*) FROM cases") == 0


async def test_a_body_that_is_not_json_is_not_read_as_json(as_: As, rows: Rows) -> None:
    body = b'{"item_code": "%s", "answers": {"shop": "a"}}' % SIMPLE.encode()
    answer = await as_("lin")("POST", "/cases", content=body, headers={"Content-Type": "text/plain"})
    problem(answer, 415, "unsupported-media-type")
    assert await rows.one("SELECT count(*) FROM cases") == 0


async def test_a_case_of_an_item_with_materials_needs_a_draft(as_: As, context: CasesContext) -> None:
    answer = await as_("lin")("POST", "/cases", {"item_code": CODE, "answers": {"shop": "a"}})
    body = problem(answer, 422, "submission-invalid")
    assert body["errors"] == [{"field": "materials.plan", "reason": "required", "detail": "this material is needed"}]
