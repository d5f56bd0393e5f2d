"""RFC 6749 §2.3 and §3.2, RFC 7523 §3: what holds of a client's request holds at every endpoint that takes one."""

import base64
import time
from typing import Any
from urllib.parse import quote_plus

import pytest
from joserfc.jwk import ECKey

from services.identity.domain.checks import Endpoint, Facts, Stage, run
from services.identity.domain.clients import Client
from services.identity.domain.parameters import Parameters
from services.identity.errors import UnauthorizedClient
from tests.identity.conftest import Starter, World
from tests.identity.party import CASES, CATALOG, STRANGER_JWKS, Party
from tests.identity.suite import CALLBACK, declared

ENDPOINTS: dict[str, tuple[str, dict[str, Any]]] = {
    "code": ("/token", {"grant_type": "authorization_code", "code": "x", "redirect_uri": "https://x.example/"}),
    "refresh": ("/token", {"grant_type": "refresh_token", "refresh_token": "x"}),
    "machine": ("/token", {"grant_type": "client_credentials", "resource": CATALOG}),
    "revoke": ("/revoke", {"token": "x"}),
    "introspect": ("/introspect", {"token": "x"}),
    "par": (
        "/par",
        {
            "response_type": "code",
            "redirect_uri": "http://localhost:8080/signin/callback",
            "scope": "openid",
            "code_challenge": "c" * 43,
            "code_challenge_method": "S256",
        },
    ),
}
"""The back channel's columns of the check table, each with a request that fails for nothing but the case at hand."""


def bad_assertions(party: Party) -> dict[str, str]:
    now = int(time.time())
    return {
        "another key": party.assertion(key=ECKey.generate_key("P-256")),
        "another subject": party.assertion(sub="kiosk"),
        "no subject": party.assertion(sub=None),
        "another issuer": party.assertion(iss="kiosk"),
        "for another server": party.assertion(aud="https://other.example"),
        "for two servers": party.assertion(aud=["https://id.example", "https://other.example"]),
        "expired five minutes ago": party.assertion(exp=now - 300),
        "of the future": party.assertion(iat=now + 62, nbf=now + 62, exp=now + 122),
        "of the far future": party.assertion(exp=now + 10**9),
        "without jti": party.assertion(jti=None),
    }


async def test_a_bad_assertion_is_refused_everywhere(world: World, subtests: pytest.Subtests) -> None:
    for column, (path, parameters) in ENDPOINTS.items():
        # The client that may come here, or another rule would refuse first.
        party = world["cases" if column == "machine" else "portal"]
        other = "cases" if party.client_id == "portal" else "portal"
        for case, assertion in bad_assertions(party).items():
            with subtests.test(column=column, case=case):
                given = party.authenticated(**parameters, client_assertion=assertion)
                answer = await party.http.post(path, data=given)
                assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
        for case, changed in {
            "none at all": {"client_assertion": None, "client_assertion_type": None, "client_id": party.client_id},
            "of another client": {"client_id": other},
            "of no kind": {"client_assertion_type": None},
        }.items():
            with subtests.test(column=column, case=case):
                answer = await party.http.post(path, data=party.authenticated(**parameters | changed))
                assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


async def test_a_bad_secret_is_refused_everywhere_and_so_are_two_ways(
    start: Starter, subtests: pytest.Subtests
) -> None:
    """RFC 6749 §2.3 and §2.3.1."""
    grants = ["authorization_code", "refresh_token", "client_credentials"]
    shop = declared("shop", grant_types=grants, resources=[CATALOG])
    world: World = await start(more=[shop])
    http, good = world.http(), f"shop:{quote_plus(shop['client_secret'])}"
    for column, (path, found) in ENDPOINTS.items():
        # Its own address, or another rule would refuse with the same words.
        parameters = found | ({"redirect_uri": CALLBACK} if column == "par" else {})
        for case, pair, more, status in (
            ("wrong", "shop:" + "w" * 43, {}, 401),
            ("empty", "shop:", {}, 401),
            ("in the body, where the header was registered", None, {"client_secret": shop["client_secret"]}, 401),
            ("header and body", good, {"client_secret": shop["client_secret"]}, 400),
            ("header and assertion", good, {"client_assertion_type": "x", "client_assertion": "y"}, 400),
        ):
            with subtests.test(column=column, case=case):
                basic = base64.b64encode(pair.encode()).decode() if pair is not None else None
                headers = {"Authorization": f"Basic {basic}"} if basic is not None else {}
                named = {"client_id": "shop"} if pair is None else {}
                answer = await http.post(path, data=parameters | more | named, headers=headers)
                error = "invalid_client" if status == 401 else "invalid_request"
                assert (answer.status_code, answer.json()["error"]) == (status, error)


