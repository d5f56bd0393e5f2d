"""OWASP SSRF Prevention, RFC 9101 §10.4, OpenID Connect Registration §8: whose addresses the provider calls (item 14).

It calls `backchannel_logout_uri` alone, through the kit's guard. Whatever else a client registers or sends is read,
compared or shown, and never fetched.
"""

import asyncio
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import select

from services.identity.store.tables import TABLES
from tests.identity.conftest import Starter, World
from tests.identity.party import STRANGER_JWKS
from tests.identity.suite import Person
from tests.identity.test_logout import Receiver, delivering

INSIDE = "https://inside.example"
SHOP: dict[str, Any] = {
    "client_id": "shop",
    "client_name": {"zh": "店", "en": "Shop"},
    "realm": "citizen",
    "grant_types": ["authorization_code", "refresh_token"],
    "jwks": STRANGER_JWKS,
    "redirect_uris": [f"{INSIDE}/callback"],
    "post_logout_redirect_uris": [f"{INSIDE}/done"],
    "frontchannel_logout_uri": f"{INSIDE}/gone",
    "subject_type": "pairwise",
    "sector_identifier_uri": f"{INSIDE}/sector.json",
    "client_uri": f"{INSIDE}/",
    "policy_uri": f"{INSIDE}/policy",
    "tos_uri": f"{INSIDE}/terms",
}


@pytest.fixture
def resolved(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Names that anybody here asked the resolver for: nothing is called without."""
    names: list[str] = []
    ask = socket.getaddrinfo

    def asked(host: Any, *more: Any, **others: Any) -> Any:
        names.append(host.decode() if isinstance(host, bytes) else str(host))
        return ask(host, *more, **others)

    monkeypatch.setattr(socket, "getaddrinfo", asked)
    yield names


async def test_nothing_that_is_registered_or_sent_is_fetched(start: Starter, resolved: list[str]) -> None:
    world: World = await start(more=[SHOP])
    shop, browser = world["shop"], world.browser()
    for parameters in (
        {"request_uri": f"{INSIDE}/request.jwt"},
        {"request": "eyJhbGciOiJub25lIn0.e30."},
        {"registration": f'{{"jwks_uri": "{INSIDE}/jwks"}}'},
        {"claims": f'{{"userinfo": {{"picture": {{"value": "{INSIDE}/me.png"}}}}}}'},
        {"resource": f"{INSIDE}/api"},
    ):
        await browser.http.get(shop.address(**{"resource": None} | parameters))
    page = await browser.sign_in(shop, resource=None)
    consent = {"choice": "allow"}
    answer = await Person(browser.http).post("/consent", page, ("_token", "request", "shown_to"), consent)
    code = answer.headers["location"].partition("code=")[2].partition("&")[0]
    tokens = (await shop.redeem(code, resource=None)).json()
    pushed = {"request_uri": f"{INSIDE}/request.jwt"}
    await shop.http.post("/par", data=shop.authenticated(**shop.request(resource=None)) | pushed)
    foreign = {"jku": f"{INSIDE}/jwks", "x5u": f"{INSIDE}/cert"}
    await shop.token(grant_type="client_credentials", client_assertion=shop.assertion(header=foreign))
    await shop.http.get("/userinfo", headers={"DPoP": shop.assertion(header=foreign | {"typ": "dpop+jwt"})})
    for name in ("jwks_uri", "logo_uri", "sector_identifier_uri", "software_statement", "initiate_login_uri"):
        await shop.http.post("/register", json={"redirect_uris": [f"{INSIDE}/cb"], name: f"{INSIDE}/{name}"})
    await browser.http.get("/logout", params={"id_token_hint": tokens["id_token"]})
    assert tokens["id_token"]
    assert not [name for name in resolved if "inside" in name]


async def test_logout_tokens_reach_no_inner_address(start: Starter, resolved: list[str]) -> None:
    """The kit's guard stands before this caller too, unless `outbound_allowed_networks` names the network."""
    receiver = Receiver()
    server = await asyncio.start_server(receiver.answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    addresses = [f"http://127.0.0.1:{port}/", f"https://127.0.0.1:{port}/", f"https://localhost:{port}/"]
    more = [
        {name: value for name, value in SHOP.items() if name not in ("frontchannel_logout_uri", "subject_type")}
        | {"client_id": f"shop-{number}", "first_party": True, "backchannel_logout_uri": address}
        for number, address in enumerate(addresses)
    ]
    world: World = await start(more=more, outbound_allowed_networks="192.0.2.0/24")
    browser = world.browser()
    for client in more:
        shop = world[client["client_id"]]
        silent = await browser.silent(shop, resource=None)
        code = silent.get("code") or await browser.code(shop, resource=None)
        hint = (await shop.redeem(code, resource=None)).json()["id_token"]
    assert TABLES.deliveries is not None
    attempts = TABLES.deliveries.attempts
    async with server, delivering(world):
        await browser.http.get("/logout", params={"id_token_hint": hint})
        async with asyncio.timeout(20):
            while True:
                async with world.work(readonly=True) as work:
                    rows = (await work.execute(select(attempts.c.endpoint_id, attempts.c.cause))).all()
                if len({row.endpoint_id for row in rows}) == len(more):
                    break
                await asyncio.sleep(0.05)
    assert {row.cause for row in rows} == {"address-refused"}
    assert receiver.bodies == []
