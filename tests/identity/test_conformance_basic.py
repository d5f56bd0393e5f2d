"""The OpenID Foundation's Basic OP plan: each module's demand, asked as it asks (docs/identity/conformance.md)."""

import json

import pytest

from services.identity.domain.person import SCOPE_CLAIMS
from tests.identity.conftest import Starter, World
from tests.identity.party import challenge_of
from tests.identity.suite import (
    BASIC,
    CALLBACK,
    KNOWN_IN_ID_TOKEN,
    POST,
    SECOND,
    WITH_QUERY,
    Callback,
    Person,
    check_error,
    check_token_error,
    random_state,
    redeem,
    request,
    token,
)

# What is asked here is HTTP; what differs between databases is asked elsewhere.
pytestmark = pytest.mark.parametrize("copied_url", ["sqlite"], indirect=True)


@pytest.fixture
async def world(start: Starter) -> World:
    found: World = await start(more=[BASIC, SECOND, POST])
    return found


@pytest.fixture
def person(world: World) -> Person:
    return Person(world.http())


async def test_server(world: World, person: Person) -> None:
    """oidcc-server, oidcc-server-client-secret-post: every claim of the ID token is one that was to be expected."""
    for name in ("suite-1", "suite-post"):
        party = world[name]
        tokens = await person.tokens(party)
        claims = await party.claims(tokens["id_token"])
        header = claims.pop("header")
        assert (header["alg"], bool(header["kid"])) == ("RS256", True)
        assert claims.keys() <= KNOWN_IN_ID_TOKEN
        assert (claims["aud"], claims["nonce"]) == (name, "n" * 10)
        answer = await party.http.get("/userinfo", headers={"Authorization": f"Bearer {tokens['access_token']}"})
        assert answer.status_code == 200
    # The redirect URI's own query stays.
    found = await person.back(world["suite-2"], redirect_uri=WITH_QUERY)
    assert found.own_query == {"dummy1": "lorem", "dummy2": "ipsum"}


async def test_response_type_missing(world: World, person: Person) -> None:
    """oidcc-response-type-missing."""
    found = await person.back(world["suite-1"], response_type=None)
    check_error(found, "unsupported_response_type", "invalid_request")
    assert found.fields["state"] == "x" * 10


async def test_userinfo(world: World, person: Person) -> None:
    """oidcc-userinfo-get, -post-header, -post-body."""
    party = world["suite-1"]
    tokens = await person.tokens(party)
    subject = (await party.claims(tokens["id_token"]))["sub"]
    bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
    for answer in (
        await party.http.get("/userinfo", headers=bearer),
        await party.http.post("/userinfo", headers=bearer),
        await party.http.post("/userinfo", data={"access_token": tokens["access_token"]}),
    ):
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("application/json")
        assert answer.json()["sub"] == subject


async def test_scopes(world: World, person: Person, subtests: pytest.Subtests) -> None:
    """oidcc-scope-profile, -email, -address, -phone, -all, oidcc-alternate-happy-flow: all claims of each scope."""
    party = world["suite-1"]
    for scope in ("openid profile", "openid email", "openid address", "openid phone", "email openid"):
        with subtests.test(scope=scope):
            await check_scope(person, world, scope)
    everything = await check_scope(person, world, "openid email phone address profile")
    # AbstractValidateOpenIdStandardClaims: each of its type, none empty.
    assert isinstance(everything["updated_at"], int)
    assert everything["email_verified"] is True and everything["phone_number_verified"] is True
    address = everything["address"]
    assert address.keys() <= {"formatted", "street_address", "locality", "region", "postal_code", "country"}
    texts = [value for name, value in everything.items() if not isinstance(value, bool | int | dict)]
    assert all(isinstance(value, str) and value.strip() for value in [*texts, *address.values()])
    # The parameters in another order.
    turned = sorted(request(party, scope="email openid").items(), reverse=True)
    answer = await person.http.get("/authorize", params=turned)
    assert isinstance(await person.go_on(answer), Callback)


