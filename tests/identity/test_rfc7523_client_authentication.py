"""RFC 7523, RFC 8725: client assertions prove one client, once (items 13 and 14)."""

import asyncio
import base64
import hashlib
import hmac
import json
import time
from typing import Any

import pytest
from joserfc.jwk import ECKey, RSAKey

from tests.identity.conftest import Starter, World
from tests.identity.party import CATALOG, ISSUER, JWT_BEARER, STRANGER_JWKS, Party

RSA_KEY = RSAKey.generate_key(2048, auto_kid=True)
MACHINE = {"grant_type": "client_credentials", "resource": CATALOG}


async def refused(party: Party, **parameters: Any) -> None:
    answer = await party.token(**(MACHINE | parameters))
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client"), answer.text
    assert answer.headers["cache-control"] == "no-store"
    # RFC 9110 §15.5.2: a 401 has a challenge.
    assert answer.headers["www-authenticate"] == 'private_key_jwt realm="tongban"'


async def test_a_good_assertion_gives_a_token_of_the_client(world: World) -> None:
    cases = world["cases"]
    answer = await cases.token(**MACHINE)
    claims = await cases.claims(answer.json()["access_token"])
    assert (claims["sub"], claims["client_id"], claims["aud"]) == ("cases", "cases", CATALOG)
    assert "realm" not in claims
    assert not {"refresh_token", "id_token"} & answer.json().keys()


async def test_the_audience_is_issuer_or_an_endpoint(world: World, subtests: pytest.Subtests) -> None:
    cases = world["cases"]
    for audience in [f"{ISSUER}/token", [ISSUER], [f"{ISSUER}/token"]]:
        with subtests.test(audience=audience):
            assert (await cases.token(**MACHINE, client_assertion=cases.assertion(aud=audience))).status_code == 200
    for path in ("/introspect", "/revoke"):
        with subtests.test("the endpoint called, and no other (RFC 9126 §2)", path=path):
            given = cases.authenticated(token="x", client_assertion=cases.assertion(aud=ISSUER + path))
            assert (await cases.http.post(path, data=given)).status_code == 200
            await refused(cases, client_assertion=cases.assertion(aud=ISSUER + path))


FAPI2 = {
    "client_id": "bank",
    "client_name": {"zh": "银行", "en": "Bank"},
    "profile": "fapi2",
    "grant_types": ["client_credentials"],
    "jwks": {"keys": [*STRANGER_JWKS["keys"], RSA_KEY.as_dict(private=False)]},
    "dpop_bound_access_tokens": True,
    "id_token_signed_response_alg": "PS256",
    "resources": [CATALOG],
}


async def test_fapi2_takes_the_issuer_as_one_string_and_its_own_algorithms(start: Starter) -> None:
    """FAPI 2.0 Security Profile §5.3.2.1 and §5.4."""
    world: World = await start(more=[FAPI2])
    bank = world["bank"]

    async def revoke(assertion: str) -> int:
        given = bank.authenticated(token="x", client_assertion=assertion)
        return (await bank.http.post("/revoke", data=given)).status_code

    assert await revoke(bank.assertion()) == 200
    for audience in ([ISSUER], f"{ISSUER}/token", f"{ISSUER}/revoke"):
        assert await revoke(bank.assertion(aud=audience)) == 401
    head = {"kid": RSA_KEY.kid}
    assert await revoke(bank.assertion(key=RSA_KEY, header=head | {"alg": "PS256"})) == 200
    assert await revoke(bank.assertion(key=RSA_KEY, header=head | {"alg": "RS256"})) == 401


async def test_wrong_claims_are_refused(world: World, subtests: pytest.Subtests) -> None:
    claims: Any
    for claims in [
        {"aud": "https://other.example"},
        {"aud": ["https://id.example", "https://other.example"]},
        {"aud": None},
        {"iss": "portal"},
        {"sub": "portal"},
        {"exp": None},
        {"exp": int(time.time()) - 60},
        {"exp": int(time.time()) + 3600},
        {"exp": "soon"},
        {"exp": True},
        {"iat": int(time.time()) + 600},
        {"nbf": int(time.time()) + 600},
        {"jti": None},
        {"jti": ""},
        {"jti": 7},
        {"jti": "x" * 256},
    ]:
        with subtests.test(claims=claims):
            cases = world["cases"]
            await refused(cases, client_assertion=cases.assertion(**claims))


