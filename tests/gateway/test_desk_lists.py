"""The desk's queues, search, account and subscriptions: what the roles show, keysets, secrets shown once."""

import re
from typing import Any

import httpx
import pytest

from services.kit.service import Service
from tests.gateway.applications import CASE, due
from tests.gateway.conftest import Browser, path_of
from tests.gateway.desk_parts import EVERYTHING, GRANTS, HERE, QUEUES, SETTINGS, granting, officer_at, summary
from tests.gateway.world import World, problem

SUBSCRIPTION = "5" * 32
SECRET = "whsec_c2VjcmV0"
ONE = f"/subscriptions/{SUBSCRIPTION}"
pytestmark = pytest.mark.parametrize("more_settings", [SETTINGS])


@pytest.fixture
async def officer(gateway: Service, world: World) -> Browser:
    granting(world, [*GRANTS, {"org": "*", "role": "integrator"}])
    world.services.on("notify", "GET", ONE, subscription())
    world.services.on("notify", "GET", f"{ONE}/attempts", {"items": [attempt()], "next": None})
    return await officer_at(gateway, world)


def rows(world: World, *found: dict[str, Any], following: str | None = None) -> None:
    world.services.on("cases", "GET", "/desk/cases", {"items": list(found), "next": following})


def subscription(**changed: Any) -> dict[str, Any]:
    return {
        "id": SUBSCRIPTION,
        "organisation": "*",
        "types": [],
        "filters": [],
        "sink": "https://department.test/events",
        "status": "active",
        "reason": None,
        "created_at": "2026-11-24T02:00:00+00:00",
        "waiting": 0,
        "parked": 1,
        "failing_since": None,
    } | changed


def attempt(**changed: Any) -> dict[str, Any]:
    return {
        "id": 1,
        "delivery_id": 7,
        "event_id": "e" * 32,
        "case_id": CASE,
        "number": 2,
        "at": "2026-11-24T02:00:00+00:00",
        "milliseconds": 12,
        "status": 500,
        "cause": "HTTP 500",
        "delivery_state": "parked",
    } | changed


async def test_the_desk_begins_where_something_waits(officer: Browser, world: World) -> None:
    assert path_of(await officer.get("/")) == "/queues/intake"
    world.services.on("cases", "GET", "/desk/queues", QUEUES | {"intake": 0, "delivery": 3})
    assert path_of(await officer.get("/")) == "/queues/delivery"


async def test_only_queues_of_the_officers_roles_are_shown(officer: Browser, world: World) -> None:
    rows(world)
    text = (await officer.get("/queues/intake")).text
    assert re.findall(r'<a href="/queues/(\w+)"', text) == ["intake", "delivery", "returned", "closed"]
    assert path_of(await officer.get("/queues/review")) == "/"
    assert (await officer.get("/queues/everything")).status_code == 404


async def test_without_any_role_the_page_says_whom_to_ask(officer: Browser, world: World) -> None:
    world.services.on("cases", "GET", "/desk/queues", lambda _: problem(403, "forbidden"))
    assert "您还没有办件的角色" in (await officer.get("/")).text


@pytest.mark.parametrize(
    ("days", "words", "kind", "width"),
    [(5, "5 天", "u", "2"), (3, "3 天", "w", "24"), (0, "0 天", "w", "60"), (-2, "超 2 天", "o", "60")],
)
async def test_a_row_says_what_is_left(
    officer: Browser, world: World, days: int, words: str, kind: str, width: str
) -> None:
    rows(world, summary(act_days_left=days, applicant={"sub": "x", "name": "<b>林"}))
    text = (await officer.get("/queues/intake")).text
    assert f'<rect class="{kind}" width="{width}" height="8"/></svg>{words}</td>' in text
    assert "&lt;b&gt;林" in text
    assert f'href="/cases/{CASE}?purpose=intake"' in text


