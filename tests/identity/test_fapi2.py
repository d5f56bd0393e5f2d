"""FAPI 2.0 Security Profile: what the token endpoint demands of a client of profile `fapi2`."""

import asyncio

import pytest
from joserfc.jwk import RSAKey
from pydantic import ValidationError

from services.identity.domain.clients import ClientDeclaration
from tests.identity.conftest import Starter, World
from tests.identity.dpop import TOKEN, Holder
from tests.identity.party import ISSUER, PASSWORD, STRANGER_JWKS, query
from tests.identity.test_rfc9449_dpop import ASKED, GRANTS, MACHINE, PUSHED, SERVER

RSA = RSAKey.generate_key(2048, auto_kid=True)
BANK = SERVER | {
    "client_id": "bank",
    "profile": "fapi2",
    "id_token_signed_response_alg": "PS256",
    "jwks": {"keys": [*STRANGER_JWKS["keys"], RSA.as_dict(private=False)]},
}


@pytest.fixture
async def world(start: Starter) -> World:
    found: World = await start(more=[BANK])
    return found


@pytest.fixture
def holder(world: World) -> Holder:
    return Holder(world.clock)


async def code_for(world: World, holder: Holder) -> str:
    """A code by a pushed request (§5.3.2.2)."""
    bank, browser = world["bank"], world.browser()
    bank.verifier = "v" * 43
    pushed = await holder.token(bank, **PUSHED | {"client_id": "bank"})
    where = {"client_id": "bank", "request_uri": pushed.json()["request_uri"]}
    page = await browser.http.get("/authorize", params=where)
    return query((await browser.post_sign_in(page.text, "lin", PASSWORD)).headers["location"])["code"]


def test_section_5_3_2_a_client_of_the_profile_is_declared_so() -> None:
    for wrong in (
        {"token_endpoint_auth_method": "client_secret_basic", "client_secret": "s" * 43, "jwks": None},
        {"dpop_bound_access_tokens": False},
        {"require_pkce": False},
        {"id_token_signed_response_alg": "RS256"},
        {"userinfo_signed_response_alg": "RS256"},
        {"request_object_signing_alg": "RS256"},
    ):
        with pytest.raises(ValidationError, match="fapi2"):
            ClientDeclaration.model_validate(BANK | wrong)


async def test_section_5_3_2_1_tokens_are_sender_constrained(world: World, holder: Holder) -> None:
    for grant, parameters in GRANTS.items():
        refused = await world["bank"].token(**parameters)
        assert (refused.status_code, refused.json()["error"]) == (400, "invalid_dpop_proof"), grant
    answer = await holder.redeem(world["bank"], await code_for(world, holder))
    assert (answer.status_code, answer.json()["token_type"]) == (200, "DPoP")


async def test_section_5_3_2_1_the_audience_is_the_issuer_as_one_string(world: World, holder: Holder) -> None:
    bank = world["bank"]
    for audience in (TOKEN, [ISSUER], [ISSUER, TOKEN], f"{ISSUER}/"):
        answer = await holder.token(bank, **MACHINE | {"client_assertion": bank.assertion(aud=audience)})
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client"), audience
    assert (await holder.token(bank, **MACHINE)).status_code == 200


async def test_section_5_3_2_1_refresh_tokens_are_not_rotated(world: World, holder: Holder) -> None:
    """They stay the client's, who proves itself by its key with each use; parallel and repeated uses are no theft."""
    bank = world["bank"]
    tokens = (await holder.redeem(bank, await code_for(world, holder))).json()
    answers = await asyncio.gather(*(holder.refresh(bank, tokens["refresh_token"]) for _ in range(5)))
    assert [answer.status_code for answer in answers] == [200] * 5
    assert all("refresh_token" not in answer.json() for answer in answers)
    world.clock.forward(minutes=10)
    last = await holder.refresh(bank, tokens["refresh_token"])
    assert (await bank.claims(last.json()["access_token"]))["cnf"] == {"jkt": holder.jkt}
    # It is nobody else's.
    assert (await world["portal"].refresh(tokens["refresh_token"])).json()["error"] == "invalid_grant"
    # And it ends when it is revoked.
    assert (await bank.http.post("/revoke", data=bank.authenticated(token=tokens["refresh_token"]))).status_code == 200
    assert (await holder.refresh(bank, tokens["refresh_token"])).json()["error"] == "invalid_grant"


async def test_section_5_3_2_1_codes_live_for_60_seconds(world: World, holder: Holder) -> None:
    code = await code_for(world, holder)
    world.clock.forward(seconds=61)
    assert (await holder.redeem(world["bank"], code)).json()["error"] == "invalid_grant"


async def test_section_5_3_2_1_clocks_differ(world: World, holder: Holder) -> None:
    """`iat` and `nbf` up to 10 seconds ahead are taken, more than 60 are not."""
    bank, now = world["bank"], int(world.clock().timestamp())
    for ahead, status in ((9, 200), (61, 401)):
        assertion = bank.assertion(iat=now + ahead, nbf=now + ahead, exp=now + 120)
        assert (await holder.token(bank, **MACHINE | {"client_assertion": assertion})).status_code == status
    assert (await holder.token(bank, holder.proof(iat=now + 9), **MACHINE)).status_code == 200
    assert (await holder.token(bank, holder.proof(iat=now + 65), **MACHINE)).json()["error"] == "invalid_dpop_proof"


async def test_section_5_4_algorithms(world: World, holder: Holder, subtests: pytest.Subtests) -> None:
    bank = world["bank"]
    assert (await holder.token(bank, **MACHINE)).status_code == 200
    signing = Holder(world.clock, RSA, "RS256", holder.nonce)
    for asked, parameters in (ASKED | {"par": PUSHED | {"client_id": "bank"}}).items():
        with subtests.test(asked=asked):
            header = {"alg": "RS256", "kid": RSA.kid}
            assertion = bank.assertion(key=RSA, header=header)
            answer = await holder.token(bank, **parameters | {"client_assertion": assertion})
            assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
            url = f"{ISSUER}{parameters.get('path', '/token')}"
            answer = await signing.token(bank, signing.proof(url), **parameters)
            assert (answer.status_code, answer.json()["error"]) == (400, "invalid_dpop_proof")
    signing.alg = "PS256"
    header["alg"] = "PS256"
    good = bank.assertion(key=RSA, header=header)
    assert (await signing.token(bank, **MACHINE | {"client_assertion": good})).status_code == 200