async def test_an_assertion_is_taken_once_on_every_replica_and_after_a_restart(start: Starter) -> None:
    world: World = await start()
    replica: World = await start()
    cases = world["cases"]
    assertion = cases.assertion()
    answers = await asyncio.gather(
        *(party.token(**MACHINE, client_assertion=assertion) for party in (cases, replica["cases"]) * 4)
    )
    assert sorted(answer.status_code for answer in answers) == [200] + [401] * 7
    await world.service.close()
    await refused((await start())["cases"], client_assertion=assertion)


async def test_an_assertion_is_used_up_by_a_refused_request_too(world: World) -> None:
    cases = world["cases"]
    assertion = cases.assertion()
    answer = await cases.token(grant_type="client_credentials", resource="urn:nothing", client_assertion=assertion)
    assert answer.json()["error"] == "invalid_target"
    await refused(cases, client_assertion=assertion)


async def test_the_same_jti_of_two_clients_is_no_replay(world: World) -> None:
    for name in ("cases", "notify"):
        party = world[name]
        assert (await party.token(**MACHINE, client_assertion=party.assertion(jti="same"))).status_code == 200


async def test_another_key_is_refused(world: World) -> None:
    cases = world["cases"]
    foreign = ECKey.generate_key("P-256")
    await refused(cases, client_assertion=cases.assertion(key=foreign))
    await refused(cases, client_assertion=cases.assertion(key=foreign, header={"kid": foreign.thumbprint()}))
    await refused(cases, client_assertion=world["notify"].assertion(iss="cases", sub="cases"))


async def test_no_algorithm_but_ours(world: World) -> None:
    cases = world["cases"]
    now = int(time.time())
    claims = {"iss": "cases", "sub": "cases", "aud": "https://id.example", "exp": now + 60, "jti": "a"}

    def part(value: dict[str, Any]) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    for algorithm in ("none", "None", "NONE"):
        unsigned = f"{part({'alg': algorithm})}.{part(claims)}."
        await refused(cases, client_assertion=unsigned)
    # The public key as an HMAC secret: RS/HS confusion.
    for secret in (cases.key.as_pem(private=False), json.dumps(cases.key.as_dict(private=False)).encode()):
        signed = f"{part({'alg': 'HS256', 'kid': cases.key.kid})}.{part(claims)}"
        mac = hmac.new(secret, signed.encode(), hashlib.sha256).digest()
        forged = f"{signed}.{base64.urlsafe_b64encode(mac).decode().rstrip('=')}"
        await refused(cases, client_assertion=forged)


async def test_a_key_in_the_header_is_not_believed(world: World) -> None:
    cases = world["cases"]
    foreign = ECKey.generate_key("P-256")
    header = {"jwk": foreign.as_dict(private=False)}
    await refused(cases, client_assertion=cases.assertion(key=foreign, header=header))


async def test_a_token_of_another_kind_is_no_assertion(world: World, subtests: pytest.Subtests) -> None:
    for typ in ["at+jwt", "application/at+jwt", "logout+jwt"]:
        with subtests.test(typ=typ):
            cases = world["cases"]
            await refused(cases, client_assertion=cases.assertion(header={"typ": typ}))


async def test_no_other_way_to_authenticate(world: World, subtests: pytest.Subtests) -> None:
    parameters: Any
    for parameters in [
        {"client_assertion": None},
        {"client_assertion": None, "client_id": "cases"},
        {"client_assertion": None, "client_assertion_type": None},
        {"client_assertion": None, "client_assertion_type": None, "client_id": "cases"},
        {"client_assertion_type": None},
        {"client_assertion_type": JWT_BEARER + "x"},
        {"client_assertion": "a.b.c"},
        {"client_assertion": "no token"},
        {"client_id": "notify"},
    ]:
        with subtests.test(parameters=parameters):
            await refused(world["cases"], **parameters)


async def test_grants_of_a_client_are_in_its_token(world: World) -> None:
    department = world["dept-demo"]
    answer = await department.token(grant_type="client_credentials", resource="urn:tongban:notify")
    claims = await department.claims(answer.json()["access_token"])
    assert claims["grants"] == [{"org": "*", "role": "integrator"}]


async def test_what_a_service_may_not_ask(world: World, subtests: pytest.Subtests) -> None:
    parameters: Any
    for parameters, error in [
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": "authorization_code", "code": "x"}, "unauthorized_client"),
        ({"grant_type": None}, "invalid_request"),
        ({"scope": "openid"}, "invalid_scope"),
        ({"resource": None}, "invalid_target"),
        ({"resource": "urn:other"}, "invalid_target"),
    ]:
        with subtests.test(parameters=parameters):
            answer = await world["cases"].token(**(MACHINE | parameters))
            assert (answer.status_code, answer.json()["error"]) == (400, error)
