"""Live updates: who may watch, what they are told, how streams end."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from services.contracts.cases_events import CaseWithdrawn
from services.gateway.hub import Hub, TooManyStreams
from services.gateway.surfaces import live
from services.kit.service import Service
from tests.gateway.applications import CASE, case
from tests.gateway.conftest import Browser, Clock
from tests.gateway.world import Call, World


async def test_a_stream_hears_the_latest_of_its_case_and_nothing_else() -> None:
    hub = Hub(10)
    with hub.watching("a") as queue:
        hub.tell("b", 5)
        for version in (2, 3, 4):
            hub.tell("a", version)
        stream = hub.versions(queue, 0.05)
        assert await anext(stream) == 4, "a slow stream skips to the latest"
        assert await anext(stream) is None, "a beat, no news"


async def test_streams_end_when_the_process_stops() -> None:
    hub = Hub(10)
    with hub.watching("a") as queue:
        reading = asyncio.create_task(_all(hub, queue))
        await asyncio.sleep(0.05)
        hub.close()
        assert await asyncio.wait_for(reading, 1) == []
    with pytest.raises(TooManyStreams), hub.watching("a"):
        pass


async def test_streams_end_when_news_may_have_been_missed() -> None:
    hub = Hub(10)
    with hub.watching("a") as queue:
        hub.renew()
        hub.tell("a", 5)
        assert await asyncio.wait_for(_all(hub, queue), 1) == [], "the page comes again and reads the present"
    with hub.watching("a") as queue:
        hub.tell("a", 6)
        assert await anext(hub.versions(queue, 1)) == 6


async def test_a_process_keeps_only_so_many_streams() -> None:
    hub = Hub(1)
    with hub.watching("a"), pytest.raises(TooManyStreams), hub.watching("b"):
        pass
    with hub.watching("b"):
        pass


async def test_the_stream_begins_with_the_present_version(browser: Browser, gateway: Service, world: World) -> None:
    world.services.on("cases", "GET", f"/cases/{CASE}", case(version=3))
    await browser.sign_in()
    site = site_of(gateway)
    with site.hub.watching(CASE) as queue:
        stream = live.versions(site, queue, browser.http.cookies["__Host-tb-portal"], 3)
        assert b"event: version\ndata: 3\n\n" in await anext(stream)
        site.hub.tell(CASE, 4)
        assert await anext(stream) == b"event: version\ndata: 4\n\n"
        await stream.aclose()


async def test_what_happens_while_the_case_is_read_is_told(
    browser: Browser, gateway: Service, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = site_of(gateway)

    def read(_: Call) -> dict[str, object]:
        site.hub.tell(CASE, 4)
        monkeypatch.setattr(site.hub, "versions", until_quiet)
        return case(version=3)

    async def until_quiet(queue: asyncio.Queue[int], _seconds: float) -> AsyncIterator[int]:
        while not queue.empty():
            yield queue.get_nowait()

    world.services.on("cases", "GET", f"/cases/{CASE}", read)
    await browser.sign_in()
    text = (await browser.get(f"/live/cases/{CASE}")).text
    assert [line for line in text.splitlines() if line.startswith("data")] == ["data: 3", "data: 4"]
    assert not site.hub._watchers, "nothing is left behind"


@pytest.mark.parametrize("more_settings", [{"live_streams": 1}])
async def test_too_many_streams_are_refused_before_they_begin(browser: Browser, gateway: Service, world: World) -> None:
    world.services.on("cases", "GET", f"/cases/{CASE}", case())
    await browser.sign_in()
    with site_of(gateway).hub.watching("other"):
        answer = await browser.get(f"/live/cases/{CASE}")
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "10"


async def test_a_stream_ends_with_the_session(
    browser: Browser, gateway: Service, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "BEAT_SECONDS", 0.05)
    await browser.sign_in()
    site = site_of(gateway)
    with site.hub.watching(CASE) as queue:
        stream = live.versions(site, queue, browser.http.cookies["__Host-tb-portal"], 1)
        await anext(stream)
        assert await anext(stream) == b": beat\n\n"
        clock.ahead = timedelta(minutes=16)
        with pytest.raises(StopAsyncIteration):
            await anext(stream)


async def test_somebody_elses_case_cannot_be_watched(browser: Browser) -> None:
    assert (await browser.get(f"/live/cases/{CASE}")).status_code == 303, "nobody is signed in"
    await browser.sign_in()
    assert (await browser.get(f"/live/cases/{CASE}")).status_code == 404


async def test_the_page_carries_its_version_and_reads_itself_again(browser: Browser, world: World) -> None:
    world.services.on("cases", "GET", f"/cases/{CASE}", case(version=3))
    await browser.sign_in()
    page = await browser.get(f"/cases/{CASE}")
    assert f'data-live="/live/cases/{CASE}" data-version="3"' in page.text
    world.services.on("cases", "GET", f"/cases/{CASE}", case(version=4, status="withdrawn"))
    part = await browser.get(f"/cases/{CASE}", headers={"hx-target": "div#live"})
    assert 'data-version="4"' in part.text
    assert "您撤回了申请" in part.text
    assert "<html" not in part.text


def test_the_reader_hears_the_topic_of_its_events() -> None:
    from services.gateway.consumers import TOPICS

    assert CaseWithdrawn.topic in TOPICS


def site_of(gateway: Service):  # type: ignore[no-untyped-def]
    return gateway.app._surfaces[("portal.test", 443)].app.state.site  # type: ignore[attr-defined]


async def _all(hub: Hub, queue: asyncio.Queue[int]) -> list[int | None]:
    return [version async for version in hub.versions(queue, 30)]
