"""The catalogue at the desk: every page, the editor's form, review, standing, appeals, corrections, organisations."""

import json
import re
from typing import Any

import httpx
import pytest

from services.kit.service import Service
from tests.gateway import catalogue_parts as parts
from tests.gateway.catalogue_parts import APPEAL, BEHIND, CODE, CORRECTION, HERE, REVISION, THERE, keeper
from tests.gateway.conftest import Browser, path_of
from tests.gateway.desk_parts import SETTINGS
from tests.gateway.world import SUBJECT, World, problem

pytestmark = pytest.mark.parametrize("more_settings", [SETTINGS])
PAGES = (
    "/catalogue",
    "/catalogue?show=review",
    "/catalogue?show=all&state=draft",
    "/catalogue/new",
    f"/catalogue/new?code={CODE}",
    HERE,
    f"{HERE}/submit",
    f"{HERE}/discard",
    f"{HERE}/appeal?rule=no-basis&field=materials.photo",
    "/catalogue/items?q=居住证",
    THERE,
    f"{THERE}/history",
    f"{THERE}/comparison?left=2&right=3",
    f"{THERE}/in-force?valid.year=2026&valid.month=11&valid.day=1",
    f"{THERE}/suspend",
    f"{THERE}/rollback",
    "/catalogue/appeals",
    "/catalogue/corrections",
    "/catalogue/corrections/new",
    f"/catalogue/corrections/{CORRECTION}",
    "/catalogue/coverage",
    "/catalogue/coverage/one?organisation=a:b",
    "/catalogue/organisations",
    "/catalogue/organisations/one?id=a:b",
    "/catalogue/organisations/form?id=a:b",
    "/catalogue/organisations/import",
    "/catalogue/organisations/reform",
    "/catalogue/registers/element",
    "/catalogue/registers/resource",
    "/catalogue/registers/element/form?code=birth_date",
    "/catalogue/registers/licence/form",
    "/catalogue/misses",
)


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """Pages keep nothing of their own: one database shows all there is."""
    return sqlite_url


@pytest.fixture
async def officer(gateway: Service, world: World) -> Browser:
    return await keeper(gateway, world)


def fields_of(text: str) -> dict[str, Any]:
    """What the page's form would send: one value for each control, ticks as they are ticked."""
    form = text[text.rindex("<form", 0, text.index('name="version"')) :]
    form = form[: form.index("</form>")]
    found: dict[str, Any] = {}
    for tag in re.findall(r"<input [^>]+>", form):
        name, value = re.search(r'name="([^"]+)"', tag), re.search(r'value="([^"]*)"', tag)
        if name and ('type="checkbox"' not in tag or "checked" in tag):
            found.setdefault(name[1], []).append(_plain(value[1] if value else ""))
    for name, value in re.findall(r'<textarea[^>]* name="([^"]+)"[^>]*>\n(.*?)</textarea>', form, re.S):
        found[name] = _plain(value)
    for name, options in re.findall(r'<select[^>]* name="([^"]+)"[^>]*>(.*?)</select>', form, re.S):
        chosen = re.search(r'value="([^"]*)" selected', options)
        found[name] = chosen[1] if chosen else ""
    return found


def _plain(text: str) -> str:
    return text.replace("&#34;", '"').replace("&gt;", ">").replace("&lt;", "<").replace("&amp;", "&")


def told_in(*values: Any) -> set[str]:
    """The Chinese words of what the catalogue answers."""
    return set(re.findall(r"[\u4e00-\u9fff]+", json.dumps(values, ensure_ascii=False)))


CONTENTS = told_in(
    *(parts.revision(), parts.finding(), parts.version(1), parts.transition("drafted"), parts.organisation()),
    *(
        parts.entry(),
        parts.entry("resource"),
        parts.appeal(),
        parts.correction(),
        parts.coverage(),
        "开店 公司设立登记",
    ),
    *(parts.changes(), *("通办", "中文", "林晓梅", "写", "审")),
)


