"""RFC 9449: a token that is bound to a key is worth nothing to whoever steals it (item 7)."""

import asyncio
from typing import Any

import httpx
import pytest
from joserfc.jwk import ECKey, Key, OctKey, OKPKey, RSAKey

from services.kit import replays
from tests.identity.conftest import Starter, World
from tests.identity.dpop import USERINFO, Holder
from tests.identity.party import CASES, ISSUER, PASSWORD, STRANGER_JWKS, Party, challenge_of, query

APP: dict[str, Any] = {
    "client_id": "app",
    "client_name": {"zh": "应用", "en": "App"},
    "realm": "citizen",
    "first_party": True,
    "application_type": "native",
    "grant_types": ["authorization_code", "refresh_token"],
    "token_endpoint_auth_method": "none",
    "redirect_uris": ["https://app.example/callback"],
    "resources": [CASES],
    "dpop_bound_access_tokens": True,
}
SERVER = APP | {
    "client_id": "server",
    "application_type": "web",
    "token_endpoint_auth_method": "private_key_jwt",
    "jwks": STRANGER_JWKS,
    "grant_types": ["authorization_code", "refresh_token", "client_credentials"],
}
PUBLIC = {"client_id": "app", "client_assertion": None, "client_assertion_type": None}
MACHINE = {"grant_type": "client_credentials", "resource": CASES}
GRANTS: dict[str, dict[str, Any]] = {
    "code": {"grant_type": "authorization_code", "code": "c", "redirect_uri": "https://app.example/callback"},
    "refresh": {"grant_type": "refresh_token", "refresh_token": "r"},
    "machine": MACHINE,
}
PUSHED: dict[str, Any] = {
    "path": "/par",
    "client_id": "server",
    "response_type": "code",
    "redirect_uri": "https://app.example/callback",
    "scope": "openid",
    "code_challenge": challenge_of("v" * 43),
    "code_challenge_method": "S256",
}
ASKED = GRANTS | {"par": PUSHED}
"""Where clients send proofs, with what."""


@pytest.fixture
async def world(start: Starter) -> World:
    found: World = await start(more=[APP, SERVER])
    return found


@pytest.fixture
def holder(world: World) -> Holder:
    return Holder(world.clock)


async def bound(world: World, holder: Holder, **parameters: Any) -> dict[str, Any]:
    """Tokens of a person who signed in to the app, for userinfo."""
    code = await world.browser().code(world["app"], resource=None, **parameters)
    answer = await holder.redeem(world["app"], code, **PUBLIC)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def bad_proofs(holder: Holder, url: str, method: str, **claims: Any) -> dict[str, list[str]]:
    """What §4.3 refuses: name of the rule and case, DPoP headers."""
    now = int(holder.clock().timestamp())
    other = ECKey.generate_key("P-256")
    weak = Holder(holder.clock, RSAKey.generate_key(1024), "PS256", holder.nonce)

    def proof(**changed: Any) -> list[str]:
        return [holder.proof(url, method, **claims | changed)]

    def signed_by(key: Any, alg: str, **header: Any) -> list[str]:
        signing = Holder(holder.clock, key, alg, holder.nonce)
        return [signing.proof(url, method, header=header, **claims)]

    head, _, signature = proof()[0].split(".")
    secret = OctKey.import_key({"kty": "oct", "k": "A" * 43})
    return {
        "1: two headers": proof() + proof(),
        "1: two in one": [", ".join(proof() + proof())],
        "2: no JWT": ["e30.e30"],
        "2: too long": proof(more="x" * 8192),
        "3: no jti": proof(jti=None),
        "3: jti of another type": proof(jti=7),
        "3: jti too long": proof(jti="j" * 256),
        "3: jti not printable": proof(jti="\ud800"),
        "4: typ of an assertion": proof(header={"typ": "JWT"}),
        "4: no typ": proof(header={"typ": None}),
        "5: none": [f"eyJhbGciOiJub25lIiwidHlwIjoiZHBvcCtqd3QifQ.{proof()[0].split('.')[1]}."],
        "5: symmetric": signed_by(secret, "HS256", jwk=secret.as_dict(private=True)),
        "6: another key": signed_by(other, "ES256", jwk=holder.key.as_dict(private=False)),
        "6: changed": [f"{head}.{proof()[0].split('.')[1]}.{signature}"],
        "6: no key": proof(header={"jwk": None}),
        "6: no key but text": proof(header={"jwk": "x"}),
        "6: unknown extension": proof(header={"crit": ["b64"], "b64": True}),
        "7: private key": proof(header={"jwk": holder.key.as_dict(private=True)}),
        "7: weak key": [weak.proof(url, method, **claims)],
        "8: another method": proof(htm="PUT"),
        "8: case of the method": proof(htm=method.lower()),
        "9: another endpoint": proof(htu=f"{ISSUER}/revoke"),
        "9: another host": proof(htu=url.replace("id.example", "id.example.evil")),
        "9: plain http": proof(htu=url.replace("https:", "http:")),
        "9: path only": proof(htu="/token"),
        "9: no htu": proof(htu=None),
        "11: old": proof(iat=now - 70),
        "11: of the future": proof(iat=now + 70),
        "11: no number": proof(iat=str(now)),
        "11: not finite": proof(iat=float("nan")),
        "11: beyond every float": proof(iat=10**400),
    }


