"""The catalogue at the desk: every page, the editor's form, review."""

import json
import re
from typing import Any

import httpx
import pytest

from services.kit.service import Service
from tests.gateway import catalogue_parts as parts
from tests.gateway.catalogue_parts import BEHIND, CODE, CORRECTION, HERE, REVISION, THERE, fields_of, keeper
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


def told_in(*values: Any) -> set[str]:
    """The Chinese words of what the catalogue answers."""
    return set(re.findall(r"[\u4e00-\u9fff]+", json.dumps(values, ensure_ascii=False)))


async def test_types_are_those_of_the_nation_and_of_the_province(officer: Browser) -> None:
    offered = {
        path: re.findall(r'<option value="(\d\d)"', (await officer.get(path)).text.partition('name="item_type"')[2])
        for path in (HERE, "/catalogue/new")
    }
    assert offered[HERE] == ["01", "20", "21"]
    assert offered["/catalogue/new"] == ["01", "20", "21", "22"], "the organisation is not chosen yet"


CONTENTS = told_in(
    *(parts.revision(), parts.finding(), parts.version(1), parts.transition("drafted"), parts.organisation()),
    *(
        parts.entry(),
        parts.entry("resource"),
        parts.appeal(),
        parts.correction(),
        parts.coverage(),
        "开店 公司设立登记 公共服务 本省的类型 外省的类型",
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

    firm = parts.finding(rule="condition", field="conditions.0", appealable=False)
    world.services.on("catalog", "GET", BEHIND, parts.revision(findings=[firm]))
    assert "申请放行" not in (await officer.get(HERE)).text, "what cannot be let pass is not to be asked for"

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
