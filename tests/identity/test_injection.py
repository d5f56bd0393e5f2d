"""OWASP Logging Cheat Sheet, CWE-117 and CWE-113: what strangers send writes no log line and no header of its own."""

import logging
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import structlog

from tests.identity.conftest import World
from tests.identity.party import hidden

MARK = "zq7marker"
HOSTILE = f'{MARK}\r\n{{"event": "sign_in.ok"}}\x1b[2J\u2028'


async def everywhere(world: World, value: str) -> None:
    """Send `value` wherever a stranger may write."""
    portal, browser, http = world["portal"], world.browser(), world.http()
    page = (await browser.http.get(portal.address(login_hint=value.split("\r")[0]))).text
    form = {"_token": hidden(page, "_token"), "request": hidden(page, "request")}
    await browser.http.post("/signin", data=form | {"username": value, "password": value})
    await browser.http.post("/signin", data=form | {"username": "lin", "password": value, "_token": value})
    for name in (
        "client_id",
        "redirect_uri",
        "state",
        "nonce",
        "scope",
        "prompt",
        "claims",
        "ui_locales",
        "acr_values",
    ):
        for sent in (value, MARK):
            await http.get(portal.address(**{name: sent}))
    for path in ("/token", "/revoke", "/introspect", "/par", "/register", "/userinfo"):
        for name in ("grant_type", "code", "refresh_token", "token", "client_id", "client_assertion", "scope"):
            await http.post(path, data=portal.authenticated(**{name: value}))
            await http.post(path, data=portal.authenticated(**{name: MARK}))
    for header in ("Authorization", "DPoP", "User-Agent", "Origin", "Referer", "Accept-Language", "X-Forwarded-For"):
        await http.post("/token", data={"grant_type": MARK}, headers={header: f"Bearer {MARK}"})
        await http.get("/userinfo", headers={header: f"DPoP {MARK}"})
    await http.get(f"/{MARK}")
    await http.get("/logout", params={"id_token_hint": value, "state": value})


async def test_nothing_that_strangers_send_is_logged(world: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with structlog.testing.capture_logs() as events:
        structlog.get_logger().info("begun")
        await everywhere(world, HOSTILE)
    # The test's own HTTP client logs what it sends.
    records = [record for record in caplog.records if not record.name.startswith(("httpx", "httpcore", "hpack"))]
    told: list[Any] = [*events, *(record.getMessage() for record in records)]
    assert "begun" in str(told)
    assert not [one for one in told if MARK in str(one)]


def test_a_log_line_is_one_line_whatever_is_in_it(capsys: pytest.CaptureFixture[str]) -> None:
    from services.kit.telemetry import configure_logging

    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    try:
        configure_logging("identity")
        structlog.get_logger().info("tried", who=HOSTILE)
        logging.getLogger("library").warning("tried %s", HOSTILE)
    finally:
        structlog.reset_defaults()
        root.handlers[:], root.level = handlers, level
    lines = capsys.readouterr().out.strip("\n").split("\n")
    assert len(lines) == 2
    assert not any("\r" in line or "\x1b" in line for line in lines)


async def test_what_is_echoed_makes_no_header(world: World, subtests: pytest.Subtests) -> None:
    """RFC 9110 §5.5: state, the redirect URI's query and the scheme of a refused header come back escaped."""
    portal, http = world["portal"], world.http()
    for state in ("a; Set-Cookie: x=y", "é漢\u2028", 'q"\\', "%0d%0aX-Evil: 1", "a b+c&d=e#f"):
        with subtests.test(state=state):
            answer = await http.get(portal.address(state=state, prompt="none"))
            location = answer.headers["location"]
            assert location.isascii() and " " not in location
            assert parse_qs(urlsplit(location).query)["state"] == [state]
            assert not {"set-cookie", "x-evil"} & answer.headers.keys()
    for scheme in ('Ba"sic', "Basic,Evil", "x" * 80, "Bäsic", ""):
        with subtests.test(scheme=scheme):
            raw = scheme.encode() + b" x"
            answer = await http.post("/token", data={"grant_type": "refresh_token"}, headers=[(b"authorization", raw)])
            challenge = answer.headers.get("www-authenticate", "")
            assert answer.status_code in (400, 401)
            assert challenge.isascii() and challenge.count('"') % 2 == 0 and "Evil" not in challenge
