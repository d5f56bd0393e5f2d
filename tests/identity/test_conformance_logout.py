"""The OpenID Foundation's plans for RP-Initiated, Back- and Front-Channel Logout OP (docs/identity/conformance.md).

What a logout token holds and how it is delivered: test_logout.py; the frames: test_frontchannel_logout.py.
"""

import base64
import json
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
from joserfc import jws

from tests.identity.conftest import Starter, World
from tests.identity.party import ISSUER, STRANGER_KEY, query
from tests.identity.suite import BASE, BASIC, DONE, Person, check_error, random_state

pytestmark = pytest.mark.parametrize("copied_url", ["sqlite"], indirect=True)
FRONT = BASIC | {"client_id": "suite-2", "frontchannel_logout_uri": f"{BASE}/frontchannel_logout"}


@pytest.fixture
async def world(start: Starter) -> World:
    found: World = await start(more=[BASIC, FRONT])
    return found


@pytest.fixture
def person(world: World) -> Person:
    return Person(world.http())


async def leave(person: Person, **parameters: Any) -> httpx.Response:
    given = {name: value for name, value in parameters.items() if value is not None}
    return await person.http.get("/logout", params=given)


async def signed_in(world: World, person: Person) -> bool:
    """The second authorization of the modules: prompt=none."""
    found = await person.back(world["suite-1"], prompt="none")
    if "code" not in found.fields:
        check_error(found, "login_required")
    return "code" in found.fields


async def confirm(person: Person, page: httpx.Response) -> httpx.Response:
    assert 'action="/logout/confirm"' in page.text
    return await person.post("/logout/confirm", page, ("_token", "request"), {})


async def test_rp_initiated_logout(world: World, person: Person) -> None:
    """oidcc-rp-initiated-logout, -no-state: back with the state and nothing besides."""
    for state in (random_state(), None):
        hint = (await person.tokens(world["suite-1"]))["id_token"]
        answer = await leave(person, id_token_hint=hint, post_logout_redirect_uri=DONE, state=state)
        assert answer.status_code == 303
        assert answer.headers["location"].partition("?")[0] == DONE
        assert query(answer.headers["location"]) == ({"state": state} if state else {})
        assert not await signed_in(world, person)


async def test_bad_addresses_and_hints(world: World, person: Person, subtests: pytest.Subtests) -> None:
    """oidcc-rp-initiated-logout-bad-post-logout-redirect-uri, -query-added-…, -modified-id-token-hint,
    -bad-id-token-hint, -no-id-token-hint: a page, and never the registered address, confirmed or not.
    """
    party, state = world["suite-1"], random_state()
    hint = (await person.tokens(party))["id_token"]
    unsigned = base64.urlsafe_b64encode(b'{"alg": "none"}').decode().rstrip("=") + "." + hint.split(".")[1] + "."
    now = int(world.clock().timestamp())
    forged = {
        "iss": party.client_id,
        "sub": "SubjectID",
        "aud": ISSUER,
        "nonce": "flibble",
        "iat": now,
        "exp": now + 300,
    }
    by_client = jws.serialize_compact({"alg": "ES256"}, json.dumps(forged), STRANGER_KEY, algorithms=["ES256"])
    for case, parameters in {
        "bad address": {"id_token_hint": hint, "post_logout_redirect_uri": f"{BASE}/elsewhere"},
        "query added": {"id_token_hint": hint, "post_logout_redirect_uri": f"{DONE}?foo=bar"},
        "alg none": {"id_token_hint": unsigned, "post_logout_redirect_uri": DONE},
        "signed by the client": {"id_token_hint": by_client, "post_logout_redirect_uri": DONE},
        "no hint": {"post_logout_redirect_uri": DONE},
    }.items():
        with subtests.test(case=case):
            page = await leave(person, state=state, **parameters)
            assert page.status_code in (200, 400) and "location" not in page.headers
            if page.status_code == 200:
                page = await confirm(person, page)
                assert "location" not in page.headers and "refresh" not in page.headers
            assert f'href="{DONE}' not in page.text
    assert await signed_in(world, person)


async def test_without_an_address(world: World, person: Person, subtests: pytest.Subtests) -> None:
    """oidcc-rp-initiated-logout-no-params, -only-state, -no-post-logout-redirect-uri: signed out, and told so."""
    for case in ("no params", "only state", "no address"):
        with subtests.test(case=case):
            hint = (await person.tokens(world["suite-1"]))["id_token"]
            state = None if case == "no params" else random_state()
            page = await leave(person, state=state, id_token_hint=hint if case == "no address" else None)
            if case != "no address":
                page = await confirm(person, page)
            assert page.status_code == 200 and "已退出" in page.text
            assert not await signed_in(world, person)


async def test_frontchannel(world: World, person: Person) -> None:
    """oidcc-frontchannel-rp-initiated-logout: a frame with `iss` and `sid` alone, and on with `state`."""
    party, state = world["suite-2"], random_state()
    tokens = await person.tokens(party)
    sid = (await party.claims(tokens["id_token"]))["sid"]
    page = await leave(person, id_token_hint=tokens["id_token"], post_logout_redirect_uri=DONE, state=state)
    frames = [part.partition('"')[0].replace("&amp;", "&") for part in page.text.split('<iframe src="')[1:]]
    assert [frame.partition("?")[0] for frame in frames] == [f"{BASE}/frontchannel_logout"]
    assert query(frames[0]) == {"iss": ISSUER, "sid": sid}
    onward = page.headers["refresh"].partition("url=")[2]
    assert onward.partition("?")[0] == DONE
    assert parse_qsl(urlsplit(onward).query) == [("state", state)]
    assert not await signed_in(world, person)