async def test_every_page_is_there_in_both_languages(officer: Browser, world: World) -> None:
    world.services.on("catalog", "GET", BEHIND, parts.revision(findings=[parts.finding()]))
    for path in PAGES:
        answer = await officer.get(path)
        assert answer.status_code == 200, (path, answer.text[:2000])
        assert 'href="/catalogue" aria-current="page"' in answer.text
        english = (await officer.get(path, headers={"accept-language": "en"})).text
        left = set(re.findall(r"[\u4e00-\u9fff]+", re.sub(r"<[^>]+>", " ", english))) - CONTENTS
        assert not left, (path, left)


async def test_only_officers_of_the_catalogue_have_its_pages(gateway: Service, world: World) -> None:
    clerk = await keeper(gateway, world, [{"org": "*", "role": "intake"}])
    assert (await clerk.get("/catalogue")).status_code == 403
    assert "/catalogue" not in (await clerk.get("/account")).text
    for odd in ("/catalogue/registers/other", f"{THERE}/sale", f"{THERE}/comparison?left=x&right=1"):
        assert (await clerk.get(odd)).status_code in (403, 404)


async def test_who_only_keeps_the_catalogue_begins_there(officer: Browser, world: World) -> None:
    world.services.on("cases", "GET", "/desk/queues", lambda _: problem(403, "forbidden"))
    assert path_of(await officer.get("/")) == "/catalogue"


async def test_rows_come_and_go_with_everything_that_was_typed(officer: Browser, world: World) -> None:
    page = await officer.get(HERE)
    fields = fields_of(page.text) | {"name.zh": "居住证<b>新办", "visits": "两次", "reason": "再改改"}
    again = await officer.http.post(HERE, data=fields | {"do": "add:materials"})
    assert again.status_code == 200
    assert f'formaction="{HERE}#materials.1"' in page.text, "the page comes back at the new row"
    assert re.search(r'<details class="rowbox" id="materials.1" open>', again.text)
    kept = fields_of(again.text)
    assert (kept["name.zh"], kept["visits"], kept["reason"]) == (["居住证<b>新办"], ["两次"], ["再改改"])
    assert kept["materials.1.id"] == ["m1"]
    up = fields_of((await officer.http.post(HERE, data=kept | {"do": "up:materials:1"})).text)
    assert (up["materials.0.id"], up["materials.1.id"]) == (["m1"], ["photo"])
    gone = fields_of((await officer.http.post(HERE, data=up | {"do": "remove:materials:0"})).text)
    assert gone["materials.0.id"] == ["photo"] and "materials.1.id" not in gone
    for odd in ("add:fee", "remove:materials:x", "remove:materials"):
        assert (await officer.http.post(HERE, data=gone | {"do": odd})).status_code == 400
    assert not world.services.made("catalog", "PUT", BEHIND), "nothing is saved until it is asked for"


async def test_a_draft_is_saved_as_it_was_seen(officer: Browser, world: World) -> None:
    world.services.on("catalog", "PUT", BEHIND, parts.revision(version=5))
    fields = fields_of((await officer.get(HERE)).text) | {"limits.promised.amount": "3"}
    saved = await officer.http.post(HERE, data=fields | {"do": "save"})
    assert path_of(saved) == f"{HERE}?done=saved"
    call = world.services.made("catalog", "PUT", BEHIND)[0]
    assert call.headers["if-match"] == '"4"'
    sent = call.json["content"]
    assert call.json["reason"] == "按新的条例改"
    assert sent["limits"]["promised"] == {"amount": 3, "unit": "working_day", "note": None, "basis": None}
    before = parts.content()
    assert {name: sent[name] for name in ("code", "form", "topics", "name")} == {
        name: before[name] for name in ("code", "form", "topics", "name")
    }
    onward = await officer.http.post(HERE, data=fields | {"do": "submit"})
    assert path_of(onward) == f"{HERE}/submit"
    onward = await officer.http.post(HERE, data=fields | {"do": "appeal:no-basis:materials.photo"})
    assert path_of(onward) == f"{HERE}/appeal?rule=no-basis&field=materials.photo"
    told = await officer.http.post(HERE, data=fields | {"visits": "两次", "reason": "", "do": "save"})
    assert told.status_code == 422
    assert 'href="#f-visits"' in told.text and "请写明原因" in told.text
    assert len(world.services.made("catalog", "PUT", BEHIND)) == 3


