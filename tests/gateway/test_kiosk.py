"""The kiosk: silent sign-in, the web's draft gone on with, and that leaving (or walking away) leaves nothing."""

import re
from datetime import timedelta

import httpx
import pytest

from services.gateway.store import Work
from services.kit.service import Service
from tests.gateway.applications import CASE, DRAFT, case, draft, item
from tests.gateway.conftest import Browser, Clock, path_of
from tests.gateway.world import World, client_key

KIOSK = "https://kiosk.test"
COOKIE = "__Host-tb-kiosk"
SETTINGS = {"surfaces": ["kiosk"], "kiosk_origin": KIOSK, "kiosk_private_key": client_key()}
LOGOUT = "https://identity.test/logout?"
pytestmark = pytest.mark.parametrize("more_settings", [SETTINGS])


@pytest.fixture
def visitor(gateway: Service, world: World) -> Browser:
    """Somebody at the kiosk, not signed in there."""
    return Browser(gateway, world, KIOSK)


@pytest.fixture
async def person(visitor: Browser, world: World) -> Browser:
    """The same, signed in, with a draft begun on the web."""
    world.services.on("catalog", "GET", "/items/510123002000(/versions/3)?", item())
    world.services.on("cases", "GET", "/drafts", {"items": [draft()], "next": None})
    world.services.on("cases", "GET", f"/drafts/{DRAFT}", draft(answers={"kind": "person", "name": "林晓梅"}))
    world.services.on("cases", "GET", f"/cases/{CASE}", case())
    await visitor.sign_in("/")
    return visitor


def refresh_of(answer: httpx.Response) -> tuple[int, str]:
    """Seconds and address of a Refresh header."""
    seconds, _, address = answer.headers["refresh"].partition("; url=")
    return int(seconds), address


def without_scripts(answer: httpx.Response) -> str:
    """Where a page goes by itself where there are no scripts."""
    found = re.search(r'<noscript><meta http-equiv="refresh" content="([^"]+)"></noscript>', answer.text)
    return found[1] if found else ""


async def test_nobody_needs_to_sign_in_to_look_around(visitor: Browser) -> None:
    page = await visitor.get("/")
    assert page.status_code == 200
    for key in ("/drafts", "/items", "/cases"):
        assert f'href="{key}"' in page.text
    assert without_scripts(page) == "", "the start shows nothing of anybody and stays"
    assert without_scripts(await visitor.get("/items?q=x")) == "60; url=/"


async def test_who_is_signed_in_on_the_web_goes_on_without_a_password(visitor: Browser) -> None:
    answer = await visitor.get("/drafts")
    assert path_of(answer) == "/signin?next=%2Fdrafts&silent=1"
    asked = await visitor.begin(path_of(answer))
    assert (asked.params["prompt"], asked.params["client_id"]) == ("none", "kiosk")
    assert path_of(await visitor.callback(asked)) == "/drafts"
    assert (await visitor.get("/drafts")).status_code == 200


async def test_who_is_not_gets_the_sign_in_page(visitor: Browser) -> None:
    asked = await visitor.begin(path_of(await visitor.get("/drafts")))
    refused = {"error": "login_required", "state": asked.params["state"], "iss": "https://identity.test"}
    back = await visitor.get("/signin/callback", params=refused)
    assert path_of(back) == "/drafts"
    answer = await visitor.get("/drafts")
    assert path_of(answer) == "/signin?next=%2Fdrafts"
    assert "prompt" not in (await visitor.begin(path_of(answer))).params


@pytest.mark.parametrize("way", ["/signin?next=/", "/signin?next=/drafts&silent=1", "/signin?prompt=select_account"])
async def test_after_a_session_that_ran_out_the_password_is_asked(person: Browser, clock: Clock, way: str) -> None:
    """The provider may still know the last person; the cookie says that somebody else may stand here now."""
    clock.ahead = timedelta(seconds=61)
    answer = await person.get("/cases")
    assert (await person.begin(path_of(answer))).params["prompt"] == "login"
    assert (await person.begin(way)).params["prompt"] == "login"


