"""Applying through the portal: saved at each step, nothing typed lost, handed in once, uploads streamed."""

import re
from datetime import timedelta
from typing import Any

import httpx
import pytest

from tests.gateway.applications import CASE, DRAFT, case, draft, item
from tests.gateway.conftest import Browser, Clock, path_of, token_of
from tests.gateway.world import Call, Services, World, problem

PAGE = f"/apply/{DRAFT}/pages/who"
CHECK = f"/apply/{DRAFT}/check"
MATERIALS = f"/apply/{DRAFT}/materials"
PUT = f"/drafts/{DRAFT}/pages/who"


@pytest.fixture
async def person(browser: Browser, world: World) -> Browser:
    """Signed in, with an item and a draft of it."""
    world.services.on("catalog", "GET", "/items/510123002000(/versions/3)?", item())
    world.services.on("cases", "GET", f"/drafts/{DRAFT}", draft())
    world.services.on("cases", "GET", f"/cases/{CASE}", case())
    await browser.sign_in()
    return browser


def refusing(status: int, **members: Any) -> httpx.Response:
    return problem(status, "refused", **members)


async def test_a_draft_is_begun_once_for_a_double_click(person: Browser, world: World) -> None:
    world.services.on("cases", "POST", "/drafts", lambda _: httpx.Response(201, json=draft()))
    page = await person.get("/items/510123002000")
    fields = dict(re.findall(r'name="(_token|key)" value="([^"]+)"', page.text))
    for _ in range(2):
        answer = await person.http.post("/items/510123002000/apply", data=fields)
        assert path_of(answer) == f"/apply/{DRAFT}"
    keys = {call.headers["idempotency-key"] for call in world.services.made("cases", "POST", "/drafts")}
    assert keys == {fields["key"]}


async def test_the_sign_in_comes_back_to_the_item(browser: Browser, world: World) -> None:
    world.services.on("catalog", "GET", "/items/510123002000", item())
    assert 'href="/items/510123002000/apply"' in (await browser.get("/items/510123002000")).text
    answer = await browser.get("/items/510123002000/apply")
    assert path_of(answer) == "/signin?next=%2Fitems%2F510123002000%2Fapply"


async def test_a_page_shows_what_is_saved(person: Browser, world: World) -> None:
    world.services.on("cases", "GET", f"/drafts/{DRAFT}", draft(answers={"kind": "company", "name": "<林>"}))
    text = (await person.get(PAGE)).text
    assert 'value="&lt;林&gt;"' in text
    assert re.search(r'value="company" checked', text)
    assert "第 1 步，共 5 步" in text, "the page for companies is called for by the answer"
    assert 'autocomplete="name"' in text


async def test_saving_leads_on_with_the_version_that_was_seen(person: Browser, world: World) -> None:
    world.services.on("cases", "PUT", PUT, draft(version=5, answers={"kind": "company", "name": "林"}))
    answer = await person.post(PAGE, {"kind": "company", "name": " 林 ", "version": "4"}, page=PAGE)
    assert path_of(answer) == f"/apply/{DRAFT}/pages/company"
    call = world.services.made("cases", "PUT", PUT)[0]
    assert call.headers["if-match"] == '"4"'
    assert call.json == {"answers": {"kind": "company", "name": "林"}, "later": False}


async def test_what_is_wrong_comes_back_as_typed(person: Browser, world: World) -> None:
    errors = [
        {"field": "answers.kind", "reason": "required", "detail": ""},
        {"field": "answers.name", "reason": "too_long", "detail": ""},
    ]
    world.services.on("cases", "PUT", PUT, lambda _: refusing(422, errors=errors, version=7))
    typed = "长" * 23
    answer = await person.post(PAGE, {"name": typed, "version": "4"}, page=PAGE)
    assert answer.status_code == 422
    assert f'value="{typed}"' in answer.text
    assert "有 2 处要改" in answer.text
    for words in ("请选一项：替谁办", "姓名最多 20 个字，多了 3 个"):
        assert answer.text.count(words) == 2, "the summary repeats the field's own words"
    assert '<a href="#f-name">' in answer.text
    assert 'id="f-name"' in answer.text
    assert 'name="version" value="7"' in answer.text, "what was valid was kept under a new version"


async def test_a_draft_changed_elsewhere_keeps_what_was_typed_here(person: Browser, world: World) -> None:
    world.services.on("cases", "PUT", PUT, lambda _: refusing(412))
    world.services.on("cases", "GET", f"/drafts/{DRAFT}", draft(version=9, answers={"name": "别处"}))
    answer = await person.post(PAGE, {"name": "这里", "version": "4"}, page=PAGE)
    assert answer.status_code == 409
    assert 'value="这里"' in answer.text
    assert "别处改过" in answer.text
    assert 'name="version" value="9"' in answer.text, "saving once more is what the person wants"


