"""Drafts over HTTP: saved page by page, continued elsewhere, guarded by ETags, handed in once."""

from collections.abc import Callable

import httpx

from services.cases.store.work import CasesContext
from services.cases.sweeper import Sweeper
from tests.cases.conftest import CODE, PNG, Client, Clock, Rows

As = Callable[[str], Client]


async def begun(lin: Client, code: str = CODE) -> tuple[str, int]:
    answer = await lin("POST", "/drafts", {"item_code": code})
    assert answer.status_code == 201, answer.text
    assert answer.headers["etag"] == '"1"'
    return answer.json()["id"], 1


async def upload(lin: Client, draft: str, material: str = "plan", content: bytes = PNG, **more: str) -> httpx.Response:
    headers = {
        "Content-Type": "application/octet-stream",
        "Content-Disposition": "attachment; filename*=UTF-8''%E5%B9%B3%E9%9D%A2%E5%9B%BE.png",
    }
    return await lin("POST", f"/drafts/{draft}/materials/{material}", content=content, headers=headers, **more)  # type: ignore[arg-type]


def problem(answer: httpx.Response, status: int, slug: str) -> dict[str, object]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body: dict[str, object] = answer.json()
    assert body["type"] == f"urn:tongban:problem:{slug}"
    return body


async def test_a_draft_says_what_is_missing(as_: As) -> None:
    lin = as_("lin")
    draft, _ = await begun(lin)
    view = await lin.get(f"/drafts/{draft}")
    assert view["item"]["organisation"]["name"]["zh"] == "示例区卫生健康局"
    assert [(p["field"], p["reason"]) for p in view["problems"]] == [
        ("answers.shop", "required"),
        ("materials.plan", "required"),
    ]
    assert view["expires_at"].startswith("2027-02-07")


async def test_begin_with_the_same_key_is_the_same_draft(as_: As) -> None:
    lin = as_("lin")
    one = await lin("POST", "/drafts", {"item_code": CODE}, key="k")
    two = await lin("POST", "/drafts", {"item_code": CODE}, key="k")
    assert one.json() == two.json()
    problem(await lin("POST", "/drafts", {"item_code": "other"}, key="k"), 422, "idempotency-key-reused")


async def test_creating_asks_for_a_key(http: httpx.AsyncClient) -> None:
    answer = await http.post("/drafts", json={"item_code": CODE}, headers={"Authorization": "Bearer lin"})
    problem(answer, 400, "idempotency-key-required")


async def test_an_unknown_item(as_: As) -> None:
    problem(await as_("lin")("POST", "/drafts", {"item_code": "nothing"}), 404, "item-not-found")


async def test_open_drafts_are_bounded(as_: As) -> None:
    for _ in range(5):
        await begun(as_("lin"))
    problem(await as_("lin")("POST", "/drafts", {"item_code": CODE}), 409, "too-many-drafts")


async def test_a_page_is_kept_and_the_draft_goes_on_elsewhere(as_: As) -> None:
    lin = as_("lin")
    draft, seen = await begun(lin)
    saved = await lin("PUT", f"/drafts/{draft}/pages/shop", {"answers": {"shop": "晓梅", "opens": ""}}, seen=seen)
    assert saved.status_code == 200
    assert saved.headers["etag"] == '"2"'
    assert saved.json()["answers"] == {"shop": "晓梅"}
    rooms = await lin("PUT", f"/drafts/{draft}/pages/rooms", {"answers": {"rooms": 3}}, seen=2)
    assert rooms.json()["answers"] == {"shop": "晓梅", "rooms": 3}
    cleared = await lin("PUT", f"/drafts/{draft}/pages/rooms", {"answers": {}}, seen=3)
    assert cleared.json()["answers"] == {"shop": "晓梅"}


async def test_what_is_valid_is_kept_when_something_is_not(as_: As) -> None:
    lin = as_("lin")
    draft, seen = await begun(lin)
    posted = {"shop": "晓梅", "opens": "2062-13-45"}
    answer = await lin("PUT", f"/drafts/{draft}/pages/shop", {"answers": posted}, seen=seen)
    body = problem(answer, 422, "answers-invalid")
    assert body["errors"] == [
        {"field": "answers.opens", "reason": "format", "detail": "the answer is not written as it should be"}
    ]
    assert body["version"] == 2
    assert "2062" not in answer.text
    view = await lin.get(f"/drafts/{draft}")
    assert (view["version"], view["answers"]) == (2, {"shop": "晓梅"})


async def test_later_keeps_everything_as_typed(as_: As) -> None:
    lin = as_("lin")
    draft, seen = await begun(lin)
    posted = {"answers": {"opens": "next spring"}, "later": True}
    assert (await lin("PUT", f"/drafts/{draft}/pages/shop", posted, seen=seen)).status_code == 200
    view = await lin.get(f"/drafts/{draft}")
    assert view["answers"] == {"opens": "next spring"}
    assert ("answers.opens", "format") in [(p["field"], p["reason"]) for p in view["problems"]]