async def test_a_refusal_stands_beside_its_field(officer: Browser, world: World) -> None:
    code = parts.finding(rule="code", field="code", cause={"zh": "编码校验不过", "en": None})
    world.services.on("catalog", "GET", BEHIND, parts.revision(findings=[parts.finding(), code]))
    text = (await officer.get(HERE)).text
    assert "发布前有 2 处要改" in text
    assert '<a href="#materials.0">材料“证件照”没有依据</a>' in text.replace("&#34;", '"')
    row = text[text.index('id="materials.0"') :]
    assert row.index("写明是哪条法律要的") < row.index("</details>")
    assert 'value="appeal:no-basis:materials.photo"' in row[: row.index("</details>")]
    assert "编码校验不过" in text

    wrong = [{"field": "content.materials.0.name.zh", "reason": "markup", "detail": "an HTML tag"}]
    world.services.on("catalog", "PUT", BEHIND, lambda _: problem(422, "content-invalid", errors=wrong))
    answer = await officer.http.post(HERE, data=fields_of(text) | {"do": "save"})
    assert answer.status_code == 422
    assert '<a href="#f-materials.0.name.zh">材料名称里有网页标签，请删掉</a>' in answer.text


async def test_a_conflict_shows_both_and_loses_nothing(officer: Browser, world: World) -> None:
    fields = fields_of((await officer.get(HERE)).text) | {"name.zh": "我的名称"}
    world.services.on("catalog", "PUT", BEHIND, lambda _: problem(412, "precondition-failed", version=6))
    theirs = parts.content(name={"zh": "别人的名称", "en": None})
    world.services.on("catalog", "GET", BEHIND, parts.revision(version=6, content=theirs))
    answer = await officer.http.post(HERE, data=fields | {"do": "save"})
    assert answer.status_code == 412
    assert '<span class="ln">别人的名称</span>' in answer.text and '<span class="ln">我的名称</span>' in answer.text
    again = fields_of(answer.text)
    assert (again["version"], again["name.zh"]) == (["6"], ["我的名称"])


async def test_what_was_typed_into_a_draft_waits_for_the_sign_in(officer: Browser, world: World) -> None:
    fields = fields_of((await officer.get(HERE)).text) | {"name.zh": "打到一半", "do": "save"}
    del officer.http.cookies["__Host-tb-desk"]
    answer = await officer.http.post(HERE, data=fields | {"owner": SUBJECT})
    await officer.callback(await officer.begin(path_of(answer)))
    back = await officer.get(httpx.URL(path_of(answer)).params["next"])
    assert fields_of(back.text)["name.zh"] == ["打到一半"]


async def test_a_returned_draft_says_who_and_why(officer: Browser, world: World) -> None:
    world.services.on("catalog", "GET", f"/items/{CODE}/history", parts.page(parts.transition("returned")))
    text = (await officer.get(HERE)).text
    assert "赵强退回来改" in text and "时限写错了" in text


