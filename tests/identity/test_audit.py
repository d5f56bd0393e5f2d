"""What happens to codes, tokens, clients and keys is on record (网络安全法 art. 21(3)); what people typed is not."""

from typing import Any

from sqlalchemy import select

from services.identity.handlers.workers import Housekeeping
from services.identity.store.tables import TABLES
from tests.identity.conftest import Starter, World
from tests.identity.party import CATALOG


async def records(world: World, *actions: str) -> list[Any]:
    async with world.work(readonly=True) as work:
        audit = TABLES.audit.audit
        statement = select(audit).where(audit.c.action.in_(actions)).order_by(audit.c.id)
        return list((await work.execute(statement)).all())


async def test_a_family_that_ends_by_reuse_is_recorded_once_with_the_reason(world: World) -> None:
    portal = world["portal"]
    code = await world.browser().code(portal)
    tokens = (await portal.redeem(code)).json()
    person = (await portal.claims(tokens["id_token"]))["sub"]
    for _ in range(3):
        assert (await portal.redeem(code)).status_code == 400
    first = (await world.browser().tokens(portal))["refresh_token"]
    second = (await portal.refresh(first)).json()["refresh_token"]
    await portal.refresh(second)
    for _ in range(3):
        assert (await portal.refresh(first)).status_code == 400
    found = await records(world, "revoke")
    assert [row.result for row in found] == ["code_reused", "refresh_token_reused"]
    for row in found:
        assert (row.actor, row.client, row.realm, row.on_behalf_of) == ("portal", "portal", "citizen", person)
        assert row.object_type == "token_families"
        for secret in (code, first, second):
            assert secret not in str(tuple(row))


async def test_what_a_client_revokes_is_recorded(world: World) -> None:
    portal, cases = world["portal"], world["cases"]
    tokens = await world.browser().tokens(portal)
    own = (await cases.token(grant_type="client_credentials", resource=CATALOG)).json()
    for party, token in (
        (portal, tokens["access_token"]),
        (portal, tokens["access_token"]),
        (portal, tokens["refresh_token"]),
        (portal, "unknown"),
        (cases, own["access_token"]),
        (cases, tokens["refresh_token"]),
    ):
        answer = await party.http.post("/revoke", data=party.authenticated(token=token))
        assert answer.status_code == 200
    found = await records(world, "revoke")
    assert [(row.actor, row.object_type, row.result) for row in found] == [
        ("portal", "access_tokens", "asked"),
        ("portal", "token_families", "asked"),
        ("cases", "access_tokens", "asked"),
    ]
    assert found[2].on_behalf_of is None


async def test_clients_are_recorded_when_their_declaration_changes(start: Starter) -> None:
    world: World = await start()
    declared = sorted(client.client_id for client in world.settings.clients)
    assert [row.object_id for row in await records(world, "declare")] == declared
    await start()
    rest = [c.model_dump(mode="json") for c in world.settings.clients if c.client_id != "dept-demo"]
    rest[0]["client_name"] = {"zh": "新名", "en": "New name"}
    await start(clients=rest)
    await start(clients=rest)
    found = await records(world, "declare", "disable")
    assert [(row.action, row.object_id) for row in found[len(declared) :]] == [
        ("declare", rest[0]["client_id"]),
        ("disable", "dept-demo"),
    ]
    assert {row.actor for row in found} == {"settings"}


async def test_what_the_schedule_does_with_keys_is_recorded(world: World) -> None:
    world.clock.forward(days=91)
    await Housekeeping(world.provider).round()
    world.clock.forward(days=1)
    for _ in range(2):
        await Housekeeping(world.provider).round()
    found = await records(world, "rotate", "remove")
    assert sorted(row.action for row in found) == ["remove"] * 4 + ["rotate"] * 4
    assert {(row.actor, row.object_type) for row in found} == {("schedule", "signing_keys")}