async def test_fields_of_other_pages_are_refused(as_: As) -> None:
    lin = as_("lin")
    draft, seen = await begun(lin)
    answer = await lin("PUT", f"/drafts/{draft}/pages/shop", {"answers": {"rooms": 1, "x": 2}}, seen=seen)
    body = problem(answer, 422, "answers-invalid")
    assert [e["field"] for e in body["errors"]] == ["answers.rooms", "answers.x"]  # type: ignore[attr-defined, index]


async def test_versions_guard_against_lost_changes(as_: As) -> None:
    lin = as_("lin")
    draft, _ = await begun(lin)
    path, body = f"/drafts/{draft}/pages/shop", {"answers": {"shop": "a"}}
    problem(await lin("PUT", path, body), 428, "if-match-required")
    assert problem(await lin("PUT", path, body, seen=9), 412, "version-mismatch")["version"] == 1
    problem(await lin("PUT", path, body, headers={"If-Match": "*"}), 412, "version-mismatch")
    assert (await lin("PUT", path, body, seen=1)).status_code == 200
    problem(await lin("PUT", path, body, seen=1), 412, "version-mismatch")


async def test_someone_elses_draft_is_none(as_: As) -> None:
    draft, _ = await begun(as_("lin"))
    file = (await upload(as_("lin"), draft)).json()["file_id"]
    zhang = as_("zhang")
    for method, path, body in (
        ("GET", f"/drafts/{draft}", None),
        ("PUT", f"/drafts/{draft}/pages/shop", {"answers": {}}),
        ("DELETE", f"/drafts/{draft}", None),
        ("GET", f"/drafts/{draft}/materials/plan/{file}", None),
        ("DELETE", f"/drafts/{draft}/materials/plan/{file}", None),
        ("POST", f"/drafts/{draft}/submission", None),
    ):
        problem(await zhang(method, path, body, seen=2), 404, "draft-not-found")
    problem(await upload(zhang, draft), 404, "draft-not-found")
    assert (await zhang.get("/drafts"))["items"] == []


async def test_drafts_are_for_citizens(as_: As, http: httpx.AsyncClient) -> None:
    problem(await as_("clerk")("POST", "/drafts", {"item_code": CODE}), 403, "forbidden")
    problem(await http.get("/drafts"), 401, "unauthenticated")