async def test_review_shows_what_changed_and_the_rest_folded(officer: Browser, world: World) -> None:
    touched = [{"code": "X" * 31, "name": {"zh": "某实施", "en": None}, "organisation": {"zh": "某局", "en": None}}]
    waiting = parts.revision(
        state="submitted", author=parts.OTHER, acts=["reviewed", "returned"], touched=touched, kind="base"
    )
    world.services.on("catalog", "GET", BEHIND, waiting)
    text = (await officer.get(HERE)).text
    for words in ("承诺时限", "申请材料，photo，必须交", "设定依据，1", "某实施", "没有改的"):
        assert words in text
    world.services.on("catalog", "POST", f"{BEHIND}/approve", waiting)
    fields = {"reason": "可以", "from.year": "2027", "from.month": "1", "from.day": "1", "version": "4"}
    done = await officer.post(f"{HERE}/approve", fields, page=HERE)
    assert path_of(done).endswith("done=approve")
    call = world.services.made("catalog", "POST", f"{BEHIND}/approve")[0]
    assert call.json == {"reason": "可以", "effective_from": "2027-01-01"}
    assert call.headers["if-match"] == '"4"'
    for changed, words in (({"reason": ""}, "请写明原因"), ({"from.month": "13"}, "不是一个日子")):
        assert words in (await officer.post(f"{HERE}/approve", fields | changed, page=HERE)).text
    assert "请写明原因" in (await officer.post(f"{HERE}/return", {"version": "4"}, page=HERE)).text

    # The lint's refusals are named from the revision; the author has no button, and the service's word is explained.
    refused = parts.revision(**(waiting | {"findings": [parts.finding()]}))
    world.services.on("catalog", "GET", BEHIND, refused)
    world.services.on("catalog", "POST", f"{BEHIND}/approve", lambda _: problem(422, "lint-refused", errors=[{}]))
    answer = await officer.post(f"{HERE}/approve", fields, page=HERE)
    assert answer.status_code == 422 and "还不能发布" in answer.text and "没有依据" in answer.text
    world.services.on("catalog", "POST", f"{BEHIND}/approve", lambda _: problem(409, "author-reviews"))
    assert "写的人和审的人要分开" in (await officer.post(f"{HERE}/approve", fields, page=HERE)).text
    world.services.on("catalog", "GET", BEHIND, waiting | {"author": SUBJECT})
    own = (await officer.get(HERE)).text
    assert "要由别的审核人来审" in own and f"{HERE}/approve" not in own


async def test_many_are_approved_at_once(officer: Browser, world: World) -> None:
    row = parts.revision(state="submitted", author=parts.OTHER)
    world.services.on("catalog", "GET", "/revisions", parts.page(row, row | {"id": "c" * 32, "author": SUBJECT}))
    page = (await officer.get("/catalogue?show=review")).text
    assert f'value="{REVISION}"' in page and f'name="ids" value="{"c" * 32}"' not in page, "not one's own"
    refusal = {"type": "urn:tongban:problem:lint-refused", "title": "x", "status": 422}
    results = {"results": [{"id": REVISION, "outcome": "refused", "problem": refusal}]}
    world.services.on("catalog", "POST", "/revisions/approvals", results)
    fields = {"ids": REVISION, f"version-{REVISION}": "4", "reason": "一起"}
    answer = await officer.post("/catalogue/approvals", fields, page="/catalogue?show=review")
    assert "还不能发布" in answer.text
    sent = world.services.made("catalog", "POST", "/revisions/approvals")[0].json
    assert sent == {"ids": [REVISION], "versions": {REVISION: 4}, "reason": "一起"}
    none = await officer.post("/catalogue/approvals", {"reason": "x"}, page="/catalogue?show=review")
    assert none.status_code == 422 and "请先勾选要通过的" in none.text


async def test_running_cases_are_told_before_an_item_goes(officer: Browser, world: World) -> None:
    page = (await officer.get(f"{THERE}/suspend")).text
    assert "有 12 件在办" in page and "511602-20261109-00871" in page
    world.services.on("catalog", "POST", f"/items/{CODE}/(suspend|rollback)", {})
    done = await officer.post(f"{THERE}/suspend", {"reason": "系统在换", "version": "3"}, page=f"{THERE}/suspend")
    assert path_of(done) == f"{THERE}?done=suspend"
    assert world.services.made("catalog", "POST", ".*/suspend")[0].json == {"reason": "系统在换", "version": 3}
    wrong = await officer.post(f"{THERE}/rollback", {"reason": ""}, page=f"{THERE}/rollback")
    assert "请选退回到哪一版" in wrong.text and "请写明原因" in wrong.text
    fields = {"reason": "写错了", "to_version": "2", "version": "3"}
    await officer.post(f"{THERE}/rollback", fields, page=f"{THERE}/rollback")
    assert world.services.made("catalog", "POST", ".*/rollback")[0].json["to_version"] == 2
    world.services.away.add("cases")
    assert "在办的办件查不到" in (await officer.get(f"{THERE}/retire")).text
    world.services.on("catalog", "POST", f"/items/{CODE}/retire", lambda _: problem(409, "wrong-state"))
    late = await officer.post(f"{THERE}/retire", {"reason": "没了"}, page=f"{THERE}/retire")
    assert late.status_code == 409 and "现在不能做这一步" in late.text