async def test_section_4_3_at_the_token_endpoint(world: World, holder: Holder, subtests: pytest.Subtests) -> None:
    server = world["server"]
    assert (await holder.token(server, **MACHINE)).status_code == 200
    for asked, parameters in ASKED.items():
        for name, proofs in bad_proofs(holder, f"{ISSUER}{parameters.get('path', '/token')}", "POST").items():
            with subtests.test(asked=asked, case=name):
                answer = await holder.token(server, *proofs, **parameters)
                assert (answer.status_code, answer.json()["error"]) == (400, "invalid_dpop_proof"), answer.text
                assert name[0] not in "256" or "signed" in answer.json()["error_description"]


async def test_section_4_3_at_userinfo(world: World, holder: Holder, subtests: pytest.Subtests) -> None:
    http, token = world.http(), (await bound(world, holder))["access_token"]
    good = await holder.userinfo(http, token)
    assert (good.status_code, good.json()["name"]) == (200, good.json()["name"])
    cases = bad_proofs(holder, USERINFO, "GET", ath=holder.ath(token))
    cases["12: no ath"] = [holder.proof(USERINFO, "GET")]
    cases["12: another token's ath"] = [holder.proof(USERINFO, "GET", ath=holder.ath("another"))]
    for name, proofs in cases.items():
        with subtests.test(case=name):
            answer = await holder.userinfo(http, token, *proofs)
            assert (answer.status_code, answer.json()["error"]) == (401, "invalid_dpop_proof"), answer.text
            assert name[0] not in "256" or "signed" in answer.json()["error_description"]
            assert answer.headers["WWW-Authenticate"].startswith('DPoP algs="ES256 ')
            assert 'error="invalid_dpop_proof"' in answer.headers["WWW-Authenticate"]


async def test_every_algorithm_that_the_metadata_tell_is_taken(world: World, subtests: pytest.Subtests) -> None:
    keys: dict[str, Key] = {
        "ES256": ECKey.generate_key("P-256"),
        "EdDSA": OKPKey.generate_key("Ed25519"),
        "PS256": (rsa := RSAKey.generate_key(2048)),
        "RS256": rsa,
    }
    told = (await world.http().get("/.well-known/openid-configuration")).json()["dpop_signing_alg_values_supported"]
    assert set(told) == set(keys)
    for alg, key in keys.items():
        with subtests.test(alg=alg):
            holder = Holder(world.clock, key, alg)
            answer = await holder.token(world["server"], **MACHINE)
            assert answer.json()["token_type"] == "DPoP"
            claims = await world["server"].claims(answer.json()["access_token"])
            assert claims["cnf"] == {"jkt": holder.jkt}