async def test_lists_go_on_by_cursor(as_: As) -> None:
    lin = as_("lin")
    made = [(await begun(lin))[0] for _ in range(5)]
    seen: list[str] = []
    cursor = None
    while True:
        page = await lin.get("/drafts", limit=2, **({"cursor": cursor} if cursor else {}))
        seen += [row["id"] for row in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert seen == made[::-1]
    problem(await lin("GET", "/drafts", params={"cursor": "!!"}), 422, "invalid")


async def test_a_file_comes_in_and_is_read_back(as_: As, rows: Rows, context: CasesContext) -> None:
    lin = as_("lin")
    draft, _ = await begun(lin)
    answer = await upload(lin, draft)
    assert answer.status_code == 201, answer.text
    assert answer.headers["etag"] == '"2"'
    file = answer.json()
    assert (file["filename"], file["media_type"], file["size"]) == ("平面图.png", "image/png", len(PNG))
    assert "sha256" not in file
    read = await lin("GET", f"/drafts/{draft}/materials/plan/{file['file_id']}")
    assert read.content == PNG
    assert read.headers["content-type"] == "image/png"
    assert "sandbox" in read.headers["content-security-policy"]
    assert read.headers["x-content-type-options"] == "nosniff"
    path = await rows.one("SELECT path FROM files")
    assert file["file_id"] in path
    assert (await rows.one("SELECT name_sealed FROM files")).find("平面图".encode()) == -1
    assert (await lin.get(f"/drafts/{draft}"))["materials"] == [file]


async def test_a_file_is_what_its_bytes_are(as_: As, rows: Rows) -> None:
    lin = as_("lin")
    draft, _ = await begun(lin)
    body = problem(await upload(lin, draft, content=b"<html><script>alert(1)</script>"), 415, "file-type-refused")
    assert body["errors"][0]["field"] == "materials.plan"  # type: ignore[index]
    problem(await upload(lin, draft, "photo", b"%PDF-1.7 hello"), 415, "file-type-refused")
    problem(await upload(lin, draft, content=b""), 422, "file-empty")
    problem(await upload(lin, draft, content=PNG + bytes(1000)), 413, "file-too-large")
    problem(await upload(lin, draft, "nothing"), 404, "material-not-found")
    assert (await lin.get(f"/drafts/{draft}"))["materials"] == []
    assert await rows.one("SELECT count(*) FROM files WHERE state = 'stored'") == 0


async def test_the_same_upload_twice_is_one_file(as_: As) -> None:
    lin = as_("lin")
    draft, _ = await begun(lin)
    one, two = await upload(lin, draft, key="u"), await upload(lin, draft, key="u")
    assert one.json() == two.json()
    problem(await upload(lin, draft, content=PNG + b"x", key="u"), 422, "idempotency-key-reused")
    assert len((await lin.get(f"/drafts/{draft}"))["materials"]) == 1
    assert (await upload(lin, draft)).status_code == 201
    problem(await upload(lin, draft), 409, "too-many-files")


async def test_a_file_is_taken_out_and_its_bytes_go(as_: As, rows: Rows, context: CasesContext) -> None:
    lin = as_("lin")
    draft, _ = await begun(lin)
    file = (await upload(lin, draft)).json()["file_id"]
    gone = await lin("DELETE", f"/drafts/{draft}/materials/plan/{file}")
    assert (gone.status_code, gone.headers["etag"]) == (204, '"3"')
    problem(await lin("GET", f"/drafts/{draft}/materials/plan/{file}"), 404, "file-not-found")
    assert (await Sweeper(context).sweep())[1] == 1
    assert await rows.one("SELECT count(*) FROM files") == 0


async def test_a_discarded_draft_takes_its_files_along(as_: As, rows: Rows, context: CasesContext) -> None:
    lin = as_("lin")
    draft, _ = await begun(lin)
    await upload(lin, draft)
    assert (await lin("DELETE", f"/drafts/{draft}")).status_code == 204
    problem(await lin("GET", f"/drafts/{draft}"), 404, "draft-not-found")
    assert await Sweeper(context).sweep() == (0, 1)
    assert await rows.one("SELECT count(*) FROM files") == 0


async def test_a_draft_expires_after_its_days(as_: As, rows: Rows, context: CasesContext, clock: Clock) -> None:
    lin = as_("lin")
    draft, seen = await begun(lin)
    clock.move(days=80)
    await lin("PUT", f"/drafts/{draft}/pages/shop", {"answers": {"shop": "a"}}, seen=seen)  # puts it off
    await upload(lin, draft)
    clock.move(days=89)
    assert await Sweeper(context).sweep() == (0, 0)
    assert (await lin.get(f"/drafts/{draft}"))["answers"] == {"shop": "a"}
    clock.move(days=1)
    problem(await lin("GET", f"/drafts/{draft}"), 404, "draft-not-found")
    assert (await lin.get("/drafts"))["items"] == []
    assert await Sweeper(context).sweep() == (1, 1)
    assert await rows.one("SELECT count(*) FROM drafts") == 0
    assert await rows.one("SELECT count(*) FROM files") == 0


async def test_an_upload_that_never_came_whole_is_swept(
    as_: As, rows: Rows, context: CasesContext, clock: Clock
) -> None:
    lin = as_("lin")
    draft, _ = await begun(lin)
    problem(await upload(lin, draft, content=PNG + bytes(1000)), 413, "file-too-large")
    assert await rows.one("SELECT state FROM files") == "removed"
    await Sweeper(context).sweep()
    assert await rows.one("SELECT count(*) FROM files") == 0


async def test_a_draft_becomes_one_case(as_: As, rows: Rows, context: CasesContext) -> None:
    lin = as_("lin")
    draft, seen = await begun(lin)
    await lin("PUT", f"/drafts/{draft}/pages/shop", {"answers": {"shop": "晓梅"}}, seen=seen)
    path = f"/drafts/{draft}/submission"
    body = problem(await lin("POST", path, seen=2), 422, "submission-invalid")
    assert body["errors"][0]["field"] == "materials.plan"  # type: ignore[index]
    await upload(lin, draft)
    problem(await lin("POST", path, seen=2), 412, "version-mismatch")
    done = await lin("POST", path, seen=3, key="submit")
    assert done.status_code == 201, done.text
    case = done.json()
    assert case["answers"] == {"shop": "晓梅"}
    assert [m["filename"] for m in case["materials"]] == ["平面图.png"]
    again = await lin("POST", path, seen=3, key="submit")
    assert again.json() == case
    other_key = problem(await lin("POST", path, seen=3), 409, "draft-submitted")
    assert other_key["case_id"] == case["id"]
    shell = await lin.get(f"/drafts/{draft}")
    assert (shell["status"], shell["case_id"], shell["answers"], shell["materials"]) == (
        "submitted",
        case["id"],
        {},
        [],
    )
    assert (await lin.get("/drafts"))["items"] == []
    assert await rows.one("SELECT answers_sealed FROM drafts") is None
    read = await lin("GET", f"/cases/{case['id']}/materials/{case['materials'][0]['file_id']}")
    assert read.content == PNG
    problem(await lin("PUT", f"/drafts/{draft}/pages/shop", {"answers": {}}, seen=4), 409, "draft-submitted")
    problem(await upload(lin, draft), 409, "draft-submitted")
    assert await rows.one("SELECT count(*) FROM cases") == 1
