"""RFC 9470: a department's webhook secret is shown to people who signed in a short time ago, and to its own client."""

import time
from typing import Any

import httpx
import pytest

from services.kit.ids import new_id
from services.kit.service import Service
from tests.notify.conftest import DEPARTMENT, ORG, token

BODY = {"organisation": ORG, "sink": "https://sink.example/"}
ASKED = {"/subscriptions": BODY, f"/subscriptions/{'0' * 32}/secrets": {}}


def officer(seconds_ago: int, **claims: Any) -> dict[str, str]:
    signed_in = {"auth_time": int(time.time()) - seconds_ago} | claims
    return token("wang", "staff", ((ORG, "integrator"),), **signed_in) | {"Idempotency-Key": new_id()}


async def asked(http: httpx.AsyncClient, headers: dict[str, str]) -> list[httpx.Response]:
    return [await http.post(path, json=body, headers=headers) for path, body in ASKED.items()]


async def test_section_3_who_signed_in_long_ago_is_told_to_do_it_again(http: httpx.AsyncClient) -> None:
    for headers in (officer(3700), officer(0, auth_time=None), officer(3700, acr="1")):
        for answer in await asked(http, headers):
            assert answer.status_code == 401
            assert answer.json()["type"] == "urn:tongban:problem:insufficient-user-authentication"
            assert answer.json()["max_age"] == 3600
            challenge = answer.headers["WWW-Authenticate"]
            assert challenge.startswith('Bearer error="insufficient_user_authentication", error_description="')
            assert challenge.endswith('max_age="3600"')


async def test_others_go_on(http: httpx.AsyncClient) -> None:
    """Who signed in lately, and a department's own client, which nobody signs in to."""
    for headers in (officer(3500), DEPARTMENT | {"Idempotency-Key": new_id()}):
        made, rotated = await asked(http, headers)
        assert (made.status_code, rotated.status_code) == (201, 404), made.text
    # What tells no secret asks for nothing.
    assert (await http.get("/subscriptions", headers=officer(3700))).status_code == 200
    # Who may not do it at all is not sent to sign in for it.
    clerk = token("min", "staff", (("*", "intake"),), auth_time=0) | {"Idempotency-Key": new_id()}
    assert (await asked(http, clerk))[0].status_code == 403


@pytest.fixture
def given(given: dict[str, Any], request: pytest.FixtureRequest) -> dict[str, Any]:
    return given | getattr(request, "param", {})


@pytest.mark.parametrize("given", [{"step_up_seconds": 0}], indirect=True)
async def test_it_may_be_switched_off(http: httpx.AsyncClient, notify: Service) -> None:
    assert [answer.status_code for answer in await asked(http, officer(37000))] == [201, 404]
