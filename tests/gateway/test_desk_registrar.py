"""The catalogue at the desk: what is in force, appeals, corrections, registers, organisations, synonyms."""

import re

import httpx
import pytest

from services.kit.service import Service
from tests.gateway import catalogue_parts as parts
from tests.gateway.catalogue_parts import APPEAL, BEHIND, CODE, CORRECTION, HERE, THERE, fields_of, keeper
from tests.gateway.conftest import Browser, path_of
from tests.gateway.desk_parts import SETTINGS
from tests.gateway.world import World, problem

pytestmark = pytest.mark.parametrize("more_settings", [SETTINGS])


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """Pages keep nothing of their own: one database shows all there is."""
    return sqlite_url


@pytest.fixture
async def officer(gateway: Service, world: World) -> Browser:
    return await keeper(gateway, world)


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


async def test_a_reviewer_may_suspend_and_no_more(gateway: Service, world: World) -> None:
    reviewer = await keeper(gateway, world, [{"org": "*", "role": "reviewer"}])
    text = (await reviewer.get(THERE)).text
    offered = re.findall(rf'href="{THERE}/(suspend|resume|rollback|retire)"', text)
    assert offered == ["suspend"]
    assert "/catalogue/new" not in text


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


async def test_a_bundle_has_a_life_too(officer: Browser, world: World) -> None:
    code = "YJS-511602-0001"
    own = ("name", "summary", "organisation", "division", "subjects")
    bundle = {name: parts.content()[name] for name in own} | {"code": code, "bundle_version": 1, "topics": []}
    member = {"code": CODE, "name": bundle["name"], "when": None, "when_text": None, "after": []}
    bundle |= {"members": [member], "shared_fields": [], "shared_materials": [], "published_at": parts.AT}
    world.services.on("catalog", "GET", f"/items/{code}", lambda _: problem(404, "item-not-found"))
    world.services.on("catalog", "GET", f"/bundles/{code}", bundle | {"status": "published", "status_reason": ""})
    world.services.on("catalog", "GET", f"/items/{code}/(history|versions)", parts.page(parts.version(1)))
    world.services.on("catalog", "GET", f"/items/{code}/history", parts.page())
    world.services.on("catalog", "GET", "/revisions", parts.page())
    there = f"/catalogue/items/{code}"
    text = (await officer.get(there)).text
    assert "包含的事项" in text and f"{there}/retire" in text and f"{there}/suspend" not in text
    world.services.on("catalog", "POST", "/revisions", parts.revision())
    await officer.post("/catalogue/new", {"code": code, "reason": "少一样"}, page=f"/catalogue/new?code={code}")
    sent = world.services.made("catalog", "POST", "/revisions")[0].json
    assert sent["kind"] == "bundle"
    assert set(sent["content"]) == {*own, "code", "topics", "members", "shared_fields", "shared_materials"}
    draft = parts.revision(kind="bundle", content=sent["content"])
    world.services.on("catalog", "GET", BEHIND, draft)
    more = fields_of((await officer.get(HERE)).text) | {"do": "add:members"}
    assert "members.1.code" in fields_of((await officer.http.post(HERE, data=more)).text)


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
    changed = fields_of((await officer.get(page)).text) | {"unit.zh": "天", "reason": "补单位"}
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
        ("split", {"targets": "x\n\ny", "items": "1 = x\n2＝y\nf1 = y\n"}, [{"id": "x"}, {"id": "y"}]),
    ):
        fields = {"kind": kind, "sources": "a:b\n", "reason": "改革方案"} | given
        assert "OLD" in (await officer.post(reform, fields, page=reform)).text
        sent = world.services.made("catalog", "POST", "/organisations/reforms")[-1].json
        assert (sent["kind"], sent["sources"], sent["targets"]) == (kind, ["a:b"], targets)
    assert (sent["items"], sent["functions"]) == ({"1": "x", "2": "y"}, {"f1": "y"})
    split = {"kind": "split", "sources": "a", "targets": "x", "items": "1 = x\n2", "reason": "x"}
    wrong = (await officer.post(reform, split, page=reform)).text
    assert "第 2 行要写成“事项编码 = 机构编号”" in wrong and "请填拆成哪几个机构" in wrong
    twice = (await officer.post(reform, split | {"targets": "x\ny", "items": "1 = x\n1 = y"}, page=reform)).text
    assert "有一个事项写了两行" in twice, "neither of them is forgotten silently"
    problems = [
        {"field": "items.2", "reason": "no_target", "detail": "say which target takes it over"},
        {"field": "items.9", "reason": "unknown", "detail": "no item of the sources has this code"},
        {"field": "sources", "reason": "closed", "detail": "it is closed"},
    ]
    world.services.on("catalog", "POST", "/organisations/reforms", problem(422, "invalid", errors=problems))
    told = (await officer.post(reform, split | {"targets": "x\ny", "items": "1 = x"}, page=reform)).text
    for text in ("还没说 2 归哪个机构", "没有编码是 9 的事项", "sources: it is closed", "1 = x\n2 =</textarea>"):
        assert text in told, text
    # What cannot be looked up is not guessed.
    world.services.on("catalog", "GET", "/organisations/nobody", problem(404, "organisation-not-found"))
    before = len(world.services.made("catalog", "POST", "/organisations/reforms"))
    whole = split | {"sources": "nobody", "targets": "x\ny", "items": "1 = x"}
    assert (await officer.post(reform, whole, page=reform)).status_code == 404
    assert len(world.services.made("catalog", "POST", "/organisations/reforms")) == before

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
