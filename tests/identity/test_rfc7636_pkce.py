"""RFC 7636, RFC 9700 §2.1.1 and §4.8: S256 alone, and no way around it (item 3)."""

from typing import Any

import pytest

from services.identity.domain.clients import ClientDeclaration
from tests.identity.conftest import Starter, World
from tests.identity.party import challenge_of, query


async def test_a_request_without_a_proper_s256_challenge_is_refused(world: World, subtests: pytest.Subtests) -> None:
    parameters: Any
    for parameters in [
        {"code_challenge": None, "code_challenge_method": None},
        {"code_challenge": None},
        {"code_challenge_method": None},
        {"code_challenge_method": "plain"},
        {"code_challenge_method": "s256"},
        {"code_challenge": "short"},
        {"code_challenge": challenge_of("x") + "="},
    ]:
        with subtests.test(parameters=parameters):
            answer = await world.http().get(world["portal"].address(**parameters))
            assert query(answer.headers["location"])["error"] == "invalid_request"


async def test_the_verifier_must_fit(world: World, subtests: pytest.Subtests) -> None:
    for verifier in [None, "", "wrong" * 10, "short", "x" * 129]:
        with subtests.test(verifier=verifier):
            portal = world["portal"]
            answer = await portal.redeem(await world.browser().code(portal), code_verifier=verifier)
            assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


async def test_a_wrong_verifier_does_not_use_up_the_code(world: World) -> None:
    portal = world["portal"]
    code = await world.browser().code(portal)
    assert (await portal.redeem(code, code_verifier="w" * 43)).status_code == 400
    assert (await portal.redeem(code)).status_code == 200


async def test_a_verifier_without_a_challenge_is_refused(start: Starter) -> None:
    probe: World = await start()
    clients = [
        client.model_dump(mode="json") | {"require_pkce": client.client_id != "portal"}
        for client in probe.settings.clients
    ]
    world: World = await start(clients=clients)
    portal = world["portal"]
    nothing: dict[str, Any] = {"code_challenge": None, "code_challenge_method": None}
    code = await world.browser().code(portal, **nothing)
    assert (await portal.redeem(code)).json()["error"] == "invalid_grant"
    assert (await portal.redeem(code, code_verifier=None)).status_code == 200


def test_a_public_client_cannot_be_declared_without_pkce() -> None:
    declared = {
        "client_id": "app",
        "client_name": {"zh": "应用", "en": "App"},
        "realm": "citizen",
        "application_type": "native",
        "grant_types": ["authorization_code"],
        "token_endpoint_auth_method": "none",
        "redirect_uris": ["http://127.0.0.1/cb"],
    }
    ClientDeclaration.model_validate(declared)
    with pytest.raises(ValueError, match="must use PKCE"):
        ClientDeclaration.model_validate(declared | {"require_pkce": False})