@pytest.mark.parametrize("way", ["/wiped", "/idle?next=/cases", "/session/ended?next=/cases", "/signout"])
async def test_a_session_that_ran_out_is_signed_out_at_the_provider_all_the_same(
    person: Browser, gateway: Service, clock: Clock, way: str
) -> None:
    token = await person.token("/end")
    clock.ahead = timedelta(hours=2)
    async with Work(gateway.context) as work:
        await work.prune({"kiosk": 12 * 3600})
    left = await (person.http.post(way, data={"_token": token}) if way == "/signout" else person.get(way))
    assert left.headers["location"].startswith(LOGOUT)
    asked = httpx.URL(left.headers["location"]).params
    assert asked["id_token_hint"]
    assert (await person.begin("/signin?next=/")).params["prompt"] == "login", "until the provider has said so"
    done = await person.get("/signout/done", params={"state": asked["state"]})
    assert "自助机和网上都退出了" in done.text
    assert not person.http.cookies.get(COOKIE)
    assert "prompt" not in (await person.begin("/signin?next=/")).params


@pytest.mark.parametrize("way", ["/wiped", "/signout"])
async def test_what_cannot_be_signed_out_is_not_said_to_be(
    person: Browser, gateway: Service, clock: Clock, way: str
) -> None:
    token = await person.token("/end")
    clock.ahead = timedelta(hours=13)
    async with Work(gateway.context) as work:
        await work.prune({"kiosk": 12 * 3600})
    answer = await (person.http.post(way, data={"_token": token}) if way == "/signout" else person.get(way))
    assert path_of(answer) == "/signout/done"
    for path in ("/signout/done", "/signout/done?state=made-up"):
        assert "都退出了" not in (await person.get(path)).text
    assert (await person.begin("/signin?next=/")).params["prompt"] == "login"


async def test_a_provider_away_keeps_the_session_to_be_signed_out(
    person: Browser, gateway: Service, world: World
) -> None:
    token = await person.token("/end")
    site = gateway.app._surfaces[("kiosk.test", 443)].app.state.site  # type: ignore[attr-defined]
    site.client.provider._metadata = None
    world.provider.away = True
    assert (await person.http.post("/signout", data={"_token": token})).status_code == 503
    world.provider.away = False
    assert (await person.http.post("/signout", data={"_token": token})).headers["location"].startswith(LOGOUT)


async def test_the_draft_of_the_web_is_gone_on_with(person: Browser) -> None:
    assert f'href="/apply/{DRAFT}"' in (await person.get("/drafts")).text
    page = await person.get(f"/apply/{DRAFT}/pages/who")
    assert 'value="林晓梅"' in page.text
    assert 'class="kiosk"' in page.text


async def test_a_page_in_use_keeps_the_session(person: Browser, clock: Clock) -> None:
    for _ in range(4):
        clock.ahead += timedelta(seconds=30)
        assert (await person.get("/cases")).status_code == 200


async def test_a_page_without_scripts_asks_in_time(person: Browser, clock: Clock) -> None:
    clock.ahead = timedelta(seconds=10)
    page = await person.get("/cases?cursor=x")
    # A minute less the warning; the clock goes on while the page is made.
    assert without_scripts(page) in [f"{left}; url=/idle?next=%2Fcases%3Fcursor%3Dx" for left in (34, 35)]


async def test_asking_is_no_use_and_leads_to_the_wipe(person: Browser, clock: Clock) -> None:
    clock.ahead = timedelta(seconds=35)
    for _ in range(2):
        asked = await person.get("/idle?next=/cases")
        assert refresh_of(asked) in [(left, "/wiped") for left in (19, 20, 21)]
        assert "您还在吗？" in asked.text
        assert 'name="next" value="/cases"' in asked.text
    clock.ahead = timedelta(seconds=56)
    left = await person.get("/wiped")
    assert left.headers["location"].startswith(LOGOUT)
    assert "id_token_hint=" in left.headers["location"]
    await person.get("/signout/done", params={"state": httpx.URL(left.headers["location"]).params["state"]})
    assert not person.http.cookies.get(COOKIE)