async def test_an_assertion_used_anywhere_is_used_everywhere(world: World, subtests: pytest.Subtests) -> None:
    """RFC 7523 §3 point 7."""
    for column, (path, parameters) in ENDPOINTS.items():
        party = world["cases" if column == "machine" else "portal"]
        assertion = party.assertion()
        first = await party.http.post("/revoke", data=party.authenticated(token="x", client_assertion=assertion))
        assert first.status_code == 200
        with subtests.test(column=column):
            again = party.authenticated(**parameters, client_assertion=assertion)
            answer = await party.http.post(path, data=again)
            assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


async def test_clock_skew_is_eight_seconds_and_more_but_not_sixty(world: World) -> None:
    """FAPI 2.0 Security Profile §5.3.2.1 point 13: 10 seconds ahead are accepted, more than 60 are not."""
    cases, now = world["cases"], int(time.time())
    for ahead, status in ((8, 200), (62, 401)):
        assertion = cases.assertion(iat=now + ahead, nbf=now + ahead)
        answer = await cases.http.post("/revoke", data=cases.authenticated(token="x", client_assertion=assertion))
        assert answer.status_code == status


async def test_each_parameter_comes_once_everywhere(world: World, subtests: pytest.Subtests) -> None:
    """RFC 6749 §3.1 and §3.2: whatever the parameter, known or not, alike or different."""
    for column, (path, parameters) in ENDPOINTS.items():
        party = world["cases" if column == "machine" else "portal"]
        for name in dict.fromkeys((*parameters, "client_assertion", "scope", "extra")):
            if name == "resource":
                continue
            with subtests.test(column=column, name=name):
                given = party.authenticated(**parameters)
                given[name] = [given.get(name, "a"), given.get(name, "a")]
                answer = await party.http.post(path, data=given)
                assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
    portal, browser = world["portal"], world.browser()
    hint = (await browser.tokens(portal))["id_token"]
    for name in ("id_token_hint", "post_logout_redirect_uri", "state", "extra"):
        with subtests.test(column="logout", name=name):
            done = "http://localhost:8080/signout/done"
            given = {"id_token_hint": hint, "post_logout_redirect_uri": done, "state": "s", "extra": "e"}
            given[name] = [given[name], given[name]]
            assert (await browser.http.get("/logout", params=given)).status_code == 400
    assert "code" in await browser.silent(portal)


async def test_an_empty_parameter_counts_as_omitted_everywhere(world: World, subtests: pytest.Subtests) -> None:
    """RFC 6749 §3.1 and §3.2: "Parameters sent without a value MUST be treated as if they were omitted"."""
    portal, cases = world["portal"], world["cases"]
    code = await world.browser().code(portal, nonce="", login_hint="", max_age="", prompt="", id_token_hint="")
    tokens = (await portal.redeem(code, scope="", client_secret="", extra="")).json()
    refreshed = await portal.refresh(tokens["refresh_token"], scope="", resource="", code="")
    assert refreshed.json()["scope"] == tokens["scope"]
    assert (await cases.token(grant_type="client_credentials", resource=CATALOG, scope="")).status_code == 200
    for path, name in (("/token", "grant_type"), ("/revoke", "token"), ("/introspect", "token")):
        with subtests.test(path=path, name=name):
            answer = await cases.http.post(path, data=cases.authenticated(**{name: ""}))
            assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


async def test_a_client_keeps_to_its_grant_types(start: Starter) -> None:
    """RFC 6749 §5.2 `unauthorized_client`."""
    shop = {
        "client_id": "shop",
        "client_name": {"zh": "店", "en": "Shop"},
        "realm": "citizen",
        "grant_types": ["authorization_code"],
        "jwks": STRANGER_JWKS,
        "redirect_uris": ["https://shop.example/callback"],
        "resources": [CATALOG],
    }
    world: World = await start(more=[shop])
    for name, column in (("shop", "machine"), ("shop", "refresh"), ("cases", "refresh"), ("cases", "code")):
        answer = await world[name].token(**ENDPOINTS[column][1])
        assert (answer.status_code, answer.json()["error"]) == (400, "unauthorized_client")
    # No declaration has redirect URIs without this grant: what would refuse a client that came by another way?
    machine = Client.model_construct(client_id="m", grant_types=("client_credentials",), redirect_uris=())
    facts = Facts(world.provider.rules, world.clock(), Parameters([("response_type", "code")]), machine)
    for endpoint in (Endpoint.AUTHORIZE, Endpoint.PAR):
        with pytest.raises(UnauthorizedClient):
            run(endpoint, Stage.WHAT, facts)


async def test_one_resource_for_each_token(world: World) -> None:
    """RFC 8707 §2.2, RFC 9700 §2.3."""
    portal, cases = world["portal"], world["cases"]
    tokens = await world.browser().tokens(portal)
    refreshed = await portal.refresh(tokens["refresh_token"], resource=[CASES, CATALOG])
    machine = await cases.token(grant_type="client_credentials", resource=[CATALOG, "urn:tongban:notify"])
    for answer in (refreshed, machine):
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_target")