async def test_a_service_that_is_away_loses_nothing(person: Browser, world: World) -> None:
    token = await person.token(PAGE)

    def away(_: Call) -> httpx.Response:
        return httpx.Response(500, text="Traceback: password=secret")

    world.services.on("cases", "PUT", PUT, away)
    answer = await person.http.post(PAGE, data={"_token": token, "name": "林", "version": "4"})
    assert answer.status_code == 503
    assert 'value="林"' in answer.text
    assert "secret" not in answer.text
    world.services.away.add("cases")
    whole = await person.http.post(PAGE, data={"_token": token, "name": "林", "version": "4"})
    assert whole.status_code == 503
    assert "您填的都已存好" in whole.text


async def test_what_was_typed_when_the_session_ended_is_there_after_the_sign_in(
    person: Browser, world: World, clock: Clock
) -> None:
    page = await person.get(PAGE)
    fields = dict(re.findall(r'name="(_token|version|owner)" value="([^"]+)"', page.text))
    clock.ahead = timedelta(minutes=20)
    answer = await person.http.post(PAGE, data=fields | {"kind": "person", "name": "打到一半"})
    assert answer.status_code == 303
    back = httpx.URL(answer.headers["location"]).params["next"]
    assert back.startswith(f"{PAGE}?held=")
    returned = await person.callback(await person.begin(answer.headers["location"]))
    assert path_of(returned) == back
    shown = await person.get(back)
    assert 'value="打到一半"' in shown.text
    assert 'value="person" checked' in shown.text
    assert "打到一半" not in (await person.get(back)).text, "it is handed back once"


async def test_saving_for_later_checks_nothing(person: Browser, world: World) -> None:
    world.services.on("cases", "PUT", PUT, draft(version=5))
    answer = await person.post(PAGE, {"name": "林", "version": "4", "later": "1"}, page=PAGE)
    assert path_of(answer) == "/cases"
    assert world.services.made("cases", "PUT", PUT)[0].json["later"] is True


async def test_a_change_link_comes_back_to_the_check(person: Browser, world: World) -> None:
    answers = {"kind": "person", "name": "林", "since": "2026-03-02"}
    world.services.on("cases", "GET", f"/drafts/{DRAFT}", draft(answers=answers))
    check = await person.get(CHECK)
    assert f'href="/apply/{DRAFT}/pages/who?back=check#f-name"' in check.text
    assert "2026年3月2日" in check.text
    world.services.on("cases", "PUT", PUT, draft(version=5, answers=answers))
    fields = {"kind": "person", "name": "林", "version": "4", "back": "check"}
    assert path_of(await person.post(PAGE, fields, page=PAGE)) == CHECK
    world.services.on("cases", "PUT", PUT, draft(version=6, answers=answers | {"kind": "company"}))
    answer = await person.post(PAGE, fields | {"kind": "company"}, page=PAGE)
    assert path_of(answer) == f"/apply/{DRAFT}/pages/company", "a page that the change brought up comes first"


async def test_submitting_twice_makes_one_case(person: Browser, world: World) -> None:
    world.services.on("cases", "POST", f"/drafts/{DRAFT}/submission", lambda _: httpx.Response(201, json=case()))
    page = await person.get(CHECK)
    fields = {"_token": token_of(page), "version": "4"}
    for _ in range(2):
        answer = await person.http.post(f"/apply/{DRAFT}/submission", data=fields)
        assert path_of(answer) == f"/cases/{CASE}/submitted"
    calls = world.services.made("cases", "POST", f"/drafts/{DRAFT}/submission")
    assert {call.headers["idempotency-key"] for call in calls} == {f"submission-{DRAFT}-4"}
    confirmation = await person.get(f"/cases/{CASE}/submitted")
    assert "511602-20261124-00001" in confirmation.text
    assert "12月1日" in confirmation.text
    world.services.on("cases", "GET", f"/drafts/{DRAFT}", draft(status="submitted", case_id=CASE))
    for path in (CHECK, PAGE, MATERIALS, f"/apply/{DRAFT}"):
        assert path_of(await person.get(path)) == f"/cases/{CASE}/submitted"


async def test_what_is_missing_is_named_at_the_check(person: Browser, world: World) -> None:
    errors = [
        {"field": "answers.since", "reason": "required", "detail": ""},
        {"field": "materials.photo", "reason": "required", "detail": ""},
    ]
    world.services.on("cases", "POST", f"/drafts/{DRAFT}/submission", lambda _: refusing(422, errors=errors))
    answer = await person.post(f"/apply/{DRAFT}/submission", {"version": "4"}, page=CHECK)
    assert answer.status_code == 422
    assert '<a href="#row-since">请填：哪天住下</a>' in answer.text
    assert '<a href="#row-materials">还没有上传：证件照</a>' in answer.text


def multipart(token: str, content: bytes, filename: str = "照片.png", field: str = "_token") -> tuple[bytes, str]:
    """A form with the token first and a file after, as a browser sends it."""
    lines = [
        b"--b",
        f'Content-Disposition: form-data; name="{field}"'.encode(),
        b"",
        token.encode(),
        b"--b",
        f'Content-Disposition: form-data; name="file"; filename="{filename}"'.encode(),
        b"Content-Type: image/png",
        b"",
        content,
        b"--b--",
        b"",
    ]
    return b"\r\n".join(lines), "multipart/form-data; boundary=b"