async def test_going_on_in_time_keeps_everything(person: Browser, clock: Clock) -> None:
    clock.ahead = timedelta(seconds=40)
    answer = await person.post("/session", {"next": "/cases"}, page="/idle?next=/cases")
    assert path_of(answer) == "/cases"
    clock.ahead = timedelta(seconds=90)
    assert (await person.get("/cases")).status_code == 200


@pytest.mark.parametrize("next_", ["https://elsewhere.test/", "//elsewhere.test", "/\\elsewhere.test"])
async def test_going_on_leads_nowhere_else(person: Browser, next_: str) -> None:
    page = await person.get("/idle", params={"next": next_})
    assert 'name="next" value="/"' in page.text


async def test_a_link_to_the_wipe_throws_nobody_out(person: Browser) -> None:
    assert path_of(await person.get("/wiped")) == "/"
    assert person.http.cookies.get(COOKIE)
    assert (await person.get("/cases")).status_code == 200


async def test_the_end_key_ends_both_and_clears(person: Browser, world: World) -> None:
    assert "结束并清除" in (await person.get("/cases")).text
    await person.get("/cases?lang=en")
    left = await person.post("/signout", {}, page="/end")
    assert left.headers["location"].startswith(LOGOUT)
    asked = httpx.URL(left.headers["location"]).params
    assert asked["post_logout_redirect_uri"] == f"{KIOSK}/signout/done"
    done = await person.get("/signout/done", params={"state": asked["state"]})
    assert not [name for name in person.http.cookies if "signin" not in name], "nor how they like to read"
    for answer in (left, done):
        assert answer.headers["clear-site-data"] == '"cache", "storage"'
    assert refresh_of(done) == (8, "/")
    assert "林晓梅" not in done.text
    assert path_of(await person.get("/cases")).startswith("/signin?")


async def test_what_ended_says_nothing_of_where_it_was(visitor: Browser) -> None:
    answer = await visitor.get(f"/session/ended?next=/apply/{DRAFT}")
    assert path_of(answer) == "/signout/done"


async def test_no_page_stays_in_a_cache(person: Browser) -> None:
    for path in ("/", "/drafts", "/cases", f"/cases/{CASE}", f"/apply/{DRAFT}/pages/who", "/end", "/idle"):
        answer = await person.get(path)
        assert answer.status_code == 200, path
        assert answer.headers["cache-control"] == "no-store", path


async def test_a_paper_is_shown_inside_a_page_that_wipes(person: Browser, world: World) -> None:
    policy = "default-src 'none'; frame-ancestors 'none'; sandbox"
    paper = httpx.Response(200, text="决定", headers={"content-type": "text/html", "content-security-policy": policy})
    world.services.on("cases", "GET", f"/cases/{CASE}/result", paper)
    page = await person.get(f"/cases/{CASE}/result")
    assert f'<iframe src="/cases/{CASE}/result?frame=1"' in page.text
    assert f'href="/cases/{CASE}"' in page.text
    assert "frame-src 'self'" in page.headers["content-security-policy"]
    assert "script-src 'self'" in page.headers["content-security-policy"]
    assert without_scripts(page)
    inside = await person.get(f"/cases/{CASE}/result?frame=1")
    assert inside.text == "决定"
    assert inside.headers["x-frame-options"] == "SAMEORIGIN"
    assert inside.headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'self'; sandbox"


async def test_forms_need_their_token_here_too(person: Browser, world: World) -> None:
    answer = await person.http.post(f"/apply/{DRAFT}/pages/who", data={"name": "x", "version": "4"})
    assert answer.status_code == 403
    assert not world.services.made("cases", "PUT", ".*")


async def test_every_text_of_the_kiosk_has_its_english(person: Browser) -> None:
    for path in ("/", "/drafts", "/end", "/idle", "/signout/done", f"/cases/{CASE}/result"):
        text = (await person.get(path, headers={"accept-language": "en"})).text
        own = re.sub(r"林晓梅|中文|通办", "", text)
        assert not re.findall(r"[\u4e00-\u9fff]+", own), path
