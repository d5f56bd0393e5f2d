"""RFC 9701: an introspection answer as a JWT, signed for who asked, and a token of no kind."""

from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet
from pydantic import ValidationError

from services.identity.domain.clients import SIGNING_ALGORITHMS, ClientDeclaration
from tests.identity.conftest import Starter, World
from tests.identity.party import CASES, ISSUER, Party
from tests.identity.test_core_subjects import client

TYPE = "application/token-introspection+jwt"
CLIENTS = [
    client(f"i-{algorithm.lower()}", "a.example", introspection_signed_response_alg=algorithm)
    for algorithm in SIGNING_ALGORITHMS
]


async def ask(party: Party, token: str, accept: str = TYPE) -> Any:
    return await party.http.post("/introspect", data=party.authenticated(token=token), headers={"Accept": accept})


async def decoded(party: Party, text: str, algorithm: str = "RS256") -> Any:
    keys = KeySet.import_key_set((await party.http.get("/jwks")).json())
    return jwt.decode(text, keys, algorithms=[algorithm])


async def test_the_answer_is_signed_where_it_is_asked_for(world: World) -> None:
    portal, cases = world["portal"], world["cases"]
    tokens = await world.browser().tokens(portal)
    plain = (await ask(cases, tokens["access_token"], "application/json")).json()
    answer = await ask(cases, tokens["access_token"])
    assert answer.status_code == 200
    assert answer.headers["content-type"] == TYPE
    assert answer.headers["cache-control"] == "no-store"
    found = await decoded(cases, answer.text)
    # §5: `typ`; for the service that asked; what the token says is in the member and nowhere else.
    assert found.header["typ"] == "token-introspection+jwt"
    assert found.claims.keys() == {"iss", "aud", "iat", "token_introspection"}
    assert (found.claims["iss"], found.claims["aud"]) == (ISSUER, "cases")
    assert found.claims["token_introspection"] == plain
    assert (plain["active"], plain["aud"]) == (True, CASES)
    # A dead token, or one of others: as JSON says it.
    for party, token in ((cases, "x"), (world["catalog"], tokens["access_token"])):
        found = await decoded(party, (await ask(party, token)).text)
        assert found.claims["token_introspection"] == {"active": False}


async def test_what_accept_may_say(world: World, subtests: pytest.Subtests) -> None:
    cases = world["cases"]
    for accept, signed in (
        (f"text/html, {TYPE.upper()};q=0.5", True),
        (f"{TYPE}; q=1.0", True),
        (f"{TYPE};q=0", False),
        ("*/*", False),
        ("application/jwt", False),
        (f"x{TYPE}", False),
        (",;,=", False),
    ):
        with subtests.test(accept=accept):
            answer = await ask(cases, "x", accept)
            assert answer.headers["content-type"] == (TYPE if signed else "application/json")
    refused = await cases.http.post("/introspect", data={"token": "x"}, headers={"Accept": TYPE})
    assert (refused.status_code, refused.json()["error"]) == (401, "invalid_client")


async def test_each_client_gets_the_signature_that_it_registered(start: Starter) -> None:
    world: World = await start(more=CLIENTS)
    found = (await world.http().get("/.well-known/openid-configuration")).json()
    assert found["introspection_signing_alg_values_supported"] == list(SIGNING_ALGORITHMS)
    for algorithm in SIGNING_ALGORITHMS:
        party = world[f"i-{algorithm.lower()}"]
        assert (await decoded(party, (await ask(party, "x")).text, algorithm)).claims["aud"] == party.client_id


def test_a_fapi2_client_gets_no_rs256() -> None:
    """FAPI 2.0 Security Profile §5.4, over RFC 9701 §6."""
    bank = client("bank", "b.example", profile="fapi2", dpop_bound_access_tokens=True, subject_type="public")
    found = ClientDeclaration.model_validate(bank | {"id_token_signed_response_alg": "PS256"})
    assert found.introspection_signed_response_alg == "PS256"
    assert ClientDeclaration.model_validate(CLIENTS[0]).introspection_signed_response_alg == "RS256"
    told = {"id_token_signed_response_alg": "PS256", "introspection_signed_response_alg": "RS256"}
    with pytest.raises(ValidationError):
        ClientDeclaration.model_validate(bank | told)


async def test_an_answer_is_no_token_anywhere(world: World) -> None:
    portal, browser = world["portal"], world.browser()
    tokens = await browser.tokens(portal)
    answer = (await ask(portal, tokens["access_token"])).text
    assert (await decoded(portal, answer)).claims["token_introspection"]["active"] is True
    bearer = {"Authorization": f"Bearer {answer}"}
    assert (await portal.http.get("/userinfo", headers=bearer)).status_code == 401
    assert (await browser.silent(portal, id_token_hint=answer))["error"] == "invalid_request"
    assert "/logout/confirm" in (await browser.http.get("/logout", params={"id_token_hint": answer})).text
    assert (await ask(portal, answer, "application/json")).json() == {"active": False}
