"""The edge: which site answers, the API by bearer token only, limits, errors that tell people what to do."""

import httpx
import pytest

from services.kit.service import Service
from services.kit.telemetry import metrics
from tests.gateway.applications import item
from tests.gateway.conftest import Browser
from tests.gateway.world import Call, World, problem


async def test_a_host_that_is_not_ours_is_refused(browser: Browser) -> None:
    for host in ("evil.test", "portal.test:444", "portal.test@evil.test", ""):
        assert (await browser.get("/", headers={"host": host})).status_code == 421
    assert (await browser.get("/", headers={"host": "portal.test:port"})).status_code == 400
    assert (await browser.get("/", headers={"host": "PORTAL.test:443"})).status_code == 200


async def test_every_page_carries_the_policy(browser: Browser, world: World) -> None:
    await browser.sign_in()
    for path in ("/", "/cases", "/nothing", "/account"):
        headers = (await browser.get(path)).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == "no-store"
        assert "max-age" in headers["strict-transport-security"]


async def test_the_api_takes_bearer_tokens_and_no_cookies(browser: Browser, world: World) -> None:
    await browser.sign_in()
    world.services.on("cases", "GET", "/cases", lambda call: {"token": call.headers["authorization"]})
    answer = await browser.get("/api/cases/cases")
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["www-authenticate"] == "Bearer"
    taken = await browser.get("/api/cases/cases?limit=3", headers={"authorization": "Bearer theirs"})
    assert taken.json() == {"token": "Bearer theirs"}
    call = world.services.made("cases", "GET", "/cases")[-1]
    assert "cookie" not in call.headers
    assert call.query == "limit=3"
    assert call.headers["traceparent"].startswith("00-")


async def test_the_api_passes_bodies_and_problems_unchanged(browser: Browser, world: World) -> None:
    def echo(call: Call) -> httpx.Response:
        assert call.headers["idempotency-key"] == "k"
        return problem(422, "invalid", errors=[{"field": "a", "reason": "b", "detail": call.body.decode()}])

    world.services.on("cases", "POST", "/cases", echo)
    headers = {"authorization": "Bearer t", "idempotency-key": "k", "content-type": "application/json"}
    answer = await browser.http.post("/api/cases/cases", content=b'{"x": 1}', headers=headers)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["detail"] == '{"x": 1}'


@pytest.mark.parametrize("path", ["/api/identity/x", "/api/cases/../x", "/api/cases/%2e%2e/x", "/api/cases//x"])
async def test_the_api_leads_only_to_its_services(browser: Browser, world: World, path: str) -> None:
    answer = await browser.get(path, headers={"authorization": "Bearer t"})
    assert answer.status_code in (401, 404)
    assert all(".." not in call.path for call in world.services.calls)


async def test_the_documents_are_there_without_a_token(browser: Browser, world: World) -> None:
    world.services.on("cases", "GET", "/openapi.json", {"openapi": "3.1.0"})
    document = (await browser.get("/api/cases/openapi.json")).json()
    assert document == {"openapi": "3.1.0", "servers": [{"url": "/api/cases"}]}
    page = (await browser.get("/api/")).text
    assert "api-document" not in page
    assert 'data-document="/api/cases/openapi.json"' in (await browser.get("/api/?service=cases")).text
    assert "/api/cases/openapi.json" in page
    assert "cn.tongban.cases.submitted.v1" in page and "/api/asyncapi.json" in page
    events = (await browser.get("/api/asyncapi.json")).json()
    assert events["asyncapi"] == "3.0.0" and "cases-events" in events["channels"]


async def test_an_api_service_away_is_a_problem(browser: Browser, world: World) -> None:
    world.services.away.add("cases")
    answer = await browser.get("/api/cases/cases", headers={"authorization": "Bearer t"})
    assert answer.status_code == 503
    assert answer.json()["type"] == "urn:tongban:problem:service-away"
    assert answer.headers["retry-after"]


