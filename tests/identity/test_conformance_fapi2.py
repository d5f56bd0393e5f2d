"""The OpenID Foundation's FAPI 2.0 Security Profile plan: private_key_jwt, DPoP, OpenID Connect, plain response.

The token endpoint alone: test_fapi2.py; pushed requests: test_rfc9126_par.py; proofs: test_rfc9449_dpop.py.
"""

import json
from typing import Any

import pytest
from joserfc.jwk import ECKey

from services.identity.domain.person import PERSON_CLAIMS
from tests.identity.conftest import Starter, World
from tests.identity.dpop import USERINFO, Holder
from tests.identity.party import ISSUER, challenge_of
from tests.identity.suite import (
    CALLBACK,
    FAPI2_SCOPE,
    KNOWN_IN_ID_TOKEN,
    WITH_QUERY,
    Bank,
    Callback,
    Person,
    check_error,
    check_token_error,
    fapi2,
    random_state,
    request,
)

pytestmark = pytest.mark.parametrize("copied_url", ["sqlite"], indirect=True)


@pytest.fixture
async def world(start: Starter) -> World:
    # Two clients with two keys: what the second one signs is nothing to the first.
    found: World = await start(more=[fapi2("bank-1"), fapi2("bank-2", jwks={"keys": [OTHER.as_dict(private=False)]})])
    found["bank-2"].key = OTHER
    return found


OTHER = ECKey.generate_key("P-256", auto_kid=True)


def banks(world: World) -> tuple[Bank, Bank]:
    person = Person(world.http())
    first, second = (Bank(world[name], person, Holder(world.clock)) for name in ("bank-1", "bank-2"))
    return first, second


async def test_happy_flow(world: World) -> None:
    """…-happy-flow, -ensure-other-scope-order-succeeds, -par-without-duplicate-parameters, -…-64-char-nonce-success,
    -without-state-success, -without-nonce-success, -long-nonce, -long-state.
    """
    first, second = banks(world)
    tokens = await first.tokens(nonce="n" * 64)
    claims = await first.claims(tokens)
    assert claims["nonce"] == "n" * 64
    assert claims.keys() <= KNOWN_IN_ID_TOKEN | set(PERSON_CLAIMS)
    state = random_state()
    found = await second.back(
        beside={},
        redirect_uri=WITH_QUERY,
        scope="profile openid",
        state=state,
        nonce="n" * 43,
        dpop_jkt=second.holder.jkt,
    )
    assert found.own_query == {"dummy1": "lorem", "dummy2": "ipsum"}
    assert found.fields["state"] == state
    theirs = (await second.redeem(found.fields["code"], redirect_uri=WITH_QUERY)).json()
    assert (await second.claims(theirs))["nonce"] == "n" * 43
    # Client 1's key with client 2's token.
    assert (await first.userinfo(theirs)).status_code == 401
    assert (await second.userinfo(theirs)).status_code == 200
    for parameters in ({"state": None}, {"nonce": None}, {"nonce": "n" * 384}, {"state": "s" * 1000}):
        found = await first.back(**parameters)
        assert found.fields.get("state") == ({"state": "x" * 10} | parameters)["state"]
        claims = await first.claims((await first.redeem(found.fields["code"])).json())
        assert claims.get("nonce") == ({"nonce": "n" * 10} | parameters)["nonce"]


async def test_the_access_token_at_the_resource(world: World) -> None:
    """The resource calls of …-happy-flow; …-access-token-type-header-case-sensitivity."""
    first, _ = banks(world)
    tokens = await first.tokens()
    proof = first.holder.proof(USERINFO, "GET")
    answer = await first.party.http.get(
        "/userinfo", params={"access_token": tokens["access_token"]}, headers={"DPoP": proof}
    )
    assert answer.status_code in (400, 401)
    for accept in ("application/json;charset=UTF-8", "application/json, application/*+json, */*"):
        headers = {"Accept": accept, "x-fapi-customer-ip-address": "2001:db8::1893:25c8:1946"}
        token, ath = tokens["access_token"], first.holder.ath(tokens["access_token"])
        headers |= {"Authorization": f"DPoP {token}", "DPoP": first.holder.proof(USERINFO, "GET", ath=ath)}
        assert (await first.party.http.get("/userinfo", headers=headers)).status_code == 200
    assert (await first.userinfo(tokens, scheme="dpOp")).status_code == 200