async def test_section_8_nonces(world: World, start: Starter, holder: Holder) -> None:
    """§8: without a nonce, or with one that is too old, the answer brings one; replicas take each other's."""
    server, replica = world["server"], await start(more=[APP, SERVER])
    for name, parameters in ASKED.items():
        url = f"{ISSUER}{parameters.get('path', '/token')}"
        refused = await holder.token(server, holder.proof(url, nonce="made-up"), **parameters)
        assert (refused.status_code, refused.json()["error"]) == (400, "use_dpop_nonce"), name
        assert refused.headers["DPoP-Nonce"]
    asked = await server.http.post(
        "/token", data=server.authenticated(**MACHINE), headers={"DPoP": holder.proof(nonce=None)}
    )
    assert (asked.status_code, asked.json()["error"]) == (400, "use_dpop_nonce")
    assert asked.headers["DPoP-Nonce"] == holder.nonce
    assert (await holder.token(replica["server"], holder.proof(), **MACHINE)).status_code == 200
    old = holder.nonce
    world.clock.forward(seconds=120)
    # The one before is still taken, and the answer brings the present one (§8.2).
    answer = await holder.token(server, holder.proof(), **MACHINE)
    assert answer.status_code == 200 and answer.headers["DPoP-Nonce"] != old
    world.clock.forward(seconds=120)
    assert (await holder.token(server, holder.proof(nonce=old), **MACHINE)).json()["error"] == "use_dpop_nonce"
    # Whoever sends no proof hears of no nonce.
    plain = await world["portal"].token(**MACHINE)
    assert "DPoP-Nonce" not in plain.headers


async def test_section_9_nonces_at_userinfo(world: World, holder: Holder) -> None:
    """None is asked for where `ath` ties the proof to a young token; one that is not ours is refused all the same."""
    http, token = world.http(), (await bound(world, holder))["access_token"]
    ath = holder.ath(token)
    without = await holder.userinfo(http, token, holder.proof(USERINFO, "GET", ath=ath, nonce=None))
    assert without.status_code == 200
    answer = await holder.userinfo(http, token, holder.proof(USERINFO, "GET", ath=ath, nonce="made-up"))
    assert (answer.status_code, answer.json()["error"]) == (401, "use_dpop_nonce")
    assert 'error="use_dpop_nonce"' in answer.headers["WWW-Authenticate"]
    assert answer.headers["DPoP-Nonce"] == holder.nonce


async def test_an_assertion_is_not_spent_when_a_nonce_is_asked_for(world: World, holder: Holder) -> None:
    """§8: the client sends the same request again, its proof alone made anew."""
    server = world["server"]
    data = server.authenticated(**MACHINE)
    asked = await server.http.post("/token", data=data, headers={"DPoP": holder.proof()})
    holder.nonce = asked.headers["DPoP-Nonce"]
    assert (await server.http.post("/token", data=data, headers={"DPoP": holder.proof()})).status_code == 200


async def test_nonces_may_be_switched_off(start: Starter) -> None:
    world: World = await start(more=[SERVER], dpop_nonce_required=False)
    holder = Holder(world.clock)
    assert (await holder.token(world["server"], holder.proof(), **MACHINE)).status_code == 200
    stale = await holder.token(world["server"], holder.proof(nonce="made-up"), **MACHINE)
    assert stale.json()["error"] == "use_dpop_nonce"


