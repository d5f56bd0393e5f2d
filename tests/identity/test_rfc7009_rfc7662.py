"""RFC 7009 revocation and RFC 7662 introspection: at once, on every replica, and only for those concerned."""

from typing import Any

from tests.identity.conftest import Starter, World
from tests.identity.party import Party


async def look(party: Party, token: str) -> dict[str, Any]:
    answer = await party.http.post("/introspect", data=party.authenticated(token=token))
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def revoke(party: Party, token: str, **parameters: str) -> int:
    return (await party.http.post("/revoke", data=party.authenticated(token=token, **parameters))).status_code


async def test_the_service_and_the_client_may_ask_nobody_else(world: World) -> None:
    portal = world["portal"]
    tokens = await world.browser().tokens(portal)
    for name in ("cases", "portal"):
        found = await look(world[name], tokens["access_token"])
        assert found["active"] is True
        assert found["client_id"] == "portal"
        assert "name" not in found
    assert await look(world["catalog"], tokens["access_token"]) == {"active": False}
    assert (await look(portal, tokens["refresh_token"]))["active"] is True
    assert await look(world["kiosk"], tokens["refresh_token"]) == {"active": False}
    for nothing in ("x", tokens["id_token"], tokens["access_token"] + "x"):
        assert await look(portal, nothing) == {"active": False}
    world.clock.forward(seconds=301)
    assert await look(portal, tokens["access_token"]) == {"active": False}


async def test_asking_needs_client_authentication(world: World) -> None:
    for path in ("/introspect", "/revoke"):
        answer = await world.http().post(path, data={"token": "x", "client_id": "portal"})
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
        portal = world["portal"]
        answer = await portal.http.post(path, data=portal.authenticated())
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


async def test_a_public_client_may_not_ask(start: Starter) -> None:
    probe: World = await start()
    clients = [client.model_dump(mode="json") for client in probe.settings.clients]
    app = {"client_id": "app", "token_endpoint_auth_method": "none", "jwks": None, "backchannel_logout_uri": None}
    clients.append(next(c for c in clients if c["client_id"] == "portal") | app)
    world: World = await start(clients=clients)
    http, portal = world.http(), world["portal"]
    code = await world.browser().code(portal, client_id="app")
    proof = {"client_id": "app", "redirect_uri": portal.redirect_uri, "code_verifier": portal.verifier}
    tokens = await http.post("/token", data=proof | {"grant_type": "authorization_code", "code": code})
    assert tokens.status_code == 200
    token = tokens.json()["access_token"]
    # RFC 7662 §2.1: a client id is known to all, and whoever found a token could ask what it is worth.
    answer = await http.post("/introspect", data={"client_id": "app", "token": token})
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    assert (await http.post("/revoke", data={"client_id": "app", "token": token})).status_code == 200


async def test_a_revoked_access_token_is_dead_on_every_replica_at_once(start: Starter) -> None:
    world: World = await start()
    replica: World = await start()
    portal = world["portal"]
    tokens = await world.browser().tokens(portal)
    assert (await look(replica["cases"], tokens["access_token"]))["active"] is True
    assert await revoke(world["kiosk"], tokens["access_token"]) == 200
    assert (await look(replica["cases"], tokens["access_token"]))["active"] is True
    assert await revoke(portal, tokens["access_token"], token_type_hint="refresh_token") == 200
    assert await look(replica["cases"], tokens["access_token"]) == {"active": False}
    assert (await portal.refresh(tokens["refresh_token"])).status_code == 200


async def test_a_revoked_refresh_token_takes_its_family_along(world: World) -> None:
    portal = world["portal"]
    tokens = await world.browser().tokens(portal)
    assert await revoke(world["kiosk"], tokens["refresh_token"]) == 200
    assert (await look(world["cases"], tokens["access_token"]))["active"] is True
    assert await revoke(portal, tokens["refresh_token"]) == 200
    assert await look(world["cases"], tokens["access_token"]) == {"active": False}
    assert (await portal.refresh(tokens["refresh_token"])).json()["error"] == "invalid_grant"
    assert await revoke(portal, tokens["refresh_token"]) == 200


async def test_a_service_can_revoke_its_own_token(world: World) -> None:
    cases = world["cases"]
    answer = await cases.token(grant_type="client_credentials", resource="urn:tongban:catalog")
    token = answer.json()["access_token"]
    assert (await look(world["catalog"], token))["active"] is True
    assert await revoke(cases, token) == 200
    assert await look(world["catalog"], token) == {"active": False}