async def send(person: Browser, body: bytes, kind: str) -> httpx.Response:
    return await person.http.post(f"{MATERIALS}/photo", content=body, headers={"content-type": kind})


def taking(services: Services) -> None:
    services.on("cases", "POST", f"/drafts/{DRAFT}/materials/photo", lambda _: httpx.Response(201, json={}))


async def test_a_file_streams_through(person: Browser, world: World) -> None:
    taking(world.services)
    content = b"\r\n--b-not-the-end" + bytes(range(256)) * 2000
    answer = await send(person, *multipart(await person.token(MATERIALS), content))
    assert answer.headers["location"] == f"{MATERIALS}#m-photo"
    call = world.services.made("cases", "POST", f"/drafts/{DRAFT}/materials/photo")[0]
    assert call.body == content
    assert call.headers["content-disposition"] == "attachment; filename*=UTF-8''%E7%85%A7%E7%89%87.png"


@pytest.mark.parametrize("token", ["", "A" * 88])
async def test_a_file_without_the_forms_token_goes_nowhere(person: Browser, world: World, token: str) -> None:
    taking(world.services)
    await person.token(MATERIALS)
    assert (await send(person, *multipart(token, b"x" * 100_000))).status_code == 403
    assert not world.services.made("cases", "POST", f"/drafts/{DRAFT}/materials/photo")


async def test_a_token_after_the_file_is_too_late(person: Browser, world: World) -> None:
    taking(world.services)
    token = await person.token(MATERIALS)
    body, kind = multipart("", b"x" * 200_000, field="other")
    late = body.removesuffix(b"--b--\r\n") + multipart(token, b"")[0]
    assert (await send(person, late, kind)).status_code in (400, 403)
    assert not world.services.made("cases", "POST", f"/drafts/{DRAFT}/materials/photo")


@pytest.mark.parametrize(
    ("status", "words"), [(413, "太大"), (415, "格式"), (409, "已经够了"), (422, "换一个文件"), (503, "没有回应")]
)
async def test_a_refused_file_is_named_with_the_way_out(person: Browser, world: World, status: int, words: str) -> None:
    world.services.on("cases", "POST", f"/drafts/{DRAFT}/materials/photo", lambda _: refusing(status))
    answer = await send(person, *multipart(await person.token(MATERIALS), b"x"))
    assert answer.status_code == 422
    assert "“照片.png”" in answer.text
    assert words in answer.text


async def test_no_file_chosen_is_said_so(person: Browser, world: World) -> None:
    taking(world.services)
    answer = await send(person, *multipart(await person.token(MATERIALS), b"", filename=""))
    assert answer.status_code == 422
    assert "请先选一个文件" in answer.text
    assert not world.services.made("cases", "POST", f"/drafts/{DRAFT}/materials/photo")


@pytest.mark.parametrize("more_settings", [{"upload_bytes": 20_000}])
async def test_an_upload_over_the_edges_limit_is_refused(person: Browser, world: World) -> None:
    taking(world.services)
    answer = await send(person, *multipart(await person.token(MATERIALS), b"x" * 2_000_000))
    assert answer.status_code == 413


@pytest.mark.parametrize("body", [b"", b"--b", b"--b\r\nnonsense\r\n\r\n", b"\xff\xfe" * 50])
async def test_a_broken_upload_is_a_4xx(person: Browser, world: World, body: bytes) -> None:
    taking(world.services)
    answer = await send(person, body, "multipart/form-data; boundary=b")
    assert 400 <= answer.status_code < 500


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"name=a&name=b&_token=x", "application/x-www-form-urlencoded", 403),
        (b"name=%ff", "application/x-www-form-urlencoded", 400),
        (b"{}", "text/plain", 415),
        (b"a=1&" * 400, "application/x-www-form-urlencoded", 400),
        (b"a=" + b"x" * 2_000_000, "application/x-www-form-urlencoded", 413),
    ],
)
async def test_a_hostile_form_is_a_4xx(person: Browser, body: bytes, kind: str, status: int) -> None:
    answer = await person.http.post(PAGE, content=body, headers={"content-type": kind})
    assert answer.status_code == status


async def test_a_field_given_twice_is_refused(person: Browser) -> None:
    token = await person.token(PAGE)
    body = f"_token={token}&name=a&name=b".encode()
    headers = {"content-type": "application/x-www-form-urlencoded"}
    assert (await person.http.post(PAGE, content=body, headers=headers)).status_code == 400


@pytest.mark.parametrize("path", [f"/apply/{'e' * 32}", f"/cases/{'e' * 32}", "/apply/..%2Fcases/check", "/inbox/x_y"])
async def test_what_is_not_there_or_not_yours_is_the_same_404(person: Browser, path: str) -> None:
    answer = await person.get(path)
    assert answer.status_code == 404
    assert "没有这一页" in answer.text