async def test_user_rejects_authentication(world: World) -> None:
    """…-user-rejects-authentication: at the sign-in page and at the question that follows it."""
    first, second = banks(world)
    for bank, redirect_uri in ((first, CALLBACK), (second, WITH_QUERY)):
        state = random_state()
        page = await bank.person.http.get(await bank.address(redirect_uri=redirect_uri, state=state))
        answer = await bank.person.post("/signin", page, ("_token", "request"), {"choice": "cancel"})
        found = await bank.person.go_on(answer)
        assert isinstance(found, Callback)
        check_error(found, "access_denied")
        assert found.fields["state"] == state
        assert found.own_query == ({"dummy1": "lorem", "dummy2": "ipsum"} if bank is second else {})
    # Only who was shown the page can cancel.
    page = await first.person.http.get(await first.address())
    stranger = Person(world.http())
    answer = await stranger.post("/signin", page, ("_token", "request"), {"choice": "cancel"})
    assert answer.status_code == 422 and "location" not in answer.headers


async def test_claims_parameter(world: World) -> None:
    """…-test-claims-parameter-identity-claims: every claim that the metadata promise, asked for in every form."""
    first, _ = banks(world)
    document = (await first.party.http.get("/.well-known/openid-configuration")).json()
    names = [name for name in document["claims_supported"] if name in ("sub", *PERSON_CLAIMS)]
    forms: list[Any] = [None, {}, {"essential": True}, {"xK9": "zQ7"}, {"essential": False}]
    asked = {name: forms[number % len(forms)] for number, name in enumerate(names)}
    claims = {"id_token": asked, "userinfo": asked, "aB3": {"cD4": None}}
    tokens = await first.tokens(scope="openid", claims=json.dumps(claims))
    identity, told = await first.claims(tokens), (await first.userinfo(tokens)).json()
    assert set(names) <= identity.keys() | told.keys()
    # CheckForUnexpectedClaimsInUserinfo, …InIdToken: its lists know no `sid`.
    assert told.keys() <= {"sub", *PERSON_CLAIMS}
    assert identity.keys() <= (KNOWN_IN_ID_TOKEN - {"sid"}) | set(PERSON_CLAIMS)


async def test_dpop_times(world: World) -> None:
    """…-check-dpop-proof-nbf-exp, -ensure-dpopproof-with-iat-10seconds-before-succeeds, -after-succeeds."""
    first, _ = banks(world)
    now = int(world.clock().timestamp())
    assert (await first.push(first.holder.proof(f"{ISSUER}/par"))).status_code == 201  # the nonce is known now
    for claims in ({"iat": now - 10}, {"iat": now + 8}, {"nbf": now, "exp": now + 300}):
        found = await first.back(first.holder.proof(f"{ISSUER}/par", **claims))
        answer = await first.redeem(found.fields["code"], first.holder.proof(**claims))
        assert answer.status_code == 200, answer.text
        tokens = answer.json()
        ath = first.holder.ath(tokens["access_token"])
        assert (await first.userinfo(tokens, first.holder.proof(USERINFO, "GET", ath=ath, **claims))).status_code == 200


async def test_code_bound_to_a_key(world: World) -> None:
    """…-ensure-mismatched-dpop-jkt-fails, -ensure-token-endpoint-fails-with-mismatched-dpop-proof-jkt, -…-dpop-jkt,
    -ensure-dpopproof-at-par-endpoint-binding-success, -ensure-dpop-auth-code-binding-success.
    """
    first, _ = banks(world)
    holder, other = first.holder, Holder(world.clock)
    at_par = f"{ISSUER}/par"
    answer = await first.push(holder.proof(at_par), dpop_jkt=other.jkt)
    check_token_error(answer, "invalid_request", "invalid_dpop_proof")
    other.nonce = holder.nonce
    for proofs, parameters in (((holder.proof(at_par),), {}), ((), {"dpop_jkt": holder.jkt})):
        code = (await first.back(*proofs, **parameters)).fields["code"]
        answer = await first.redeem(code, other.proof())
        check_token_error(answer, "invalid_request", "invalid_grant", "invalid_dpop_proof")
    for parameters in ({}, {"dpop_jkt": holder.jkt}):
        code = (await first.back(holder.proof(at_par), **parameters)).fields["code"]
        assert (await first.redeem(code)).status_code == 200


async def test_beside_the_reference(world: World) -> None:
    """…-ensure-different-nonce-inside-and-outside-…, -different-state-…, -state-only-outside-…-not-used."""
    first, _ = banks(world)
    found = await first.back(beside={"nonce": "other", "state": "other", "scope": FAPI2_SCOPE, "response_type": "code"})
    assert found.fields["state"] == "x" * 10
    assert (await first.claims((await first.redeem(found.fields["code"])).json()))["nonce"] == "n" * 10
    found = await first.back(beside={"state": "outside"}, state=None)
    assert "state" not in found.fields and "code" in found.fields


