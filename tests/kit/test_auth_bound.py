"""Bound tokens at our own APIs: RFC 9449 §7 (DPoP), RFC 8705 §3 (certificates), told of by RFC 9728."""

import asyncio
import datetime
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest
from fastapi import APIRouter, FastAPI
from pydantic import ValidationError

from services.kit import auth, dpop, replays
from services.kit.certificates import behind_proxies
from services.kit.http import api_app
from services.kit.service import Context
from tests.identity.dpop import Holder
from tests.identity.test_rfc8705_mtls import Certificate
from tests.kit.conftest import TinySettings
from tests.kit.test_http import ISSUER, KEY, token

PUBLIC = "https://portal.example/api/notify"
PROXY, HEADER = "10.1.2.3", "Client-Cert"


def build(context: Context) -> FastAPI:
    routes = APIRouter()

    @routes.get("/things/{name:path}")
    async def thing(name: str, caller: auth.Caller) -> str:
        return caller.sub

    async def keys() -> dict[str, Any]:
        return {"keys": [KEY.as_dict(private=False)]}

    return api_app(context, title="Tiny", routers=[routes], verifier=auth.TokenVerifier(context.settings, keys))


class Api:
    """Two replicas of a service with a public address."""

    def __init__(self, contexts: list[Context]) -> None:
        apps = [behind_proxies(build(context), context.settings) for context in contexts]
        self.contexts = contexts
        self.https = [
            httpx.AsyncClient(transport=httpx.ASGITransport(app, client=(PROXY, 1)), base_url="http://notify-7:8080")
            for app in apps
        ]

    async def get(
        self,
        value: str,
        *proofs: str,
        scheme: str = "DPoP",
        path: str = "/things/a",
        replica: int = 0,
        certificate: str | None = None,
    ) -> httpx.Response:
        sent = [("Authorization", f"{scheme} {value}"), *(("DPoP", proof) for proof in proofs)]
        sent += [(HEADER, certificate)] if certificate is not None else []
        return await self.https[replica].get(path, headers=sent)


@pytest.fixture
async def api(database_url: str, make_context: Callable[..., Any]) -> AsyncIterator[Api]:
    given = {"issuer": ISSUER, "public_url": PUBLIC, "trusted_proxies": PROXY, "client_certificate_header": HEADER}
    found = Api([await make_context(database_url, **given) for _ in range(2)])
    yield found
    for http in found.https:
        await http.aclose()


@pytest.fixture
def holder() -> Holder:
    return Holder()


def bound(holder: Holder) -> str:
    return token(cnf={"jkt": holder.jkt})


def proof(holder: Holder, value: str, path: str = "/things/a", **claims: Any) -> str:
    return holder.proof(PUBLIC + path, "GET", **{"ath": holder.ath(value)} | claims)


async def test_section_7_1_a_bound_token_with_its_proof(api: Api, holder: Holder) -> None:
    value = bound(holder)
    assert (await api.get(value, proof(holder, value))).json() == "account-1"
    # The proof is about the path as it came; the query is no part of it (§4.3 point 9).
    sent = proof(holder, value, "/things/%E5%9B%BE%2Fb")
    assert (await api.get(value, sent, path="/things/%E5%9B%BE%2Fb?x=1")).status_code == 200
    assert (await api.get(value, proof(holder, value, "/things/%e5%9b%be/b"), path="/things/图/b")).status_code == 200
    assert (await api.get(value, proof(holder, value, "/things/%e5%9b%be/b"), path="/things/图%2Fb")).status_code == 401


