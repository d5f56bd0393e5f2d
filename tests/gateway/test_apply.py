"""Applying through the portal: saved at each step, handed in once; hostile input is a 4xx."""

import re

import httpx
import pytest

from tests.gateway.applications import CASE, DRAFT, case, draft, item
from tests.gateway.conftest import Browser, path_of, token_of
from tests.gateway.world import World, problem

PAGE = f"/apply/{DRAFT}/pages/who"
CHECK = f"/apply/{DRAFT}/check"
MATERIALS = f"/apply/{DRAFT}/materials"
PUT = f"/drafts/{DRAFT}/pages/who"


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


@pytest.mark.parametrize("path", [f"/apply/{DRAFT}/submission", f"/cases/{CASE}/amendment", f"{MATERIALS}/photo"])
async def test_what_is_only_posted_to_leads_on_when_asked_for(person: Browser, path: str) -> None:
    """After a sign-in, an outage or a change of language the browser asks by GET."""
    answer = await person.get(path)
    assert path_of(answer) in (CHECK, f"/cases/{CASE}", MATERIALS)
    assert (await person.get(path_of(answer))).status_code == 200


@pytest.mark.parametrize("version", ["一", "1\n2", "", "-1", "１", "²"])
async def test_a_version_that_is_no_number_is_a_400(person: Browser, world: World, version: str) -> None:
    for path in (PAGE, f"/apply/{DRAFT}/submission"):
        assert (await person.post(path, {"version": version}, page=PAGE)).status_code == 400
    assert not [call for call in world.services.calls if call.method != "GET"]


@pytest.mark.parametrize("key", ["一", "a\nb", "a b", "é"])
async def test_a_key_of_other_letters_is_a_400(person: Browser, world: World, key: str) -> None:
    for path in ("/items/510123002000/apply", f"/cases/{CASE}/amendment"):
        assert (await person.post(path, {"key": key}, page=PAGE)).status_code == 400
    assert not [call for call in world.services.calls if call.method != "GET"]


@pytest.mark.parametrize(
    ("slug", "words", "onward"),
    [
        ("too-many-drafts", "草稿太多了", "/cases"),
        ("item-retired", "这个事项停办了", "/items"),
        ("item-suspended", "这个事项暂停办理", "/items"),
    ],
)
async def test_a_draft_that_cannot_be_begun_says_why(
    person: Browser, world: World, slug: str, words: str, onward: str
) -> None:
    world.services.on("cases", "POST", "/drafts", lambda _: problem(409, slug, reason="系统 <b>升级"))
    answer = await person.post("/items/510123002000/apply", {}, page="/items/510123002000/apply")
    assert answer.status_code == 409
    assert f"<h1>{words}</h1>" in answer.text
    assert f'class="btn" href="{onward}"' in answer.text
    assert ("原因：系统 &lt;b&gt;升级" in answer.text) == (slug != "too-many-drafts")


async def test_what_was_published_a_moment_ago_can_be_begun_in_a_moment(person: Browser, world: World) -> None:
    """The guide may be there before those who handle cases have heard of it."""
    world.services.on("cases", "POST", "/drafts", lambda _: problem(404, "item-not-found"))
    here = "/items/510123002000/apply"
    answer = await person.post(here, {}, page=here)
    assert answer.status_code == 409
    assert "<h1>这个事项刚刚公布</h1>" in answer.text
    assert f'class="btn" href="{here}"' in answer.text
    fields = {"_token": await person.token(here)}
    world.services.on("catalog", "GET", "/items/510123002000", problem(404, "item-not-found"))
    assert (await person.http.post(here, data=fields)).status_code == 404


@pytest.mark.parametrize(("slug", "words"), [("item-suspended", "暂停办理"), ("item-retired", "停办了")])
async def test_what_cannot_be_handed_in_now_is_kept_and_says_why(
    person: Browser, world: World, slug: str, words: str
) -> None:
    world.services.on("cases", "POST", f"/drafts/{DRAFT}/submission", lambda _: problem(409, slug, reason="系统升级"))
    answer = await person.post(f"/apply/{DRAFT}/submission", {"version": "1"}, page=CHECK)
    assert answer.status_code == 409
    assert f"这个事项{words}，现在交不了。您填的都已存好。 原因：系统升级" in answer.text


@pytest.mark.parametrize(
    ("gaps", "page"),
    [
        ([{"field": "since", "what": "写错了"}], "/pages/stay"),
        ([{"material": "photo", "what": "太暗"}], "/materials"),
        ([{"material": "photo", "what": "太暗"}, {"field": "name", "what": "不对"}], "/pages/who"),
        ([{"what": "缺一张表"}], "/check"),
    ],
)
async def test_an_amendment_begins_where_something_is_asked_for(
    person: Browser, world: World, gaps: list[dict[str, str]], page: str
) -> None:
    whole = [{"material": None, "field": None} | gap for gap in gaps]
    notice = {"gaps": whole, "note": None, "at": "2026-11-24T03:00:00+00:00", "organisation": item()["organisation"]}
    answers = {"kind": "person", "name": "林", "since": "2026-03-02"}
    file = {"file_id": "f" * 32, "material": "photo", "filename": "a.png", "media_type": "image/png", "size": 3}
    file |= {"uploaded_at": "2026-11-23T02:00:00+00:00"}
    amending = draft(amends=CASE, notice=notice, answers=answers, materials=[file])
    world.services.on("cases", "GET", f"/drafts/{DRAFT}", amending)
    assert path_of(await person.get(f"/apply/{DRAFT}")) == f"/apply/{DRAFT}{page}"
    text = (await person.get(CHECK)).text
    assert "告知单上要补的" in text
    names = {"photo": "证件照：", "since": "哪天住下：", "name": "姓名："}
    assert all(names.get(gap.get("material") or gap.get("field", ""), "") + gap["what"] in text for gap in gaps)


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
    world.services.on("cases", "POST", f"/drafts/{DRAFT}/submission", lambda _: problem(422, "refused", errors=errors))
    answer = await person.post(f"/apply/{DRAFT}/submission", {"version": "4"}, page=CHECK)
    assert answer.status_code == 422
    assert '<a href="#row-since">请填：哪天住下</a>' in answer.text
    assert '<a href="#row-materials">还没有上传：证件照</a>' in answer.text


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"name=a&name=b&_token=x", "application/x-www-form-urlencoded", 403),
        (b"_token=x&_token=y", "application/x-www-form-urlencoded", 400),
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