async def test_a_row_without_a_limit_has_no_bar(officer: Browser, world: World) -> None:
    nothing = due(basis="none", days=None, date=None, days_left=None, days_used=None)
    rows(world, summary(due=nothing, act_by=None, act_days_left=None))
    text = (await officer.get("/queues/intake")).text
    assert "没有时限" in text
    assert '<svg class="bar"' not in text


async def test_pages_go_on_by_cursor(officer: Browser, world: World) -> None:
    rows(world, summary(), following="a b&c")
    link = re.search(r'href="(/queues/intake\?cursor=[^"]+)"', (await officer.get("/queues/intake")).text)
    assert link
    second = await officer.get(link[1])
    asked = httpx.QueryParams(world.services.made("cases", "GET", "/desk/cases")[-1].query)
    assert (asked["queue"], asked["cursor"]) == ("intake", "a b&c")
    assert "回到第一页" in second.text


async def test_search_leads_to_ones_own_step_or_asks_why(officer: Browser, world: World) -> None:
    rows(world, summary(), summary(id="e" * 32, status="accepted"), summary(id="f" * 32, status="delivered"))
    text = (await officer.get("/search", params={"q": " 林晓梅 "})).text
    asked = httpx.QueryParams(world.services.made("cases", "GET", "/desk/cases")[-1].query)
    assert asked["q"] == "林晓梅"
    assert re.findall(r'<td><a href="([^"]+)"', text) == [
        f"/cases/{CASE}?purpose=intake",
        f"/cases/{'e' * 32}/enquiry",
        f"/cases/{'f' * 32}/enquiry",
    ]
    assert path_of(await officer.get("/search?q=")) == "/"


async def test_what_was_done_is_told_and_nothing_else(officer: Browser, world: World) -> None:
    rows(world)
    told = await officer.get("/queues/intake?done=acceptance&number=511602-20261124-00001")
    assert "已受理" in told.text
    assert "511602-20261124-00001" in told.text
    spoilt = await officer.get("/queues/intake", params={"done": "x", "number": "<script>"})
    assert "script>" not in spoilt.text.replace("<script src", "").replace("</script>", "")
    assert 'class="just"' not in spoilt.text


async def test_the_account_offers_another_one_and_the_way_out(officer: Browser, world: World) -> None:
    text = (await officer.get("/account")).text
    assert "受理、送达、对接" in text
    assert "/signin?prompt=select_account&amp;next=/" in text
    asked = await officer.begin("/signin?prompt=select_account&next=/")
    assert asked.params["prompt"] == "select_account"
    left = await officer.post("/signout", {}, page="/account")
    assert left.headers["location"].startswith("https://identity.test/logout?")


@pytest.mark.parametrize(
    ("path", "shown", "name"),
    [("/subscriptions", "/subscriptions/new", "sink"), (f"{HERE}/enquiry", f"{HERE}/enquiry", "reason")],
)
async def test_what_was_typed_at_the_desk_waits_for_the_sign_in(
    officer: Browser, world: World, path: str, shown: str, name: str
) -> None:
    page = await officer.get(shown)
    fields = dict(re.findall(r'name="(_token|owner)" value="([^"]+)"', page.text))
    del officer.http.cookies["__Host-tb-desk"]
    answer = await officer.http.post(path, data=fields | {name: "https://typed.example/"})
    back = httpx.URL(path_of(answer)).params["next"]
    assert back.startswith(f"{shown}?held=")
    await officer.callback(await officer.begin(path_of(answer)))
    assert "https://typed.example/" in (await officer.get(back)).text
    assert not world.services.made("notify", "POST", "/subscriptions")