async def check_scope(person: Person, world: World, scope: str) -> dict[str, object]:
    party = world["suite-1"]
    tokens = await person.tokens(party, scope=scope)
    bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
    found: dict[str, object] = (await party.http.get("/userinfo", headers=bearer)).json()
    names = {name for word in scope.split() for name in SCOPE_CLAIMS.get(word, ())}
    assert found.keys() == {"sub"} | names
    claims = await party.claims(tokens["id_token"])
    assert claims.keys() - {"header"} <= KNOWN_IN_ID_TOKEN | names
    return found


async def test_what_must_not_cause_an_error(world: World, person: Person, subtests: pytest.Subtests) -> None:
    """oidcc-ensure-request-without-nonce-…, -display-page, -display-popup, -login-hint, -ui-locales, -claims-locales,
    -ensure-request-with-unknown-parameter-succeeds, -ensure-request-with-acr-values-succeeds.
    """
    party = world["suite-1"]
    document = (await party.http.get("/.well-known/openid-configuration")).json()
    for parameters in (
        {"nonce": None},
        {"display": "page"},
        {"display": "popup"},
        {"login_hint": "buffy@id.example"},
        {"ui_locales": "se"},
        {"claims_locales": "se"},
        {"extra": "foobar"},
        {"acr_values": " ".join(document["acr_values_supported"])},
    ):
        with subtests.test(parameters=parameters):
            claims = await Person(world.http()).id_token(party, **parameters)
            assert ("nonce" in claims) == ("nonce" not in parameters)
            if "acr_values" in parameters:
                assert claims["acr"] in document["acr_values_supported"]


async def test_prompt_login(world: World, person: Person) -> None:
    """oidcc-prompt-login: asked again, and auth_time is later."""
    first = await person.id_token(world["suite-1"])
    world.clock.forward(seconds=1)
    second = await person.id_token(world["suite-1"], prompt="login")
    assert person.seen == ["signin"]
    assert second["auth_time"] > first["auth_time"]


async def test_prompt_none(world: World, person: Person) -> None:
    """oidcc-prompt-none-not-logged-in, oidcc-prompt-none-logged-in, oidcc-id-token-hint."""
    party, state = world["suite-1"], random_state()
    found = await person.back(party, prompt="none", state=state)
    check_error(found, "login_required", "interaction_required", "account_selection_required", "consent_required")
    assert found.fields["state"] == state
    tokens = await person.tokens(party)
    first = await party.claims(tokens["id_token"])
    world.clock.forward(seconds=1)
    for hint in (None, tokens["id_token"]):
        second = await person.id_token(party, prompt="none", id_token_hint=hint)
        assert person.seen == []
        assert (second["auth_time"], second["sub"]) == (first["auth_time"], first["sub"])


async def test_max_age(world: World, person: Person) -> None:
    """oidcc-max-age-1 (two seconds later), oidcc-max-age-10000."""
    party = world["suite-1"]
    first = await person.id_token(party, max_age=15000)
    second = await person.id_token(party, max_age=10000)
    assert person.seen == []
    assert second["auth_time"] == first["auth_time"]
    world.clock.forward(seconds=2)
    third = await person.id_token(party, max_age=1)
    assert person.seen == ["signin"]
    assert third["auth_time"] >= first["auth_time"] + 2


async def test_code_reuse(world: World, person: Person) -> None:
    """oidcc-codereuse, oidcc-codereuse-30seconds: refused at once and later, and then the access token is dead."""
    party = world["suite-1"]
    for seconds in (0, 30):
        code = (await person.back(party)).fields["code"]
        bearer = {"Authorization": f"Bearer {(await redeem(party, code)).json()['access_token']}"}
        assert (await party.http.get("/userinfo", headers=bearer)).status_code == 200
        world.clock.forward(seconds=seconds)
        check_token_error(await redeem(party, code), "invalid_grant")
        assert (await party.http.get("/userinfo", headers=bearer)).status_code == 401


