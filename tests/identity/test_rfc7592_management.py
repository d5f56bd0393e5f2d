"""RFC 7592: who registered a client reads it, changes it and takes it away, with its own token and no other."""

import asyncio
import re
from typing import Any

import httpx
import pytest
from sqlalchemy import select
from typer.testing import CliRunner

from services.cli import app as command
from services.identity.errors import ClientDeclared, ClientUnknown
from services.identity.handlers.registration import DisableClient, disable_client
from services.identity.store.tables import CLIENTS, CONSENTS, FAMILIES
from services.kit import deliveries
from tests.identity.conftest import World
from tests.identity.party import STRANGER_JWKS
from tests.identity.test_core_consent import agree
from tests.identity.test_rfc7591_registration import initial, party, register, registered

Found = dict[str, Any]


async def manage(world: World, method: str, found: Found, json: Any = None, **changed: Any) -> httpx.Response:
    """A call by the client's own token, or by the one in `changed`."""
    token = changed.get("token", found["registration_access_token"])
    return await world["cases"].http.request(
        method,
        f"/register/{changed.get('client_id', found['client_id'])}",
        json=json,
        headers={"Authorization": f"Bearer {token}"} if token is not None else {},
    )


def update_of(found: Found, **changed: Any) -> Found:
    """What a client sends: all of its metadata, and nothing of what is the provider's to say (§2.2)."""
    ours = {"registration_access_token", "registration_client_uri", "client_secret_expires_at", "client_id_issued_at"}
    return {name: value for name, value in found.items() if name not in ours} | changed


async def test_reading(world: World) -> None:
    """RFC 7592 §2.1 and §3: what was registered, without the secret, which nobody here knows."""
    found = await registered(world)
    answer = await manage(world, "GET", found)
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    told_once = {"client_secret", "client_secret_expires_at", "client_id_issued_at"}
    assert answer.json() == {name: value for name, value in found.items() if name not in told_once}


async def test_only_the_clients_own_token_opens_it(world: World) -> None:
    """RFC 7592 §2: a wrong token, another client's, an initial one and a client that there is not: all told alike."""
    found, other = await registered(world), await registered(world)
    access = (await world["cases"].token(grant_type="client_credentials", resource="urn:tongban:catalog")).json()
    told = set()
    for method in ("GET", "PUT", "DELETE"):
        json = update_of(found) if method == "PUT" else None
        for changed in (
            {"token": "x"},
            {"token": other["registration_access_token"]},
            {"token": await initial(world)},
            {"token": access["access_token"]},
            {"client_id": other["client_id"]},
            {"client_id": "dyn.nobody"},
            {"client_id": "cases"},
            {"client_id": "%FF"},
        ):
            answer = await manage(world, method, found, json, **changed)
            assert answer.status_code == 401, (method, changed)
            told.add((answer.content, answer.headers["www-authenticate"]))
        none = await manage(world, method, found, json, token=None)
        assert (none.status_code, none.headers["www-authenticate"]) == (401, 'Bearer realm="tongban"')
    assert len(told) == 1
    assert (await manage(world, "GET", found)).status_code == 200


async def test_an_update_replaces_all_and_rotates_nothing(world: World, subtests: pytest.Subtests) -> None:
    """RFC 7592 §2.2."""
    found = await registered(world, token_endpoint_auth_method="client_secret_post")
    client_id = found["client_id"]
    body = update_of(found, redirect_uris=["https://new.example/cb"], client_name="Other")
    del body["backchannel_logout_uri"], body["client_name#zh-CN"], body["client_name#en"], body["scope"]
    answer = await manage(world, "PUT", found, body)
    assert answer.status_code == 200, answer.text
    new = answer.json()
    assert (new["redirect_uris"], new["client_name"]) == (["https://new.example/cb"], "Other")
    # What was left out is as if it had never been said.
    assert not {"backchannel_logout_uri", "client_secret", "client_name#en"} & new.keys()
    assert "email" in new["scope"]
    assert new["registration_access_token"] == found["registration_access_token"]
    client = await world.provider.client(client_id)
    assert client is not None and client.redirect_uris == ("https://new.example/cb",)
    asked = await party(world, found).token(grant_type="refresh_token", refresh_token="x")
    assert asked.json()["error"] == "invalid_grant"  # the secret is the old one
    async with world.work(readonly=True) as work:
        assert await deliveries.endpoint(work, client_id) is None

    for changed in (
        {"client_id": None},
        {"client_id": "dyn.other"},
        {"client_secret": "x" * 43},
        {"client_secret": 7},
        {"registration_access_token": found["registration_access_token"]},
        {"registration_client_uri": found["registration_client_uri"]},
        {"client_secret_expires_at": 0},
        {"client_id_issued_at": 7},
        {"jwks_uri": "https://shop.example/jwks"},
    ):
        with subtests.test(changed=changed):
            refused = await manage(world, "PUT", found, update_of(found) | changed)
            assert (refused.status_code, refused.json()["error"]) == (400, "invalid_client_metadata")
    bad = await manage(world, "PUT", found, update_of(found, redirect_uris=["http://new.example/"]))
    assert (bad.status_code, bad.json()["error"]) == (400, "invalid_redirect_uri")
    assert (await manage(world, "GET", found)).json()["redirect_uris"] == ["https://new.example/cb"]

    with subtests.test("to keys, and back to a secret that is new"):
        keys = {"token_endpoint_auth_method": "private_key_jwt", "jwks": STRANGER_JWKS}
        assert "client_secret" not in (await manage(world, "PUT", found, update_of(found, **keys))).json()
        lost = await manage(world, "PUT", found, update_of(found))
        assert lost.json()["error"] == "invalid_client_metadata"  # that secret is no more
        body = update_of(found)
        del body["client_secret"]
        again = (await manage(world, "PUT", found, body)).json()
        assert again["client_secret"] != found["client_secret"]
        asked = await party(world, again).token(grant_type="refresh_token", refresh_token="x")
        assert asked.json()["error"] == "invalid_grant"

    with subtests.test("it stays in its realm, and no one of ours"):
        await manage(world, "PUT", found, body | {"realm": "staff", "first_party": True})
        client = await world.provider.client(client_id)
        assert client is not None and (client.realm, client.first_party) == ("citizen", False)