async def test_section_7_1_what_is_refused(api: Api, holder: Holder, subtests: pytest.Subtests) -> None:
    value, now = bound(holder), int(holder.clock().timestamp())
    thief, private = Holder(), {"jwk": holder.key.as_dict(private=True)}
    cases: dict[str, tuple[str, list[str], str, str]] = {
        "as Bearer (§7.2)": (value, [proof(holder, value)], "Bearer", "invalid_token"),
        "unbound as DPoP": (token(), [proof(holder, token())], "DPoP", "invalid_token"),
        "no proof": (value, [], "DPoP", "invalid_dpop_proof"),
        "two proofs": (value, [proof(holder, value), proof(holder, value)], "DPoP", "invalid_dpop_proof"),
        "another key": (value, [proof(thief, value)], "DPoP", "invalid_token"),
        "another token's": (value, [proof(holder, token())], "DPoP", "invalid_dpop_proof"),
        "no ath": (value, [proof(holder, value, ath=None)], "DPoP", "invalid_dpop_proof"),
        "another method": (value, [proof(holder, value, htm="POST")], "DPoP", "invalid_dpop_proof"),
        "another path": (value, [proof(holder, value, "/things/b")], "DPoP", "invalid_dpop_proof"),
        "the inner address": (
            value,
            [proof(holder, value, htu="http://notify-7:8080/things/a")],
            "DPoP",
            "invalid_dpop_proof",
        ),
        "old": (value, [proof(holder, value, iat=now - 70)], "DPoP", "invalid_dpop_proof"),
        "of the future": (value, [proof(holder, value, iat=now + 70)], "DPoP", "invalid_dpop_proof"),
        "an assertion": (value, [proof(holder, value, header={"typ": "JWT"})], "DPoP", "invalid_dpop_proof"),
        "private key": (value, [proof(holder, value, header=private)], "DPoP", "invalid_dpop_proof"),
        "no jti": (value, [proof(holder, value, jti=None)], "DPoP", "invalid_dpop_proof"),
        "unsigned": (value, [proof(holder, value)[:-20]], "DPoP", "invalid_dpop_proof"),
        "bound to what we do not know": (token(cnf={"kid": "k"}), [], "Bearer", "invalid_token"),
        "bound to nothing that can be read": (token(cnf=7), [], "Bearer", "invalid_token"),
        "basic": (value, [], "Basic", "invalid_token"),
    }
    for name, (sent, proofs, scheme, code) in cases.items():
        with subtests.test(case=name):
            answer = await api.get(sent, *proofs, scheme=scheme)
            assert answer.status_code == 401, answer.text
            assert name != "unsigned" or "signed" in answer.json()["detail"]
            told = answer.headers["WWW-Authenticate"]
            assert told.startswith("Bearer " if scheme == "Basic" else f"{scheme} ")
            assert f'error="{code}"' in told
            assert 'resource_metadata="https://portal.example/.well-known/oauth-protected-resource/api/notify"' in told


async def test_section_11_1_a_proof_is_taken_once_on_whichever_replica(api: Api, holder: Holder) -> None:
    value = bound(holder)
    one, other = proof(holder, value), proof(holder, value)
    assert (await api.get(value, one)).status_code == 200
    for replica in (0, 1):
        answer = await api.get(value, one, replica=replica)
        assert (answer.status_code, answer.json()["type"]) == (401, "urn:tongban:problem:invalid-proof")
    answers = await asyncio.gather(*(api.get(value, other, replica=number % 2) for number in range(20)))
    assert sorted(answer.status_code for answer in answers) == [200] + [401] * 19
    # And forgotten once nobody would take it any more.
    context = api.contexts[0]
    assert await replays.prune(context) == 0
    later = context.clock() + datetime.timedelta(seconds=125)
    context.clock = lambda: later
    assert await replays.prune(context) == 2


async def test_rfc_8705_section_3_a_token_bound_to_a_certificate(api: Api) -> None:
    mine, other = Certificate(), Certificate()
    value = token(cnf={"x5t#S256": mine.thumbprint})
    assert (await api.get(value, scheme="Bearer", certificate=mine.rfc9440)).status_code == 200
    for wrong in (None, other.rfc9440, "x"):
        assert (await api.get(value, scheme="Bearer", certificate=wrong)).status_code == 401