async def test_a_change_begins_from_what_is_in_force(officer: Browser, world: World) -> None:
    world.services.on("catalog", "POST", "/revisions", parts.revision())
    page = f"/catalogue/new?code={CODE}"
    done = await officer.post("/catalogue/new", {"code": CODE, "reason": "条例改了"}, page=page)
    assert path_of(done) == HERE
    sent = world.services.made("catalog", "POST", "/revisions")[0].json
    assert (sent["code"], sent["kind"], sent["reason"]) == (CODE, "implementation", "条例改了")
    assert not {"item_version", "published_at", "status", "provenance"} & set(sent["content"])
    taken = problem(409, "revision-open", revision="c" * 32)
    world.services.on("catalog", "POST", "/revisions", lambda _: taken)
    done = await officer.post("/catalogue/new", {"code": CODE, "reason": "x"}, page=page)
    assert path_of(done) == f"/catalogue/revisions/{'c' * 32}", "one is under way: on with it"


async def test_a_new_item_takes_after_its_base(officer: Browser, world: World) -> None:
    world.services.on("catalog", "POST", "/revisions", parts.revision())
    empty = await officer.post("/catalogue/new", {}, page="/catalogue/new")
    assert empty.status_code == 422
    for words in ("请选种类", "请选机构", "请填名称", "请选事项类型", "请选办给谁", "请写明原因"):
        assert words in empty.text
    new = {"kind": "implementation", "organisation": "a:b", "base": CODE, "reason": "要有"}
    assert path_of(await officer.post("/catalogue/new", new, page="/catalogue/new")) == HERE
    sent = world.services.made("catalog", "POST", "/revisions")[0].json
    assert sent["content"]["base"] == CODE and "code" not in sent["content"]
    assert sent["content"]["basis"] == parts.content()["basis"]
    refused = problem(422, "code-not-minted", errors=[{"field": "base", "reason": "required", "detail": "name it"}])
    world.services.on("catalog", "POST", "/revisions", lambda _: refused)
    answer = await officer.post("/catalogue/new", new, page="/catalogue/new")
    assert 'href="#f-base"' in answer.text


async def test_history_by_day(officer: Browser, world: World) -> None:
    asked = {"valid.year": "2026", "valid.month": "11", "valid.day": "1", "known.year": "2026"}
    wrong = await officer.get(f"{THERE}/in-force", params=asked)
    assert wrong.status_code == 422 and "不是一个日子" in wrong.text
    asked |= {"known.month": "10", "known.day": "2"}
    text = (await officer.get(f"{THERE}/in-force", params=asked)).text
    assert "第 2 版" in text
    query = httpx.QueryParams(world.services.made("catalog", "GET", f"/items/{CODE}/in-force")[0].query)
    assert dict(query) == {"valid_on": "2026-11-01", "known_on": "2026-10-02"}
    found = await officer.get("/catalogue/items", params={"q": f" {CODE} "})
    assert path_of(found) == THERE, "a whole code leads to its item"


