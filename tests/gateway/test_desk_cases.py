"""The desk's case page and the officers' acts: opened for a purpose, done once, nothing typed lost, rules named."""

import re
from typing import Any

import httpx
import pytest

from services.kit.service import Service
from tests.gateway.applications import CASE, item
from tests.gateway.conftest import Browser, path_of, token_of
from tests.gateway.desk_parts import BEHIND, EVERYTHING, HERE, SETTINGS, desk_case, officer_at
from tests.gateway.world import Call, World, problem

FILE = "f" * 32
pytestmark = pytest.mark.parametrize("more_settings", [SETTINGS])


@pytest.fixture
async def officer(gateway: Service, world: World) -> Browser:
    world.services.on("catalog", "GET", "/items/510123002000/versions/3", item())
    return await officer_at(gateway, world)


def fields_of(text: str, act: str) -> dict[str, str]:
    """The hidden fields of one act's form."""
    form = re.search(rf'action="{HERE}/{act}".*?</form>', text, re.DOTALL)
    assert form, f"no form for {act}"
    return dict(re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', form[0]))


async def do(officer: Browser, act: str, typed: dict[str, str], purpose: str = "intake") -> httpx.Response:
    """Open the case for `purpose` and send one act's form."""
    page = await officer.get(f"{HERE}?purpose={purpose}")
    return await officer.http.post(f"{HERE}/{act}", data=fields_of(page.text, act) | typed)


def standing(world: World, **changed: Any) -> None:
    world.services.on("cases", "GET", BEHIND, desk_case(**changed))
    world.services.on("cases", "GET", "/desk/queues", EVERYTHING)


async def test_opening_says_for_what(officer: Browser, world: World) -> None:
    page = await officer.get(f"{HERE}?purpose=intake")
    assert page.status_code == 200
    assert world.services.made("cases", "GET", BEHIND)[-1].query == "purpose=intake"
    assert "511602-20261124-00001" in page.text
    assert "谁来办" in page.text, "answers stand under the form's own titles"


@pytest.mark.parametrize("query", ["", "?purpose=enquiry", "?purpose=x"])
async def test_without_a_step_of_ones_own_a_reason_is_asked(officer: Browser, world: World, query: str) -> None:
    assert path_of(await officer.get(HERE + query)) == f"{HERE}/enquiry"
    assert not world.services.made("cases", "GET", BEHIND)


async def test_anothers_duty_asks_for_a_reason(officer: Browser, world: World) -> None:
    world.services.on("cases", "GET", BEHIND, lambda _: problem(403, "forbidden"))
    assert path_of(await officer.get(f"{HERE}?purpose=review")) == f"{HERE}/enquiry"


async def test_an_enquiry_opens_with_its_reason_and_keeps_it_out_of_the_address(officer: Browser, world: World) -> None:
    empty = await officer.post(f"{HERE}/enquiry", {"reason": " "}, page=f"{HERE}/enquiry")
    assert empty.status_code == 422
    assert "请写明为什么要看" in empty.text
    assert not world.services.made("cases", "GET", BEHIND)
    world.services.on("cases", "GET", BEHIND, desk_case(materials=[material()]))
    page = await officer.post(f"{HERE}/enquiry", {"reason": "来电询问"}, page=f"{HERE}/enquiry")
    assert page.status_code == 200
    asked = httpx.QueryParams(world.services.made("cases", "GET", BEHIND)[-1].query)
    assert dict(asked) == {"purpose": "enquiry", "reason": "来电询问"}
    sent = {"_token": token_of(page), "reason": "来电询问"}
    world.services.on("cases", "GET", f"{BEHIND}/materials/{FILE}", png())
    assert (await officer.http.post(f"{HERE}/materials/{FILE}", data=sent)).status_code == 200
    opened = httpx.QueryParams(world.services.made("cases", "GET", f"{BEHIND}/materials/{FILE}")[0].query)
    assert dict(opened) == {"purpose": "enquiry", "reason": "来电询问"}


async def test_a_material_is_opened_for_the_same_step(officer: Browser, world: World) -> None:
    world.services.on("cases", "GET", BEHIND, desk_case(materials=[material()]))
    world.services.on("cases", "GET", f"{BEHIND}/materials/{FILE}", png())
    page = await officer.get(f"{HERE}?purpose=intake")
    link = re.search(rf'href="({HERE}/materials/{FILE}[^"]*)" target="_blank" rel="noopener"', page.text)
    assert link
    answer = await officer.get(link[1])
    assert (answer.content, answer.headers["content-type"]) == (b"png", "image/png")
    assert world.services.made("cases", "GET", f"{BEHIND}/materials/{FILE}")[0].query == "purpose=intake"


def material() -> dict[str, Any]:
    return {"file_id": FILE, "material": "photo", "filename": "照片.png", "media_type": "image/png", "size": 3}


def png() -> httpx.Response:
    return httpx.Response(200, content=b"png", headers={"content-type": "image/png"})


async def test_accepting_goes_back_to_the_queue(officer: Browser, world: World) -> None:
    world.services.on("cases", "POST", f"{BEHIND}/acceptance", desk_case(status="accepted", version=2, actions=[]))
    answer = await do(officer, "acceptance", {})
    assert path_of(answer) == "/queues/intake?done=acceptance&number=511602-20261124-00001"
    call = world.services.made("cases", "POST", f"{BEHIND}/acceptance")[0]
    assert call.headers["if-match"] == '"1"'
    assert len(call.headers["idempotency-key"]) == 32


async def test_a_double_click_is_one_act(officer: Browser, world: World) -> None:
    world.services.on("cases", "POST", f"{BEHIND}/acceptance", desk_case(actions=[]))
    fields = fields_of((await officer.get(f"{HERE}?purpose=intake")).text, "acceptance")
    for _ in range(2):
        await officer.http.post(f"{HERE}/acceptance", data=fields)
    calls = world.services.made("cases", "POST", f"{BEHIND}/acceptance")
    assert len({call.headers["idempotency-key"] for call in calls}) == 1
    other = fields_of((await officer.get(f"{HERE}?purpose=intake")).text, "acceptance")
    assert other["key"] != fields["key"]


async def test_where_the_next_step_is_ones_own_it_follows(officer: Browser, world: World) -> None:
    standing(world, status="accepted", version=2, actions=["review"])
    world.services.on("cases", "POST", f"{BEHIND}/review", desk_case(status="reviewed", actions=["decide"]))
    answer = await do(officer, "review", {"opinion": "approve", "note": "属实"}, "review")
    assert path_of(answer) == f"{HERE}?purpose=decision&done=review"
    sent = world.services.made("cases", "POST", f"{BEHIND}/review")[0]
    assert sent.json == {"opinion": "approve", "note": "属实"}


async def test_a_notice_names_everything_at_once(officer: Browser, world: World) -> None:
    world.services.on("cases", "POST", f"{BEHIND}/return", desk_case(status="returned", actions=[]))
    typed = {
        "material.photo": "太暗",
        "field.name": "与证件不同",
        "other.2": "缺委托书",
        "note": "谢谢",
        "other.1": " ",
    }
    assert (await do(officer, "return", typed)).status_code == 303
    assert world.services.made("cases", "POST", f"{BEHIND}/return")[0].json == {
        "gaps": [
            {"material": "photo", "what": "太暗"},
            {"field": "name", "what": "与证件不同"},
            {"what": "缺委托书"},
        ],
        "note": "谢谢",
    }


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ({"note": "只有这一句"}, "请写明缺什么、要改什么，至少一项"),
        ({"material.photo": "只有这一句" * 101}, "最多 500 个字，多了 5 个"),
    ],
)
async def test_a_notice_that_is_wrong_comes_back_as_typed(
    officer: Browser, world: World, typed: dict[str, str], words: str
) -> None:
    answer = await do(officer, "return", typed)
    assert answer.status_code == 422
    assert words in answer.text
    assert "只有这一句" in answer.text
    assert '<details class="more" open>' in answer.text
    assert not world.services.made("cases", "POST", f"{BEHIND}/return")