async def test_plain_tokens_cost_nothing_more(api: Api, holder: Holder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(auth.TokenVerifier, "prove", None)
    monkeypatch.setattr(dpop, "read", None)
    assert (await api.get(token(), scheme="Bearer")).status_code == 200


async def test_rfc_9728_the_resource_tells_of_itself(api: Api) -> None:
    told = (await api.https[0].get("/.well-known/oauth-protected-resource")).json()
    assert told == {
        "resource": PUBLIC,
        "authorization_servers": [ISSUER],
        "bearer_methods_supported": ["header"],
        "dpop_signing_alg_values_supported": list(dpop.ALGORITHMS),
        "tls_client_certificate_bound_access_tokens": True,
    }
    # §5.1: a caller without a token learns where; RFC 8707: the address serves as audience.
    none = await api.https[0].get("/things/a")
    where = 'resource_metadata="https://portal.example/.well-known/oauth-protected-resource/api/notify"'
    algorithms = " ".join(dpop.ALGORITHMS)
    assert none.headers["WWW-Authenticate"] == f'Bearer {where}, DPoP algs="{algorithms}", {where}'
    assert (await api.get(token(aud=PUBLIC), scheme="Bearer")).status_code == 200
    for audience in (f"{PUBLIC}/", "https://portal.example", [PUBLIC]):
        assert (await api.get(token(aud=audience), scheme="Bearer")).status_code == 401


async def test_without_a_public_address_nothing_is_said(
    sqlite_url: str, make_context: Callable[..., Any], holder: Holder
) -> None:
    app = build(await make_context(sqlite_url, issuer=ISSUER))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://tiny") as http:
        assert (await http.get("/.well-known/oauth-protected-resource")).status_code == 404
        assert (await http.get("/things/a")).headers["WWW-Authenticate"] == "Bearer"
        value = bound(holder)
        headers = {"Authorization": f"DPoP {value}", "DPoP": proof(holder, value)}
        # Nobody could say what a proof must be about, and the request's own word does not count.
        assert (await http.get("/things/a", headers=headers)).status_code == 401
        assert (await http.get("/things/a", headers={"Authorization": f"Bearer {token(aud='')}"})).status_code == 401


@pytest.mark.parametrize(
    "address", ["portal.example", "http://portal.example/api", "https://p.example/?a", "https:///x"]
)
def test_a_public_address_is_https(address: str) -> None:
    with pytest.raises(ValidationError):
        TinySettings(profile="test", public_url=address)


@pytest.mark.parametrize(
    ("claims", "asked", "told"),
    [
        ({"auth_time": 100}, {"max_age": 60}, 'Bearer error="insufficient_user_authentication", {}, max_age="60"'),
        ({"acr": "1"}, {"acr": "2"}, 'Bearer error="insufficient_user_authentication", {}, acr_values="2"'),
        (
            {"auth_time": 100, "cnf": {"jkt": "k"}},
            {"max_age": 60, "acr": "2"},
            'DPoP error="insufficient_user_authentication", {}, max_age="60", acr_values="2"',
        ),
        ({"auth_time": 100}, {}, None),
        ({"acr": "2"}, {"acr": "2"}, None),
        ({"realm": None}, {"max_age": 60, "acr": "2"}, None),
    ],
)
def test_rfc_9470_section_3(claims: dict[str, Any], asked: dict[str, Any], told: str | None) -> None:
    named = {"sub": "a", "client_id": "c", "realm": "staff", "jti": "j", "exp": 0} | claims
    caller = auth.Principal.model_validate(named)
    if told is None:
        auth.require_authentication(caller, **asked)
        return
    with pytest.raises(auth.InsufficientAuthentication) as raised:
        auth.require_authentication(caller, **asked)
    description = 'error_description="A more recent or stronger sign-in is needed"'
    assert raised.value.challenge == told.format(description)