async def test_appeals_are_made_and_decided(officer: Browser, world: World) -> None:
    world.services.on("catalog", "GET", BEHIND, parts.revision(findings=[parts.finding()]))
    world.services.on("catalog", "POST", f"{BEHIND}/appeals", parts.appeal())
    place = {"rule": "no-basis", "field": "materials.photo"}
    page = f"{HERE}/appeal?rule=no-basis&field=materials.photo"
    done = await officer.post(f"{HERE}/appeal", place | {"reason": "条例在改"}, page=page)
    assert path_of(done) == f"{HERE}?done=appeal"
    assert world.services.made("catalog", "POST", f"{BEHIND}/appeals")[0].json == place | {"reason": "条例在改"}
    assert path_of(await officer.get(f"{HERE}/appeal?rule=x&field=y")) == HERE, "nothing to appeal"

    path = f"/catalogue/appeals/{APPEAL}"
    world.services.on("catalog", "POST", f"/appeals/{APPEAL}/decision", parts.appeal())
    wrong = await officer.post(path, {"granted": "yes", "reason": "可以"}, page="/catalogue/appeals")
    assert wrong.status_code == 422 and f'href="#f-until-{APPEAL}"' in wrong.text
    fields = {"granted": "yes", "reason": "可以", "until.year": "2027", "until.month": "6", "until.day": "30"}
    await officer.post(path, fields, page="/catalogue/appeals")
    call = world.services.made("catalog", "POST", f"/appeals/{APPEAL}/decision")[0]
    assert call.json == {"granted": True, "reason": "可以", "until": "2027-06-30"}
    world.services.on("catalog", "POST", f"/appeals/{APPEAL}/decision", lambda _: problem(409, "own-appeal"))
    assert "不能答复自己的申诉" in (await officer.post(path, fields, page="/catalogue/appeals")).text


async def test_corrections_are_filed_and_answered(officer: Browser, world: World) -> None:
    assert "过期了" in (await officer.get("/catalogue/corrections")).text
    new = "/catalogue/corrections/new"
    world.services.on("catalog", "POST", "/corrections", parts.correction())
    empty = await officer.post(new, {}, page=new)
    assert all(words in empty.text for words in ("请选哪一本登记", "请填编码", "请写明哪里不对"))
    fields = {"register": "element", "code": "birth_date", "organisation": "a:b", "text": "差一天", "item_code": ""}
    done = await officer.post(new, fields, page=new)
    assert path_of(done).startswith(f"/catalogue/corrections/{CORRECTION}")
    assert world.services.made("catalog", "POST", "/corrections")[0].json == fields | {"item_code": None}
    one = f"/catalogue/corrections/{CORRECTION}"
    world.services.on("catalog", "POST", f"/corrections/{CORRECTION}/accept", parts.correction())
    await officer.post(one, {"act": "accept", "answer": "去查", "version": "1"}, page=one)
    call = world.services.made("catalog", "POST", f"/corrections/{CORRECTION}/accept")[0]
    assert (call.json, call.headers["if-match"]) == ({"answer": "去查"}, '"1"')
    assert (await officer.post(one, {"act": "sell", "version": "1"}, page=one)).status_code == 404


async def test_a_second_source_is_refused_naming_the_holder(officer: Browser, world: World) -> None:
    path = "/catalogue/registers/element/form"
    holder = {"id": "x", "name": {"zh": "区公安分局", "en": None}}
    taken = problem(409, "second-source", holder=holder, register="element", code="birth_date")
    world.services.on("catalog", "PUT", "/registers/element/.+", lambda _: taken)
    fields = {"code": "birthday", "name.zh": "出生日期", "source.id": "a:b", "data_type": "date", "status": "active"}
    answer = await officer.post(path, fields | {"reason": "要用", "do": "save"}, page=path)
    assert answer.status_code == 409
    assert "这个已经有来源了，是区公安分局" in answer.text
    assert "/catalogue/corrections/new?register=element&amp;code=birth_date" in answer.text
    call = world.services.made("catalog", "PUT", "/registers/element/birthday")[0]
    assert call.headers["if-none-match"] == "*" and call.json["content"]["source"] == {"id": "a:b"}
    world.services.on("catalog", "PUT", "/registers/element/.+", parts.entry())
    page = f"{path}?code=birth_date"
    changed = fields_of((await officer.get(page)).text) | {"unit": "天", "reason": "补单位"}
    assert path_of(await officer.http.post(page, data=changed)).endswith("done=register")
    assert world.services.made("catalog", "PUT", "/registers/element/birth_date")[0].headers["if-match"] == '"7"'