async def test_section_11_1_a_proof_is_taken_once(world: World, start: Starter, holder: Holder) -> None:
    """On every replica, and by one that was started since; by every grant and at userinfo."""
    app, server = world["app"], world["server"]
    tokens = await bound(world, holder)
    one = holder.proof()
    assert (await holder.token(server, one, **MACHINE)).status_code == 200
    restarted: World = await start(more=[APP, SERVER])
    for there in (world, restarted):
        for grant, parameters in GRANTS.items():
            answer = await holder.token(there["server"], one, **parameters)
            assert (answer.status_code, answer.json()["error"]) == (400, "invalid_dpop_proof"), grant
        pushed = holder.proof(f"{ISSUER}/par", jti="pushed")
        answer = await holder.token(there["server"], pushed, **PUSHED)
        assert answer.status_code == (201 if there is world else 400)
    assert answer.json()["error"] == "invalid_dpop_proof"
    # What a refusal leaves behind is no valid request either: the code is not spent by it.
    code = await world.browser().code(app, resource=None)
    assert (await holder.redeem(app, code, one, **PUBLIC)).json()["error"] == "invalid_dpop_proof"
    assert (await holder.redeem(app, code, **PUBLIC)).status_code == 200
    token = tokens["access_token"]
    proof = holder.proof(USERINFO, "GET", ath=holder.ath(token))
    assert (await holder.userinfo(world.http(), token, proof)).status_code == 200
    again = await holder.userinfo(restarted.http(), token, proof)
    assert (again.status_code, again.json()["error"]) == (401, "invalid_dpop_proof")


async def test_section_11_1_of_parallel_requests_one_succeeds(world: World, start: Starter, holder: Holder) -> None:
    replica: World = await start(more=[APP, SERVER])
    await holder.token(world["server"], **MACHINE)
    proof = holder.proof()
    parties: list[Party] = [world["server"], replica["server"]] * 10
    answers = await asyncio.gather(*(holder.token(party, proof, **MACHINE) for party in parties))
    assert sorted(answer.status_code for answer in answers) == [200] + [400] * 19
    token = (await bound(world, holder))["access_token"]
    proof = holder.proof(USERINFO, "GET", ath=holder.ath(token))
    https: list[httpx.AsyncClient] = [world.http(), replica.http()] * 10
    answers = await asyncio.gather(*(holder.userinfo(http, token, proof) for http in https))
    assert sorted(answer.status_code for answer in answers) == [200] + [401] * 19


async def test_section_5_2_a_client_that_registered_so_sends_proofs(world: World) -> None:
    for grant, parameters in GRANTS.items():
        answer = await world["server"].token(**parameters)
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_dpop_proof"), grant
        assert answer.headers["DPoP-Nonce"]


async def test_section_5_refresh_tokens(world: World, holder: Holder) -> None:
    """Those of public clients are bound to the key, those of others to the client alone."""
    app, thief = world["app"], Holder(world.clock)
    tokens = await bound(world, holder)
    assert tokens["token_type"] == "DPoP"
    refused = await thief.refresh(app, tokens["refresh_token"], **PUBLIC)
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")
    again = (await holder.refresh(app, tokens["refresh_token"], **PUBLIC)).json()
    assert again["token_type"] == "DPoP" and again["refresh_token"] != tokens["refresh_token"]
    assert (await app.claims(again["access_token"]))["cnf"] == {"jkt": holder.jkt}
    code = await world.browser().code(world["server"], resource=None)
    tokens = (await holder.redeem(world["server"], code)).json()
    moved = Holder(world.clock)
    renewed = (await moved.refresh(world["server"], tokens["refresh_token"])).json()
    assert (await app.claims(renewed["access_token"]))["cnf"] == {"jkt": moved.jkt}


async def test_section_6_2_introspection_tells_the_key(world: World, holder: Holder) -> None:
    server = world["server"]
    token = (await holder.token(server, **MACHINE)).json()["access_token"]
    told = (await server.http.post("/introspect", data=server.authenticated(token=token))).json()
    assert (told["active"], told["token_type"], told["cnf"]) == (True, "DPoP", {"jkt": holder.jkt})
    plain = (await world["dept-demo"].token(**MACHINE)).json()["access_token"]
    told = (await server.http.post("/introspect", data=world["dept-demo"].authenticated(token=plain))).json()
    assert told["token_type"] == "Bearer" and "cnf" not in told


