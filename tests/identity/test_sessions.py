"""SSO sessions: rotation, fixation, CSRF, time-outs, realms (item 9; OWASP Session Management)."""

import pytest
from sqlalchemy import select

from services.identity.handlers.workers import Housekeeping
from services.identity.store.tables import SESSIONS, TABLES
from tests.identity.conftest import World
from tests.identity.party import PASSWORD, hidden, query

CITIZEN, STAFF = "__Host-tb-sso-citizen", "__Host-tb-sso-staff"


async def events(world: World) -> list[str]:
    async with world.work(readonly=True) as work:
        rows = (await work.execute(select(TABLES.outbox.c.headers).order_by(TABLES.outbox.c.id))).scalars().all()
    return [str(row) for row in rows if b"identity.session" in row]


async def test_the_cookie_is_host_bound_secure_and_hidden_from_scripts(world: World) -> None:
    answer = await world.browser().sign_in(world["portal"])
    cookie = next(c for c in answer.headers.get_list("set-cookie") if c.startswith(CITIZEN))
    attributes = {part.strip().lower() for part in cookie.split(";")[1:]}
    assert {"secure", "httponly", "path=/", "samesite=lax"} <= attributes
    assert not any(part.startswith(("domain", "max-age", "expires")) for part in attributes)


async def test_the_session_id_rotates_at_every_sign_in(world: World) -> None:
    portal, browser = world["portal"], world.browser()
    # A cookie that somebody planted is never taken up.
    browser.http.cookies.set(CITIZEN, "planted" * 6 + "x", domain="id.example", path="/")
    await browser.tokens(portal)
    first = browser.http.cookies[CITIZEN]
    assert "planted" not in first
    await browser.tokens(portal, prompt="login")
    second = browser.http.cookies[CITIZEN]
    assert second != first
    browser.http.cookies.clear()
    browser.http.cookies.set(CITIZEN, first, domain="id.example", path="/")
    assert (await browser.silent(portal))["error"] == "login_required"
    browser.http.cookies.set(CITIZEN, second, domain="id.example", path="/")
    assert "code" in await browser.silent(portal)


async def test_another_person_ends_the_session_before(world: World) -> None:
    portal, browser = world["portal"], world.browser()
    lin = await browser.tokens(portal, "lin")
    await browser.tokens(portal, "zhang", prompt="login")
    assert (await portal.refresh(lin["refresh_token"])).json()["error"] == "invalid_grant"
    async with world.work(readonly=True) as work:
        ended = (await work.execute(select(SESSIONS.c.ended_at))).scalars().all()
    assert sorted(value is None for value in ended) == [False, True]
    assert "replaced" in "".join([await outbox_values(world)])


async def outbox_values(world: World) -> str:
    async with world.work(readonly=True) as work:
        rows = (await work.execute(select(TABLES.outbox.c.value).order_by(TABLES.outbox.c.id))).scalars().all()
    return "\n".join(row.decode() for row in rows)


async def test_a_sign_in_form_needs_its_token_cookie_and_site(world: World, subtests: pytest.Subtests) -> None:
    portal, browser = world["portal"], world.browser()
    page = await browser.http.get(portal.address())
    form = {"request": hidden(page.text, "request"), "username": "lin", "password": PASSWORD}
    good = form | {"_token": hidden(page.text, "_token")}
    stranger = world.browser()
    theirs = hidden((await stranger.http.get(portal.address())).text, "_token")
    for case, http, data, headers in (
        ("no token", browser.http, form, {}),
        ("a token of another browser", browser.http, form | {"_token": theirs}, {}),
        ("no cookie", world.http(), good, {}),
        ("another site", browser.http, good, {"Origin": "https://evil.example"}),
        ("another site by fetch metadata", browser.http, good, {"Sec-Fetch-Site": "cross-site"}),
        ("a null origin", browser.http, good, {"Origin": "null"}),
    ):
        with subtests.test(case=case):
            answer = await http.post("/signin", data=data, headers=headers)
            assert answer.status_code == 422
            assert CITIZEN not in answer.headers.get("set-cookie", "")
            assert 'value="lin"' in answer.text
    answer = await browser.http.post("/signin", data=good, headers={"Origin": "https://id.example"})
    assert answer.status_code == 303


async def test_idle_and_absolute_time_outs(world: World) -> None:
    portal, browser = world["portal"], world.browser()
    await browser.tokens(portal)
    for _ in range(4):
        world.clock.forward(minutes=20)
        assert "code" in await browser.silent(portal)
    world.clock.forward(minutes=21)
    assert (await browser.silent(portal))["error"] == "login_required"
    await browser.tokens(portal)
    for _ in range(52):
        world.clock.forward(minutes=13.9)
        found = await browser.silent(portal)
    assert found["error"] == "login_required"


async def test_a_person_who_is_active_at_a_surface_until_the_last_minute_goes_on(world: World) -> None:
    """The gateway's own 15 minutes count from the last click; here the last use is a token's life older."""
    portal = world["portal"]
    tokens = await world.browser().tokens(portal)
    world.clock.forward(seconds=29)  # a use so soon is not noted
    tokens = (await portal.refresh(tokens["refresh_token"])).json()
    world.clock.forward(seconds=tokens["expires_in"])  # the last click, still with this token
    world.clock.forward(minutes=15)
    assert (await portal.refresh(tokens["refresh_token"])).status_code == 200


async def test_housekeeping_ends_timed_out_sessions_once_and_tells(world: World) -> None:
    portal = world["portal"]
    await world.browser().tokens(portal)
    world.clock.forward(minutes=22)
    assert await Housekeeping(world.provider).round() > 0
    told = await outbox_values(world)
    assert told.count('"reason":"idle"') == 1
    await Housekeeping(world.provider).round()
    assert (await outbox_values(world)).count('"reason"') == 1
    assert len(await events(world)) == 2


async def test_realms_are_two_worlds(world: World) -> None:
    portal, desk, browser = world["portal"], world["desk"], world.browser()
    await browser.tokens(portal, "lin")
    assert (await browser.silent(desk))["error"] == "login_required"
    await browser.tokens(desk, "clerk")
    assert {CITIZEN, STAFF} <= set(browser.http.cookies)
    citizen = await portal.claims((await portal.redeem((await browser.silent(portal))["code"])).json()["id_token"])
    officer = await desk.claims((await desk.redeem((await browser.silent(desk))["code"])).json()["id_token"])
    assert (citizen["realm"], officer["realm"]) == ("citizen", "staff")
    # An account of one realm does not exist in the other, and a cookie of one is nothing in the other.
    assert (await world.browser().sign_in(desk, "lin")).status_code == 422
    assert (await world.browser().sign_in(portal, "clerk")).status_code == 422
    swapped = world.browser()
    swapped.http.cookies.set(STAFF, browser.http.cookies[CITIZEN], domain="id.example", path="/")
    assert (await swapped.silent(desk))["error"] == "login_required"


async def test_a_sign_in_is_audited_without_names(world: World) -> None:
    await world.browser().tokens(world["portal"])
    async with world.work(readonly=True) as work:
        audit = TABLES.audit.audit
        rows = (await work.execute(select(audit).where(audit.c.action == "sign_in"))).all()
    assert len(rows) == 1
    assert (rows[0].realm, rows[0].client) == ("citizen", "portal")
    assert "lin" not in str(tuple(rows[0]))


async def test_the_code_goes_to_the_client_with_303_and_no_referrer(world: World) -> None:
    answer = await world.browser().sign_in(world["portal"])
    assert answer.status_code == 303
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cache-control"] == "no-store"
    assert "code" in query(answer.headers["location"])