async def test_a_refusal_needs_its_reason(officer: Browser, world: World) -> None:
    standing(world, status="reviewed", version=3, opinion="refuse", opinion_note="不符", actions=["decide"])
    answer = await do(officer, "decision", {"outcome": "refused", "reason": ""}, "decision")
    assert answer.status_code == 422
    assert "不批准要写明理由（行政许可法第三十八条）" in answer.text
    assert re.search(r'value="refused" checked', answer.text)
    assert not world.services.made("cases", "POST", f"{BEHIND}/decision")


@pytest.mark.parametrize(
    ("status", "slug", "words"),
    [
        (409, "separation-of-duties", "接办分离：这件由您受理，不能由您决定"),
        (409, "wrong-step", "这件已经不在这一步"),
        (412, "version-mismatch", "这件刚在别处改过"),
        (412, "precondition-failed", "这件刚在别处改过"),
        (422, "reason-required", "不批准要写明理由"),
    ],
)
async def test_a_refused_act_names_the_rule_and_keeps_what_was_typed(
    officer: Browser, world: World, status: int, slug: str, words: str
) -> None:
    standing(world, status="reviewed", version=3, actions=["decide"])
    world.services.on("cases", "POST", f"{BEHIND}/decision", lambda _: problem(status, slug))
    page = await officer.get(f"{HERE}?purpose=decision")
    standing(world, status="reviewed", version=8, actions=["decide"])
    typed = fields_of(page.text, "decision") | {"outcome": "granted", "reason": "条件<都>符合"}
    answer = await officer.http.post(f"{HERE}/decision", data=typed)
    assert answer.status_code == status
    assert words in answer.text
    assert "条件&lt;都&gt;符合" in answer.text
    again = fields_of(answer.text, "decision")
    assert again["version"] == "8"
    assert again["key"] != typed["key"], "what is sent now is another act"