async def test_section_7_tokens_at_userinfo(world: World, holder: Holder) -> None:
    http, thief = world.http(), Holder(world.clock, nonce=holder.nonce)
    token = (await bound(world, holder))["access_token"]
    thief.nonce = holder.nonce
    # §7.2: a bound token is nothing by itself, with a proof beside it or without.
    for headers in ({}, {"DPoP": holder.proof(USERINFO, "GET", ath=holder.ath(token))}):
        answer = await http.get("/userinfo", headers={"Authorization": f"Bearer {token}"} | headers)
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_token")
    form = await http.post("/userinfo", data={"access_token": token})
    assert (form.status_code, form.json()["error"]) == (401, "invalid_token")
    # §7.1: nor with another key's proof, nor without one.
    answer = await thief.userinfo(http, token)
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_token")
    answer = await http.get("/userinfo", headers={"Authorization": f"DPoP {token}"})
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_dpop_proof")
    # A portal's token for userinfo is not bound.
    code = await world.browser().code(world["portal"], resource=None)
    plain = (await world["portal"].redeem(code, resource=None)).json()["access_token"]
    answer = await holder.userinfo(http, plain)
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_token")
    assert (await http.get("/userinfo", headers={"Authorization": f"Bearer {plain}"})).status_code == 200
    # §7.1: who brings nothing learns of both schemes.
    assert (await http.get("/userinfo")).headers["WWW-Authenticate"].startswith("Bearer, DPoP algs=")


async def test_a_thief_without_the_token_cannot_use_up_proofs(world: World, holder: Holder) -> None:
    """A proof is noted only where key and token fit: userinfo takes no writes from strangers."""
    http, token = world.http(), (await bound(world, holder))["access_token"]
    stranger = Holder(world.clock, nonce=holder.nonce)
    await stranger.userinfo(http, token)
    await stranger.userinfo(http, "nonsense")
    async with world.work(readonly=True) as work:
        rows = (await work.execute(work.context.tables.used_proofs.select())).all()
    await holder.userinfo(http, token)
    async with world.work(readonly=True) as work:
        assert len((await work.execute(work.context.tables.used_proofs.select())).all()) == len(rows) + 1


async def test_section_10_a_code_may_name_its_key(world: World, holder: Holder) -> None:
    portal, thief = world["portal"], Holder(world.clock)
    code = await world.browser().code(portal, resource=None, dpop_jkt=holder.jkt)
    refused = await thief.redeem(portal, code)
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")
    without = await portal.redeem(code, resource=None)
    assert (without.status_code, without.json()["error"]) == (400, "invalid_grant")
    assert (await holder.redeem(portal, code)).json()["token_type"] == "DPoP"
    # §10.1: a pushed request binds its code by its proof, and does not name another key.
    server = world["server"]
    named = await holder.token(server, **PUSHED | {"dpop_jkt": thief.jkt})
    assert (named.status_code, named.json()["error"]) == (400, "invalid_request")
    request_uri = (await holder.token(server, **PUSHED)).json()["request_uri"]
    browser, query_of = world.browser(), {"client_id": "server", "request_uri": request_uri}
    page = await browser.http.get("/authorize", params=query_of)
    code = query((await browser.post_sign_in(page.text, "lin", PASSWORD)).headers["location"])["code"]
    server.verifier = "v" * 43
    assert (await thief.redeem(server, code)).json()["error"] == "invalid_grant"
    assert (await holder.redeem(server, code)).status_code == 200
    for bad in ("x", holder.jkt + "A", holder.jkt[:-1] + "!"):
        answer = await world.http().get(portal.address(dpop_jkt=bad))
        assert "error=invalid_request" in answer.headers["location"]
        pushed = await holder.token(server, **PUSHED | {"dpop_jkt": bad})
        assert (pushed.status_code, pushed.json()["error"]) == (400, "invalid_request")


async def test_used_proofs_are_forgotten(world: World, holder: Holder) -> None:
    await holder.token(world["server"], **MACHINE)
    assert await replays.prune(world.service.context) == 0
    world.clock.forward(seconds=125)
    assert await replays.prune(world.service.context) == 1