async def test_unregistered_redirect_uri(world: World, person: Person) -> None:
    """oidcc-ensure-registered-redirect-uri: a page, and no way to the address asked for or to the registered one."""
    page = await person.visit(world["suite-1"], redirect_uri=f"{CALLBACK}/aZ09aZ09aZ")
    assert not isinstance(page, Callback)
    assert page.status_code == 400 and "location" not in page.headers
    # Links that change the language repeat the request to us; nothing leads there.
    assert 'href="https://suite.example' not in page.text and 'action="https://suite' not in page.text


async def test_post_request(world: World, person: Person) -> None:
    """oidcc-ensure-post-request-succeeds: from another site, so without cookies at first; signed in already or not."""
    party = world["suite-1"]
    for seen in (["signin", "consent"], []):
        asked = await world.http().post("/authorize", data=request(party))
        assert asked.status_code == 303
        found = await person.go_on(await person.http.get(asked.headers["location"]))
        assert isinstance(found, Callback) and "code" in found.fields
        assert person.seen == seen


async def test_request_objects(world: World, person: Person) -> None:
    """oidcc-unsigned-request-object-…, oidcc-ensure-request-object-with-redirect-uri, oidcc-request-uri-unsigned-…:
    skipped where the metadata name algorithms and not `none`; and then an unsigned one is refused.
    """
    party = world["suite-1"]
    document = (await party.http.get("/.well-known/openid-configuration")).json()
    algorithms = document["request_object_signing_alg_values_supported"]
    assert "none" not in algorithms and "RS256" in algorithms
    assert document["request_parameter_supported"] is True
    unsigned = "eyJhbGciOiJub25lIn0.e30."
    found = await person.back(party, request=unsigned)
    check_error(found, "invalid_request_object", "request_not_supported")
    found = await person.back(party, request_uri="https://suite.example/request.jwt")
    check_error(found, "request_uri_not_supported", "invalid_request_uri", "invalid_request")
    page = await person.visit(party, request=unsigned, redirect_uri="https://suite.example/other")
    assert not isinstance(page, Callback) and page.status_code == 400


async def test_claims_essential(world: World, person: Person) -> None:
    """oidcc-claims-essential: `name` at userinfo and not in the ID token."""
    party = world["suite-1"]
    claims = json.dumps({"userinfo": {"name": {"essential": True}}})
    tokens = await person.tokens(party, claims=claims)
    bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
    assert (await party.http.get("/userinfo", headers=bearer)).json()["name"] == "林晓梅"
    assert "name" not in await party.claims(tokens["id_token"])


async def test_refresh_token(world: World, person: Person) -> None:
    """oidcc-refresh-token: with offline_access and prompt=consent, since the metadata offer that scope."""
    first, second = world["suite-1"], world["suite-2"]
    asked = {"scope": "openid offline_access", "prompt": "consent"}
    tokens = await person.tokens(first, **asked)
    before = await first.claims(tokens["id_token"])
    world.clock.forward(seconds=1)
    answer = await token(
        first, grant_type="refresh_token", refresh_token=tokens["refresh_token"], scope="openid offline_access"
    )
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    after = await first.claims(answer.json()["id_token"])
    assert after["iat"] != before["iat"]
    for name in ("iss", "sub", "aud", "azp", "auth_time"):
        assert after.get(name) == before.get(name)
    bearer = {"Authorization": f"Bearer {answer.json()['access_token']}"}
    assert (await first.http.get("/userinfo", headers=bearer)).status_code == 200
    theirs = await person.tokens(second, nonce="n" * 43, **asked)
    assert person.seen == ["consent"]
    crossed = await token(first, grant_type="refresh_token", refresh_token=theirs["refresh_token"])
    check_token_error(crossed, "invalid_grant")


async def test_valid_pkce(world: World, person: Person) -> None:
    """oidcc-ensure-request-with-valid-pkce-succeeds, by a client that need not send it."""
    party = world["suite-1"]
    found = await person.back(party, code_challenge=challenge_of(party.verifier), code_challenge_method="S256")
    assert (await redeem(party, found.fields["code"], code_verifier=party.verifier)).status_code == 200