@pytest.mark.parametrize(
    ("shown", "path", "fields", "back"),
    [
        ("/subscriptions/new", "/subscriptions", {"sink": "https://typed.example/", "organisation": "*"}, "?held="),
        (ONE, f"{ONE}/secret", {}, ""),
    ],
)
async def test_rfc_9470_a_sign_in_that_is_too_old_is_made_again_and_nothing_typed_is_lost(
    officer: Browser, world: World, shown: str, path: str, fields: dict[str, str], back: str
) -> None:
    old = problem(401, "insufficient-user-authentication", max_age=3600)
    service_path = path.replace("/secret", "/secrets")
    world.services.on("notify", "POST", service_path, lambda _: old)
    page = await officer.get(shown)
    hidden = dict(re.findall(r'name="(_token|owner|key)" value="([^"]+)"', page.text))
    answer = await officer.http.post(path, data=hidden | fields)
    assert len(world.services.made("notify", "POST", service_path)) == 1, "another token would be as old"
    there = httpx.URL(path_of(answer)).params
    assert there["max_age"] == "3600" and there["next"].startswith(f"{shown}{back}")
    asked = await officer.begin(path_of(answer))
    assert asked.params["max_age"] == "3600"
    await officer.callback(asked)
    again = (await officer.get(there["next"])).text
    assert all(value in again for value in fields.values())
    # What an address asks for is a number or nothing.
    assert "max_age" not in (await officer.begin("/signin?max_age=x")).params


async def test_a_change_asked_for_by_a_link_leads_to_its_subscription(officer: Browser) -> None:
    assert path_of(await officer.get(f"{ONE}/resume")) == ONE


async def test_only_an_integrator_is_shown_subscriptions(gateway: Service, world: World) -> None:
    granting(world, GRANTS)
    clerk = await officer_at(gateway, world)
    rows(world)
    assert "/subscriptions" not in (await clerk.get("/queues/intake")).text
    world.services.on("notify", "GET", "/subscriptions", lambda _: problem(403, "forbidden"))
    assert (await clerk.get("/subscriptions")).status_code == 403


async def test_a_token_that_tells_nothing_gives_no_roles(gateway: Service, world: World) -> None:
    clerk = await officer_at(gateway, world)
    assert "还没有角色" in (await clerk.get("/account")).text


NEW = {"organisation": "*", "sink": "https://department.test/events", "key": "k" * 32}


async def test_a_subscription_shows_its_secret_once(officer: Browser, world: World) -> None:
    made = subscription(status="pending", reason="connect", secret=SECRET)
    world.services.on("notify", "POST", "/subscriptions", lambda _: httpx.Response(201, json=made))
    wanted = NEW | {"types": "cn.tongban.cases.decided.v1", "filters": '[{"prefix": {"type": "cn"}}]'}
    answer = await officer.post("/subscriptions", wanted, page="/subscriptions/new")
    assert answer.status_code == 200
    assert f"tongban listen --secret {SECRET}" in answer.text
    assert "no-store" in answer.headers["cache-control"]
    assert "连不上" in answer.text
    call = world.services.made("notify", "POST", "/subscriptions")[0]
    assert call.headers["idempotency-key"] == "k" * 32
    assert call.json == {
        "organisation": "*",
        "sink": "https://department.test/events",
        "types": ["cn.tongban.cases.decided.v1"],
        "filters": [{"prefix": {"type": "cn"}}],
    }
    assert SECRET not in (await officer.get(ONE)).text


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"organisation": ""}, "请选部门"),
        ({"sink": ""}, "请填接收地址"),
        ({"filters": "{"}, "筛选要写成 JSON 数组"),
        ({"filters": '{"exact": {}}'}, "筛选要写成 JSON 数组"),
        ({"filters": "[" * 9000}, "筛选要写成 JSON 数组"),
    ],
)
async def test_what_is_wrong_comes_back_filled(
    officer: Browser, world: World, wrong: dict[str, str], words: str
) -> None:
    answer = await officer.post("/subscriptions", NEW | wrong, page="/subscriptions/new")
    assert answer.status_code == 422
    assert words in answer.text
    assert "有 1 处要改" in answer.text
    assert not world.services.made("notify", "POST", "/subscriptions")


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ([{"field": "sink", "reason": "address-refused", "detail": ""}], "这个地址不能推送"),
        ([{"field": "filters.0.exact", "reason": "x", "detail": ""}] * 3, "筛选写得不对，请照例子核对"),
        ([], "没有收下，请核对再试"),
    ],
)
async def test_what_the_service_refuses_is_told_once(
    officer: Browser, world: World, fields: list[dict[str, str]], words: str
) -> None:
    world.services.on("notify", "POST", "/subscriptions", lambda _: problem(422, "invalid", errors=fields))
    answer = await officer.post("/subscriptions", NEW, page="/subscriptions/new")
    assert answer.status_code == 422
    assert "有 1 处要改" in answer.text
    assert words in answer.text
    assert 'value="https://department.test/events"' in answer.text