async def test_organisations_are_kept_reformed_and_imported(officer: Browser, world: World) -> None:
    page = "/catalogue/organisations/form?id=a%3Ab"
    world.services.on("catalog", "PUT", "/organisations/.+", parts.organisation())
    more = await officer.http.post(page, data=fields_of((await officer.get(page)).text) | {"do": "add:functions"})
    fields = fields_of(more.text) | {"functions.1.name.zh": "养犬管理", "reason": "三定", "level": "4"}
    assert path_of(await officer.http.post(page, data=fields)).endswith("done=organisation")
    call = world.services.made("catalog", "PUT", "/organisations/a:b")[0]
    assert call.headers["if-match"] == '"2"'
    state = call.json["state"]
    assert state["level"] == 4 and [each["id"] for each in state["functions"]] == ["f1", "f2"]

    reform = "/catalogue/organisations/reform"
    reformed = {"closed": ["a:b"], "targets": ["c:d"], "children": 0, "carried": 3, "retired": 0, "revisions": 1}
    reformed |= {"entries": 2, "codes": {"OLD": "NEW"}}
    world.services.on("catalog", "POST", "/organisations/reforms", reformed)
    for kind, given, targets in (
        ("rename", {"name.zh": "新局"}, [{"name": {"zh": "新局", "en": None}}]),
        ("merge", {"target": "c:d"}, [{"id": "c:d"}]),
        ("abolish", {}, []),
        ("split", {"plan": '{"targets": [{"id": "x"}], "items": {"1": "x"}}'}, [{"id": "x"}]),
    ):
        fields = {"kind": kind, "sources": "a:b\n", "reason": "改革方案"} | given
        assert "OLD" in (await officer.post(reform, fields, page=reform)).text
        sent = world.services.made("catalog", "POST", "/organisations/reforms")[-1].json
        assert (sent["kind"], sent["sources"], sent["targets"]) == (kind, ["a:b"], targets)
    wrong = await officer.post(reform, {"kind": "split", "sources": "a", "plan": "[", "reason": "x"}, page=reform)
    assert "拆分方案要写成 JSON" in wrong.text

    upload = "/catalogue/organisations/import"
    problem_ = {"row": 2, "field": "uscc", "reason": "check", "detail": "its check character is wrong"}
    report = {"rows": 2, "created": 1, "changed": 0, "unchanged": 0, "refused": 1, "problems": [problem_]}
    world.services.on("catalog", "POST", "/organisations/imports", report)
    for name, kind in (("机构.csv", "text/csv; charset=utf-8"), ("a.JSONL", "application/x-ndjson")):
        token = {"_token": await officer.token(upload)}
        answer = await officer.http.post(upload, data=token, files={"file": (name, b"name\n")})
        assert "its check character is wrong" in answer.text
        call = world.services.made("catalog", "POST", "/organisations/imports")[-1]
        assert (call.headers["content-type"], call.body) == (kind, b"name\n")
    nothing = await officer.http.post(upload, data={"_token": await officer.token(upload)}, files={"file": ("", b"")})
    assert nothing.status_code == 422 and "请先选一个文件" in nothing.text


async def test_synonyms_are_kept_line_by_line(officer: Browser, world: World) -> None:
    path = "/catalogue/misses"
    world.services.on("catalog", "PUT", "/search/synonyms", httpx.Response(204))
    fields = {"version": "3", "reason": "常搜", "synonyms": "开店 = 公司设立登记\n\n养狗＝犬只登记"}
    assert path_of(await officer.post(path, fields, page=path)) == f"{path}?done=synonyms"
    call = world.services.made("catalog", "PUT", "/search/synonyms")[0]
    assert call.headers["if-match"] == '"3"'
    assert call.json["synonyms"][1] == {"word": "养狗", "means": "犬只登记"}
    wrong = await officer.post(path, fields | {"synonyms": "开店"}, page=path)
    assert "第 1 行要写成" in wrong.text
