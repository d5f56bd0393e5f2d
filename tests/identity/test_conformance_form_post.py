"""The OpenID Foundation's Form Post OP plan: the Basic modules again, the answer posted (OAuth 2.0 Form Post §2)."""

import json

import pytest

from tests.identity.conftest import Starter, World
from tests.identity.party import challenge_of
from tests.identity.suite import (
    BASIC,
    CALLBACK,
    POST,
    SECOND,
    WITH_QUERY,
    Callback,
    Person,
    check_error,
    random_state,
    redeem,
)

pytestmark = pytest.mark.parametrize("copied_url", ["sqlite"], indirect=True)
FORM = {"response_mode": "form_post"}


@pytest.fixture
async def world(start: Starter) -> World:
    found: World = await start(more=[BASIC, SECOND, POST])
    return found


async def test_every_happy_module(world: World, subtests: pytest.Subtests) -> None:
    """What the answer holds is in the body alone; the redirect URI's own query stays in its place."""
    party, state = world["suite-1"], random_state()
    for parameters in (
        {},
        {"nonce": None},
        {"scope": "openid email phone address profile"},
        {"scope": "email openid"},
        {"display": "page"},
        {"display": "popup"},
        {"max_age": 15000},
        {"extra": "foobar"},
        {"login_hint": "buffy@id.example"},
        {"ui_locales": "se"},
        {"claims_locales": "se"},
        {"acr_values": "urn:nothing 1 2"},
        {"claims": json.dumps({"userinfo": {"name": {"essential": True}}})},
        {"redirect_uri": WITH_QUERY},
        {"code_challenge": challenge_of(party.verifier), "code_challenge_method": "S256"},
    ):
        with subtests.test(parameters=parameters):
            found = await Person(world.http()).back(party, **FORM | {"state": state} | parameters)
            assert (found.method, found.url) == ("POST", parameters.get("redirect_uri", CALLBACK))
            assert found.fields.keys() == {"code", "state", "iss"}
            assert found.fields["state"] == state
            proof = {"code_verifier": party.verifier} if "code_challenge" in parameters else {}
            answer = await redeem(party, found.fields["code"], redirect_uri=found.url, **proof)
            assert answer.status_code == 200, answer.text


async def test_signed_in_already(world: World) -> None:
    """oidcc-prompt-login, -prompt-none-logged-in, -id-token-hint, -max-age-1, -ensure-post-request-succeeds."""
    party, person = world["suite-1"], Person(world.http())
    first = await redeem(party, (await person.back(party, **FORM)).fields["code"])
    hint = first.json()["id_token"]
    world.clock.forward(seconds=2)
    for parameters, seen in (
        ({"prompt": "none"}, []),
        ({"prompt": "none", "id_token_hint": hint}, []),
        ({"max_age": 10000}, []),
        ({"max_age": 1}, ["signin"]),
        ({"prompt": "login"}, ["signin"]),
    ):
        found = await person.back(party, **FORM | parameters)
        assert (found.method, person.seen) == ("POST", seen)
        assert "code" in found.fields
    found = await person.back(party, "POST", **FORM)
    assert found.method == "POST" and "code" in found.fields


async def test_errors(world: World) -> None:
    """oidcc-response-type-missing, oidcc-prompt-none-not-logged-in: by POST too, nothing in the address."""
    party, person, state = world["suite-1"], Person(world.http()), random_state()
    for parameters, errors in (
        ({"response_type": None}, ("unsupported_response_type", "invalid_request")),
        ({"prompt": "none"}, ("login_required",)),
    ):
        found = await person.back(party, **FORM | {"state": state, "redirect_uri": WITH_QUERY} | parameters)
        assert (found.method, found.url) == ("POST", WITH_QUERY)
        check_error(found, *errors)
        assert found.fields["state"] == state
    page = await person.visit(party, **FORM | {"redirect_uri": f"{CALLBACK}/aZ09aZ09aZ"})
    assert not isinstance(page, Callback) and page.status_code == 400
