"""FAPI 2.0 Security Profile §5.3.2.2, Message Signing §5.3.1: what a client of profile `fapi2` may ask for, and how."""

import re
from typing import Any
from urllib.parse import urlencode

import pytest
from joserfc.jwk import RSAKey
from pydantic import ValidationError

from services.identity.domain.clients import ClientDeclaration
from services.identity.settings import IdentitySettings
from tests.identity.conftest import Starter, World
from tests.identity.dpop import Holder
from tests.identity.party import ISSUER, PASSWORD, STRANGER_JWKS, STRANGER_KEY, Party, query
from tests.identity.test_rfc9101_jar import signed
from tests.identity.test_rfc9449_dpop import SERVER

RSA = RSAKey.generate_key(2048, auto_kid=True)
BANK = SERVER | {
    "client_id": "bank",
    "profile": "fapi2",
    "first_party": True,
    "id_token_signed_response_alg": "PS256",
    "jwks": {"keys": [*STRANGER_JWKS["keys"], RSA.as_dict(private=False)]},
}
SIGNING = BANK | {"client_id": "signing", "require_signed_request_object": True}


@pytest.fixture
async def world(start: Starter) -> World:
    found: World = await start(more=[BANK, SIGNING])
    return found


async def pushed(party: Party, **parameters: Any) -> str:
    data = party.authenticated() | parameters
    answer = await party.http.post("/par", data=data)
    assert answer.status_code == 201, answer.text
    return "/authorize?" + urlencode({"client_id": party.client_id, "request_uri": answer.json()["request_uri"]})


def plain(party: Party, **parameters: Any) -> dict[str, Any]:
    return party.request(**{"resource": None} | parameters)


async def test_a_pushed_request_leads_to_tokens_of_its_key(world: World) -> None:
    bank, browser, holder = world["bank"], world.browser(), Holder(world.clock)
    url = await pushed(bank, **plain(bank, scope="profile openid", dpop_jkt=holder.jkt))
    page = await browser.http.get(url)
    back = query((await browser.post_sign_in(page.text, "lin", PASSWORD)).headers["location"])
    assert (back["iss"], back["state"]) == (ISSUER, "st-1")
    tokens = await holder.redeem(bank, back["code"])
    assert tokens.json()["token_type"] == "DPoP", tokens.text


async def test_section_5_3_2_2_point_3_nothing_but_pushed_requests(world: World) -> None:
    """By redirect with `invalid_request`: the redirect URI is registered, and its developer learns of it."""
    http, bank = world.http(), world["bank"]
    for url in (
        "/authorize?" + urlencode(plain(bank)),
        "/authorize?" + urlencode({"client_id": "bank", "request": signed(bank, resource=None)}),
    ):
        error = query((await http.get(url)).headers["location"])
        assert (error["error"], error["state"], error["iss"]) == ("invalid_request", "st-1", ISSUER)


async def test_section_5_3_2_2_what_a_request_must_be(world: World, subtests: pytest.Subtests) -> None:
    bank = world["bank"]
    for parameters, error in (
        ({"response_type": "code id_token"}, "unsupported_response_type"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"code_challenge": None, "code_challenge_method": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"redirect_uri": None}, "invalid_request"),
        ({"redirect_uri": bank.redirect_uri + "/more"}, "invalid_request"),
        ({"request_uri": "https://bank.example/object"}, "request_uri_not_supported"),
    ):
        with subtests.test(parameters=parameters):
            data = bank.authenticated() | plain(bank, **parameters)
            answer = await bank.http.post("/par", data=data)
            assert (answer.status_code, answer.json()["error"]) == (400, error)
    # Its assertions are for the issuer alone, at this endpoint too (§5.3.2.1).
    for audience in (f"{ISSUER}/par", f"{ISSUER}/token", [ISSUER]):
        data = bank.authenticated(client_assertion=bank.assertion(aud=audience)) | plain(bank)
        assert (await bank.http.post("/par", data=data)).json()["error"] == "invalid_client"
    holder = Holder(world.clock, RSA, "RS256")
    for alg, error in (("RS256", "invalid_dpop_proof"), ("PS256", "use_dpop_nonce")):
        holder.alg = alg
        headers = {"DPoP": holder.proof(f"{ISSUER}/par")}
        answer = await bank.http.post("/par", data=bank.authenticated() | plain(bank), headers=headers)
        assert answer.json()["error"] == error
    long = await pushed(bank, **plain(bank, state="s" * 384, nonce="n" * 384))
    assert (await world.http().get(long)).status_code == 200


async def test_message_signing_section_5_3_1_signed_requests(world: World, subtests: pytest.Subtests) -> None:
    signing, now = world["signing"], int(world.clock().timestamp())
    rs256: dict[str, Any] = {"key": RSA, "header": {"alg": "RS256"}}
    claims: Any
    for case, claims, good in (
        ("as it should be", {}, True),
        ("several audiences", {"aud": ["https://other.example", ISSUER]}, True),
        ("8 seconds ahead", {"nbf": now + 8}, True),
        ("RS256", rs256, False),
        ("without nbf", {"nbf": None}, False),
        ("nbf more than an hour ago", {"nbf": now - 3700, "exp": now + 60}, False),
        ("exp more than an hour after nbf", {"nbf": now - 1800, "exp": now + 1860}, False),
        ("nbf of another type", {"nbf": "now"}, False),
        ("without exp", {"exp": None}, False),
        ("expired", {"exp": now - 60}, False),
        ("another audience", {"aud": "https://other.example"}, False),
    ):
        with subtests.test(case=case):
            key, header = claims.get("key", STRANGER_KEY), claims.get("header")
            rest = {name: value for name, value in claims.items() if name not in ("key", "header")}
            data = signing.authenticated(request=signed(signing, key=key, header=header, resource=None, **rest))
            answer = await signing.http.post("/par", data=data)
            assert answer.status_code == (201 if good else 400), answer.text
            assert answer.json().get("error") == (None if good else "invalid_request_object")
    unsigned = await signing.http.post("/par", data=signing.authenticated() | plain(signing))
    assert unsigned.json()["error"] == "invalid_request"


def test_section_5_3_2_2_redirects_are_https_and_references_live_for_less_than_ten_minutes() -> None:
    local = {"redirect_uris": ["http://localhost/callback"]}
    with pytest.raises(ValidationError, match=re.escape("fapi2: redirect_uris are https")):
        ClientDeclaration.model_validate(BANK | local)
    assert ClientDeclaration.model_validate(BANK | local | {"application_type": "native"})
    field = IdentitySettings.model_fields["pushed_request_seconds"]
    assert (field.default, [getattr(rule, "le", None) for rule in field.metadata]) == (60, [None, 599])