async def test_what_is_refused_when_pushed(world: World, subtests: pytest.Subtests) -> None:
    """…-request-object-without-redirect-uri-fails, -ensure-redirect-uri-in-authorization-request,
    -plain-fapi-tolerate-unregistered-redirect-uri, -ensure-response-type-code-idtoken-fails, -token-fails,
    -par-ensure-pkce-required, -par-plain-pkce-rejected, -containing-request_uri-form-param, -invalid-http-method.
    """
    first, _ = banks(world)
    for parameters, errors in (
        ({"redirect_uri": None}, ("invalid_request",)),
        ({"redirect_uri": f"{CALLBACK}/aZ09aZ09aZ"}, ("invalid_request",)),
        ({"response_type": "code id_token"}, ("unsupported_response_type", "invalid_request")),
        ({"response_type": "token"}, ("unsupported_response_type", "invalid_request")),
        ({"code_challenge": None, "code_challenge_method": None}, ("invalid_request",)),
        ({"code_challenge": first.verifier[:43], "code_challenge_method": "plain"}, ("invalid_request",)),
        ({"request_uri": "urn:ietf:params:oauth:request_uri:x"}, ("invalid_request", "request_uri_not_supported")),
    ):
        with subtests.test(parameters=parameters):
            check_token_error(await first.push(**parameters), *errors)
    put = await first.party.http.put("/par", data=first.party.authenticated(**request(first.party)))
    assert 400 <= put.status_code < 500


async def test_without_par(world: World) -> None:
    """…-ensure-unsigned-authorization-request-without-using-par-fails."""
    first, _ = banks(world)
    pkce = {"code_challenge": challenge_of(first.verifier), "code_challenge_method": "S256"}
    found = await first.person.visit(first.party, scope=FAPI2_SCOPE, **pkce)
    if isinstance(found, Callback):
        check_error(found, "invalid_request")
    else:
        assert found.status_code == 400 and "location" not in found.headers


async def test_assertions_when_pushing(world: World, subtests: pytest.Subtests) -> None:
    """…-par-test-array-as-audience-fails, -par-endpoint-url-as-audience-, -token-endpoint-url-as-audience-fails,
    -nbf-8-seconds-in-the-future-is-accepted, -nbf-over-60-seconds-in-the-future-fails.
    """
    first, _ = banks(world)
    now = int(world.clock().timestamp())
    for claims, status in (
        ({"aud": [ISSUER, "https://other.example"]}, 401),
        ({"aud": f"{ISSUER}/par"}, 401),
        ({"aud": f"{ISSUER}/token"}, 401),
        ({"iat": now + 62, "nbf": now + 62, "exp": now + 122}, 401),
        ({"iat": now + 8, "nbf": now + 8}, 201),
    ):
        with subtests.test(claims=claims):
            answer = await first.push(assertion=first.party.assertion(**claims))
            assert answer.status_code == status
            if status == 401:
                check_token_error(answer, "invalid_client", statuses=(401,))


async def test_token_endpoint(world: World, subtests: pytest.Subtests) -> None:
    """…-ensure-client-id-in-token-endpoint, -ensure-holder-of-key-required, -…-code-is-bound-to-client,
    -ensure-client-assertion-in-token-endpoint, -…-exp-is-5-minutes-in-past-fails, -with-wrong-aud-fails, -no-sub-fails,
    -ensure-pkce-code-verifier-required, -incorrect-pkce-code-verifier-rejected.
    """
    first, second = banks(world)
    party, now = first.party, int(world.clock().timestamp())
    code = (await first.back()).fields["code"]
    client, grant, proof = ("invalid_client",), ("invalid_grant",), ("invalid_request", "invalid_dpop_proof")
    crossed = second.party.assertion(key=party.key, header={"kid": party.key.kid})
    for case, parameters, errors in (
        ("client 2's id, client 1's key", {"client_id": "bank-2", "client_assertion": crossed}, client),
        ("none", {"client_assertion": None, "client_assertion_type": None, "client_id": "bank-1"}, client),
        ("expired", {"client_assertion": party.assertion(exp=now - 300)}, client),
        ("wrong aud", {"client_assertion": party.assertion(aud="https://other.example")}, client),
        ("no sub", {"client_assertion": party.assertion(sub=None)}, client),
        ("no verifier", {"code_verifier": None}, grant),
        ("wrong verifier", {"code_verifier": "v" * 43}, grant),
    ):
        with subtests.test(case=case):
            answer = await first.redeem(code, **parameters)
            check_token_error(answer, *errors, statuses=(401,) if errors is client else (400,))
    with subtests.test(case="no proof"):
        given = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK}
        check_token_error(await party.token(**given, code_verifier=first.verifier), *proof)
    with subtests.test(case="client 2's credentials"):
        second.verifier = first.verifier
        check_token_error(await second.redeem(code), "invalid_grant")
    assert (await first.redeem(code)).status_code == 200