@pytest.mark.parametrize(("change", "status"), [("pause", "paused"), ("resume", "active")])
async def test_pause_and_resume(officer: Browser, world: World, change: str, status: str) -> None:
    world.services.on("notify", "PATCH", ONE, subscription())
    answer = await officer.post(f"{ONE}/{change}", {}, page=ONE)
    assert path_of(answer) == f"{ONE}?done={change}"
    assert world.services.made("notify", "PATCH", ONE)[0].json == {"status": status}


async def test_the_secret_is_rotated_with_an_overlap(officer: Browser, world: World) -> None:
    body = {"secret": SECRET, "previous_valid_until": "2026-11-25T02:00:00+00:00"}
    world.services.on("notify", "POST", f"{ONE}/secrets", lambda _: httpx.Response(201, json=body))
    answer = await officer.post(f"{ONE}/secret", {"key": "r" * 32}, page=ONE)
    assert SECRET in answer.text
    assert "11月25日 周三 10:00" in answer.text
    assert world.services.made("notify", "POST", f"{ONE}/secrets")[0].headers["idempotency-key"] == "r" * 32


async def test_a_delivery_is_sent_again(officer: Browser, world: World) -> None:
    world.services.on("notify", "POST", f"{ONE}/redeliveries", lambda _: httpx.Response(202, json={"count": 1}))
    page = await officer.get(ONE)
    assert "没送到：HTTP 500" in page.text
    assert 'name="delivery" value="7"' in page.text
    assert path_of(await officer.post(f"{ONE}/resend", {"delivery": "7"}, page=ONE)) == f"{ONE}?done=resend"
    assert world.services.made("notify", "POST", f"{ONE}/redeliveries")[0].json == {"delivery_id": 7}
    assert (await officer.post(f"{ONE}/resend", {"delivery": "x"}, page=ONE)).status_code == 400


async def test_a_change_that_cannot_be_says_why(officer: Browser, world: World) -> None:
    world.services.on("notify", "PATCH", ONE, lambda _: problem(409, "sink-not-verified"))
    answer = await officer.post(f"{ONE}/pause", {}, page=ONE)
    assert answer.status_code == 409
    assert "对方还没有确认，现在不能暂停" in answer.text


async def test_removal_and_nothing_else(officer: Browser, world: World) -> None:
    world.services.on("notify", "DELETE", ONE, lambda _: httpx.Response(204))
    assert path_of(await officer.post(f"{ONE}/removal", {}, page=ONE)) == "/subscriptions?removed=1"
    assert (await officer.post(f"{ONE}/sale", {}, page=ONE)).status_code == 404
    assert len(world.services.made("notify", "DELETE", ONE)) == 1


async def test_every_text_has_its_english(officer: Browser, world: World) -> None:
    world.services.on("cases", "GET", "/desk/queues", EVERYTHING)
    rows(world, summary(item=summary()["item"] | {"organisation": {"id": "o", "name": {"zh": "x", "en": "Bureau"}}}))
    for path in ("/queues/intake", "/queues/closed", "/account", "/subscriptions/new", ONE):
        text = (await officer.get(path, headers={"accept-language": "en"})).text
        own = re.sub(r"<[^>]*lang=\"zh-CN\"[^>]*>[^<]*|林晓梅|中文|通办", "", text)
        assert not re.findall(r"[\u4e00-\u9fff]+", re.sub(r"<script.*?</script>", "", own)), path