async def test_what_was_typed_stays_when_the_step_is_gone(officer: Browser, world: World) -> None:
    page = await officer.get(f"{HERE}?purpose=intake")
    world.services.on("cases", "POST", f"{BEHIND}/return", lambda _: problem(409, "notice-already-given"))
    world.services.on("cases", "GET", BEHIND, desk_case(version=5, actions=["accept"]))
    typed = fields_of(page.text, "return") | {"other.1": "还缺一张表"}
    answer = await officer.http.post(f"{HERE}/return", data=typed)
    assert answer.status_code == 409
    assert "这件已经告知过一次" in answer.text
    assert "您刚才写的" in answer.text
    assert "还缺一张表" in answer.text


async def test_what_was_typed_stays_when_the_case_is_no_longer_this_officers(officer: Browser, world: World) -> None:
    page = await officer.get(f"{HERE}?purpose=intake")
    world.services.on("cases", "POST", f"{BEHIND}/return", lambda _: problem(412, "version-mismatch"))
    world.services.on("cases", "GET", BEHIND, lambda _: problem(403, "not-its-turn"))
    typed = fields_of(page.text, "return") | {"other.1": "还缺一张表"}
    answer = await officer.http.post(f"{HERE}/return", data=typed)
    assert answer.status_code == 412
    assert "这件已经不在这一步" in answer.text
    assert "还缺一张表" in answer.text
    assert f'action="{HERE}/enquiry"' in answer.text
    world.services.on("cases", "GET", f"{BEHIND}/materials/{FILE}", lambda _: problem(403, "not-its-turn"))
    assert path_of(await officer.get(f"{HERE}/materials/{FILE}?purpose=intake")) == f"{HERE}/enquiry"


async def test_who_took_it_in_is_told_why_they_may_not_decide(officer: Browser, world: World) -> None:
    standing(world, status="reviewed", version=3, actions=[])
    page = await officer.get(f"{HERE}?purpose=decision")
    assert "接办分离：这件由您受理，不能由您决定" in page.text
    assert f'action="{HERE}/decision"' not in page.text


async def test_an_act_without_an_answer_can_be_sent_again_as_the_same(officer: Browser, world: World) -> None:
    standing(world, status="reviewed", version=3, actions=["decide"])
    page = await officer.get(f"{HERE}?purpose=decision")
    fields = fields_of(page.text, "decision")

    def broken(_: Call) -> httpx.Response:
        return httpx.Response(502)

    world.services.on("cases", "POST", f"{BEHIND}/decision", broken)
    answer = await officer.http.post(f"{HERE}/decision", data=fields | {"outcome": "granted", "reason": "符合"})
    assert answer.status_code == 503
    again = fields_of(answer.text, "decision")
    kept = {name: fields[name] for name in ("key", "version")} | {"outcome": "granted", "reason": "符合"}
    assert {name: again[name] for name in kept} == kept


async def test_what_was_typed_waits_for_the_sign_in(officer: Browser, world: World) -> None:
    standing(world, status="reviewed", version=3, actions=["decide"])
    page = await officer.get(f"{HERE}?purpose=decision")
    fields = fields_of(page.text, "decision") | {"outcome": "refused", "reason": "写到一半"}
    del officer.http.cookies["__Host-tb-desk"]
    answer = await officer.http.post(f"{HERE}/decision", data=fields)
    back = httpx.URL(path_of(answer)).params["next"]
    assert back.startswith(f"{HERE}/decision?held=")
    await officer.callback(await officer.begin(path_of(answer)))
    assert "写到一半" in (await officer.get(back)).text
    assert not world.services.made("cases", "POST", f"{BEHIND}/decision")


async def test_a_form_from_elsewhere_does_nothing(officer: Browser, world: World) -> None:
    fields = fields_of((await officer.get(f"{HERE}?purpose=intake")).text, "acceptance")
    for spoilt in (fields | {"_token": "x"}, {"version": "1"}):
        assert (await officer.http.post(f"{HERE}/acceptance", data=spoilt)).status_code == 403
    assert not world.services.made("cases", "POST", f"{BEHIND}/acceptance")


@pytest.mark.parametrize("act", ["deletion", "acceptance%2F..", "Return"])
async def test_there_are_no_other_acts(officer: Browser, act: str) -> None:
    assert (await officer.post(f"{HERE}/{act}", {}, page=f"{HERE}/enquiry")).status_code == 404


async def test_somebody_elses_case_is_not_there(officer: Browser, world: World) -> None:
    world.services.on("cases", "GET", BEHIND, lambda _: problem(404, "case-not-found"))
    assert (await officer.get(f"{HERE}?purpose=intake")).status_code == 404


async def test_the_page_stands_without_the_catalogue(officer: Browser, world: World) -> None:
    world.services.away.add("catalog")
    page = await officer.get(f"{HERE}?purpose=intake")
    assert page.status_code == 200
    assert "2026-03-02" in page.text
    assert CASE in page.text