async def test_codes_and_references_die(world: World) -> None:
    """…-attempt-reuse-authorization-code-after-one-second, -ensure-token-endpoint-fails-with-expired-auth-code,
    -par-attempt-reuse-request_uri, -par-attempt-to-use-expired-request_uri, -…-request_uri-for-different-client,
    -par-ensure-reused-request-uri-prior-to-auth-completion-succeeds.
    """
    first, _ = banks(world)
    address = await first.address()
    assert 'name="password"' in (await first.person.http.get(address)).text  # and goes away
    found = await first.visit(address)
    assert isinstance(found, Callback)
    tokens = (await first.redeem(found.fields["code"])).json()
    world.clock.forward(seconds=1)
    check_token_error(await first.redeem(found.fields["code"]), "invalid_grant")
    assert (await first.userinfo(tokens)).status_code == 401
    again = await first.visit(address)
    assert not isinstance(again, Callback) and again.status_code == 400
    crossed = await first.visit((await first.address()).replace("bank-1", "bank-2"))
    assert not isinstance(crossed, Callback) and crossed.status_code == 400
    code = (await first.back()).fields["code"]
    late = await first.address()
    world.clock.forward(seconds=62)
    check_token_error(await first.redeem(code), "invalid_grant")
    expired = await first.visit(late)
    assert not isinstance(expired, Callback) and expired.status_code == 400


async def test_dpop_negative(world: World) -> None:
    """…-dpop-negative-tests, what it expects to be taken; what it expects to be refused is in test_rfc9449_dpop.py."""
    first, _ = banks(world)
    tokens = await first.tokens()
    token, holder = tokens["access_token"], first.holder
    ath, now = holder.ath(token), int(world.clock().timestamp())

    def proof(**claims: Any) -> str:
        return holder.proof(USERINFO, "GET", **{"ath": ath, "nonce": None} | claims)

    for taken in (
        proof(htu=f"{USERINFO}?allthedoors#onthisspaceship"),
        proof(htu=USERINFO.replace("https://id.example", "HTTPS://ID.EXAMPLE")),
        proof(htu=USERINFO.replace("id.example", "id.example:443")),
        proof(tx_id_key=now, header={"tx_id": now}),
        proof(header={"jwk": holder.key.as_dict(private=False) | {"use": "sig", "alg": "ES256", "kid": "k"}}),
    ):
        assert (await first.userinfo(tokens, taken)).status_code == 200
    headers = [("Authorization", f"DPoP {token}"), ("DPOP", proof())]
    assert (await first.party.http.get("/userinfo", headers=headers)).status_code == 200
    # With a nonce asked for, the suite would want these to be taken: it asks for none.
    for iat in (now + 3600, now - 3600):
        assert (await first.userinfo(tokens, proof(iat=iat))).status_code == 401
    same = proof(jti="fixed")
    assert (await first.userinfo(tokens, same)).status_code == 200
    assert (await first.userinfo(tokens, same)).status_code == 401
    for scheme in ("DPoP", "Bearer"):
        answer = await first.party.http.get("/userinfo", headers={"Authorization": f"{scheme} {token}"})
        assert answer.status_code == 401
    assert (await first.userinfo(tokens)).status_code == 200


async def test_refresh_token(world: World) -> None:
    """…-refresh-token: with a new DPoP key; the old token again after 30 seconds; never without client or proof."""
    first, second = banks(world)
    tokens = await first.tokens(scope="openid profile offline_access", prompt="consent")
    before = await first.claims(tokens)
    world.clock.forward(seconds=1)
    for _ in range(2):
        first.holder = Holder(world.clock)
        answer = await first.holder.refresh(first.party, tokens["refresh_token"], scope="openid profile offline_access")
        assert answer.status_code == 200, answer.text
        assert answer.json()["token_type"] == "DPoP"
        after = await first.claims(answer.json())
        assert after["iat"] != before["iat"]
        for name in ("iss", "sub", "aud", "azp", "auth_time"):
            assert after.get(name) == before.get(name)
        assert (await first.userinfo(answer.json())).status_code == 200
        world.clock.forward(seconds=30)
    nobody = {"client_assertion": None, "client_assertion_type": None, "client_id": "bank-1"}
    answer = await first.holder.refresh(first.party, tokens["refresh_token"], **nobody)
    check_token_error(answer, "invalid_client", statuses=(401,))
    answer = await first.party.refresh(tokens["refresh_token"])
    check_token_error(answer, "invalid_request", "invalid_grant", "invalid_dpop_proof")
    theirs = await second.tokens(scope="openid profile offline_access", prompt="consent")
    answer = await first.holder.refresh(first.party, theirs["refresh_token"])
    check_token_error(answer, "invalid_grant")
