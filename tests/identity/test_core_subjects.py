"""OpenID Connect Core §8: public and pairwise subjects; nothing that a pairwise client gets names the account."""

import json
import re
from typing import Any
from urllib.parse import parse_qs

import pytest
from pydantic import ValidationError
from sqlalchemy import select

from services.identity.domain.clients import ClientDeclaration
from services.identity.handlers.backchannel import logout_token_builder
from services.identity.store.tables import TABLES
from services.kit.deliveries import Outgoing
from tests.identity.conftest import Starter, World
from tests.identity.party import STRANGER_JWKS, Party, query
from tests.identity.test_audit import records

SECTOR = "https://sector.example/redirect_uris.json"


def client(name: str, host: str, **members: Any) -> dict[str, Any]:
    return {
        "client_id": name,
        "client_name": {"zh": "店", "en": "Shop"},
        "first_party": True,
        "realm": "citizen",
        "grant_types": ["authorization_code", "refresh_token"],
        "jwks": STRANGER_JWKS,
        "redirect_uris": [f"https://{host}/callback"],
        "subject_type": "pairwise",
    } | members


CLIENTS = [
    client(
        "one",
        "a.example",
        backchannel_logout_uri="https://a.example/logout",
        frontchannel_logout_uri="https://a.example/out",
    ),
    client("two", "a.example"),
    client("other", "b.example"),
    client(
        "joined",
        "c.example",
        sector_identifier_uri=SECTOR,
        redirect_uris=["https://c.example/x", "https://d.example/y"],
    ),
    client("plain", "a.example", subject_type="public"),
]


async def tokens_of(party: Party, browser: Any, username: str = "lin") -> dict[str, Any]:
    answer = await browser.http.get(party.address(resource=None))
    if answer.status_code == 200:
        answer = await browser.post_sign_in(answer.text, username, "correct horse battery staple")
    redeemed = await party.redeem(query(answer.headers["location"])["code"], resource=None)
    assert redeemed.status_code == 200, redeemed.text
    found: dict[str, Any] = redeemed.json()
    return found


async def test_one_sector_one_subject_and_no_other_knows_it(start: Starter) -> None:
    world: World = await start(more=CLIENTS)
    assert (await world.http().get("/.well-known/openid-configuration")).json()["subject_types_supported"] == [
        "public",
        "pairwise",
    ]
    browser, subjects, sids = world.browser(), {}, {}
    for name in ("one", "two", "other", "joined", "plain"):
        party = world[name]
        tokens = await tokens_of(party, browser)
        identity, access = await party.claims(tokens["id_token"]), await party.claims(tokens["access_token"])
        bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
        told = (await party.http.get("/userinfo", headers=bearer)).json()
        assert told["name"] == "林晓梅"
        subjects[name] = identity["sub"]
        assert {access["sub"], told["sub"]} == {identity["sub"]}
        # One `sid` at two sectors would tell them that it is one person.
        sids[name] = identity["sid"]
        assert access["sid"] == identity["sid"]
        # A token for userinfo alone tells its client nothing of the person.
        assert "name" not in access
        refreshed = (await party.refresh(tokens["refresh_token"])).json()
        assert (await party.claims(refreshed["id_token"]))["sub"] == identity["sub"]
    account = subjects.pop("plain")
    assert re.fullmatch("[0-9a-f]{32}", account)
    assert subjects["one"] == subjects["two"]
    assert len({account, *subjects.values()}) == 4
    assert sids["one"] == sids["two"]
    assert len(set(sids.values())) == 4
    for subject in subjects.values():
        # Of another form than any account's or client's id (security item 16).
        assert re.fullmatch("[0-9a-f]{64}", subject)
        with pytest.raises(ValidationError):
            ClientDeclaration.model_validate(client(subject, "e.example"))
    zhang = await world["one"].claims((await tokens_of(world["one"], world.browser(), "zhang"))["id_token"])
    assert zhang["sub"] != subjects["one"]


async def test_hints_introspection_revocation_and_logout_speak_of_the_pairwise_subject(start: Starter) -> None:
    world: World = await start(more=CLIENTS)
    one, browser = world["one"], world.browser()
    one_client = await world.provider.client("one")
    assert one_client is not None
    tokens = await tokens_of(one, browser)
    identity = await one.claims(tokens["id_token"])
    for token in (tokens["access_token"], tokens["refresh_token"]):
        answer = await one.http.post("/introspect", data=one.authenticated(token=token))
        assert (answer.json()["sub"], answer.json()["sid"]) == (identity["sub"], identity["sid"])
    # OpenID Connect Core §3.1.2.1: the hint names the person, by the subject that the client knows.
    assert "code" in await browser.silent(one, resource=None, id_token_hint=tokens["id_token"])
    zhang = (await tokens_of(one, world.browser(), "zhang"))["id_token"]
    assert (await browser.silent(one, resource=None, id_token_hint=zhang))["error"] == "login_required"
    asked = json.dumps({"id_token": {"sub": {"value": identity["sub"]}}})
    assert "code" in await browser.silent(one, resource=None, claims=asked)
    async with world.work(readonly=True) as work:
        assert await work.sessions.by_id(str(identity["sid"])) is None
        named = world.provider.session_of(one_client, str(identity["sid"]))
        session = await work.sessions.by_id(str(named))
    assert session is not None
    # The audit trail is ours: it names the account.
    assert (await one.http.post("/revoke", data=one.authenticated(token=tokens["access_token"]))).status_code == 200
    assert [row.on_behalf_of for row in await records(world, "revoke")] == [session.account_id]
    # RP-Initiated Logout §2: a hint of this very session signs out at once, where the browser has lost its cookie too;
    # front and back channel name person and session as the client knows them.
    other = world.browser()
    hint = (await tokens_of(one, other))["id_token"]
    assert "/logout/confirm" not in (await world.http().get("/logout", params={"id_token_hint": hint})).text
    assert (await other.silent(one, resource=None))["error"] == "login_required"
    out = await browser.http.get("/logout", params={"id_token_hint": tokens["id_token"]})
    assert "/logout/confirm" not in out.text
    assert f"sid={identity['sid']}" in out.text
    assert session.id not in out.text
    assert (await browser.silent(one, resource=None))["error"] == "login_required"
    assert TABLES.deliveries is not None
    async with world.work(readonly=True) as work:
        table = TABLES.deliveries.deliveries
        queued = (await work.execute(select(table).where(table.c.order_key == session.id))).one()
    outgoing = Outgoing("one", session.id, "", queued.body, "", "", 1, world.clock())
    content = await logout_token_builder(world.provider)(None, outgoing)
    leaving = await one.claims(parse_qs(content.body.decode())["logout_token"][0])
    assert (leaving["sub"], leaving["sid"]) == (identity["sub"], identity["sid"])