@pytest.mark.parametrize("by", ["client", "operator"])
async def test_the_end_of_a_client(world: World, by: str) -> None:
    """RFC 7592 §2.3: its id, secret and token count no more, all that it holds of people ends at once."""
    found = await registered(world, token_endpoint_auth_method="client_secret_post")
    client_id, shop, browser = found["client_id"], party(world, found), world.browser()
    page = await browser.sign_in(shop, resource=None)
    code = (await agree(browser, page.text))["code"]
    tokens = (await shop.redeem(code, resource=None)).json()
    bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
    assert (await shop.http.get("/userinfo", headers=bearer)).json()["name"]
    await world.browser().tokens(world["portal"])
    if by == "client":
        answer = await manage(world, "DELETE", found)
        assert (answer.status_code, answer.content, answer.headers["cache-control"]) == (204, b"", "no-store")
    else:
        assert await disable_client(DisableClient("operator", client_id), world.work()) == 1
        world.provider.forget_clients()
    assert await world.provider.client(client_id) is None
    assert (await manage(world, "GET", found)).status_code == 401
    refused = await shop.refresh(tokens["refresh_token"])
    assert (refused.status_code, refused.json()["error"]) == (401, "invalid_client")
    assert (await shop.http.get("/userinfo", headers=bearer)).status_code == 401
    assert (await browser.http.get(shop.address(resource=None))).status_code == 400
    async with world.work(readonly=True) as work:
        ended = {row.client_id: row.revoked_at is not None for row in await work.execute(select(FAMILIES))}
        assert ended == {client_id: True, "portal": False}  # nobody else's
        assert (await work.execute(select(CONSENTS).where(CONSENTS.c.client_id == client_id))).first() is None
        assert await deliveries.endpoint(work, client_id) is None
        row = (await work.execute(select(CLIENTS).where(CLIENTS.c.client_id == client_id))).one()
        assert (row.enabled, row.secret_digest, row.registration_token_hash) == (False, None, None)
        audit = world.service.context.tables.audit.audit
        last = (await work.execute(select(audit).where(audit.c.action == "disable"))).one()
    assert (last.actor, last.object_id) == (client_id if by == "client" else "operator", client_id)


async def test_operators_disable_registered_clients_alone(world: World) -> None:
    with pytest.raises(ClientDeclared):
        await disable_client(DisableClient("operator", "portal"), world.work())
    with pytest.raises(ClientUnknown):
        await disable_client(DisableClient("operator", "dyn.nobody"), world.work())


async def test_the_commands_of_operators(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (
        ("PROFILE", "test"),
        ("DATA_DIR", str(world.data_dir)),
        ("IDENTITY_DATABASE_URL", world.settings.database_url),
    ):
        monkeypatch.setenv(f"TONGBAN_{name}", value)

    async def tongban(*words: str) -> Any:
        return await asyncio.to_thread(CliRunner().invoke, command, ["clients", *words])

    token = (await tongban("token", "--realm", "citizen", "--uses", "1", "--days", "7")).stdout.strip()
    answer = await register(world, token)
    assert answer.status_code == 201
    found = answer.json()
    listed = (await tongban("list")).stdout
    assert re.search(
        rf"^{re.escape(found['client_id'])} +小店 +citizen +registered +standard +client_secret_basic ", listed, re.M
    )
    assert re.search(r"^portal .* citizen +declared ", listed, re.M)
    assert not {token, found["client_secret"], found["registration_access_token"]} & set(listed.split())
    gone = await tongban("disable", found["client_id"])
    assert gone.stdout == f"{found['client_id']} is disabled; 0 sign-ins to it have ended\n"
    assert (await manage(world, "GET", found)).status_code == 401
    for words in (("disable", "portal"), ("disable", "nobody"), ("token", "--realm", "both"), ("token",)):
        assert (await tongban(*words)).exit_code != 0