@pytest.mark.parametrize("more_settings", [{"page_rate": "5/minute", "post_rate": "2/minute", "api_rate": "3/minute"}])
async def test_one_address_may_ask_so_much(browser: Browser) -> None:
    pages = [await browser.get("/nothing") for _ in range(7)]
    assert [answer.status_code for answer in pages] == [404] * 5 + [429] * 2
    assert "操作太快了" in pages[-1].text
    assert pages[-1].headers["retry-after"] == "60"
    calls = [await browser.get("/api/cases/x", headers={"authorization": "Bearer t"}) for _ in range(4)]
    assert [answer.status_code for answer in calls] == [404] * 3 + [429]
    assert calls[-1].headers["content-type"] == "application/problem+json"
    posts = [await browser.http.post("/signout", data={"a": "b"}) for _ in range(3)]
    assert [answer.status_code for answer in posts] == [403, 403, 429]
    asked = [await browser.get("/session") for _ in range(4)]
    assert [answer.status_code for answer in asked] == [200] * 4, "open pages ask by themselves: another account"


@pytest.mark.parametrize("more_settings", [{"post_rate": "2/minute"}])
async def test_the_providers_logout_tokens_are_not_counted(browser: Browser, world: World) -> None:
    """They all come from one address, and each is signed."""
    for _ in range(5):
        token = {"logout_token": world.provider.logout_token()}
        assert (await browser.http.post("/signin/backchannel-logout", data=token)).status_code == 200


async def test_an_api_request_is_measured_once(browser: Browser, world: World) -> None:
    world.services.on("cases", "GET", "/cases", {"items": []})

    def seen() -> float:
        return sum(
            sample.value
            for family in metrics.http_seconds.collect()
            for sample in family.samples
            if sample.name.endswith("_count") and sample.labels["service"] == "gateway"
        )

    before = seen()
    await browser.get("/api/cases/cases", headers={"authorization": "Bearer t"})
    assert seen() - before == 1


async def test_a_file_passed_by_the_api_keeps_its_policy_and_digest(browser: Browser, world: World) -> None:
    headers = {"content-security-policy": "default-src 'none'; sandbox", "repr-digest": "sha-256=:AA==:"}
    world.services.on("cases", "GET", "/file", httpx.Response(200, content=b"x", headers=headers))
    answer = await browser.get("/api/cases/file", headers={"authorization": "Bearer t"})
    assert {name: answer.headers[name] for name in headers} == headers


async def test_a_fault_shows_nothing_of_the_inside(
    browser: Browser, world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.services.on("catalog", "GET", "/items/510123002000", item(limits="not what it should be: secret"))
    answer = await browser.get("/items/510123002000")
    assert answer.status_code == 500
    assert "我们这里出了错" in answer.text
    assert "secret" not in answer.text
    assert "Error" not in answer.text
    assert "content-security-policy" in answer.headers
    logged = capsys.readouterr().out
    assert "page.failed" in logged
    assert "secret" not in logged


async def test_pages_do_without_what_they_can(browser: Browser, world: World) -> None:
    await browser.sign_in()
    world.services.away |= {"notify", "catalog"}
    assert (await browser.get("/cases")).status_code == 200
    home = await browser.get("/")
    assert home.status_code == 200
    assert "目录这会儿打不开" in home.text


async def test_what_a_page_can_do_without_is_not_waited_for(browser: Browser, world: World) -> None:
    """Every page has the count of unread messages: a slow inbox must not make every page slow."""
    await browser.sign_in()
    await browser.get("/cases")
    unread, cases = (
        world.services.made("notify", "GET", "/messages/unread"),
        world.services.made("cases", "GET", "/cases"),
    )
    assert unread[-1].patience < 2 < cases[-1].patience


async def test_a_query_given_twice_or_malformed_is_a_4xx(browser: Browser) -> None:
    for query in ("q=a&q=b", "q=%ff", "q=%00"):
        assert (await browser.get(f"/items?{query}")).status_code == 400


async def test_a_page_reads_with_the_gateways_own_token_when_nobody_is_signed_in(
    browser: Browser, world: World, gateway: Service
) -> None:
    for _ in range(3):
        assert (await browser.get("/items?q=居住证&for=person")).status_code == 200
    call = world.services.made("catalog", "GET", "/items")[0]
    assert call.headers["authorization"] == "Bearer own-urn:tongban:catalog"
    assert "subject=person" in call.query
    grants = [call["grant_type"] for call in world.provider.token_calls]
    assert grants == ["client_credentials"], "one token serves every page until it expires"
