"""RFC 8725 §3.1, §3.11 and §3.12: each kind of token counts in its own place and nowhere else (items 8 and 13)."""

import base64
import hashlib
import hmac
import json
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from joserfc import jwk, jws
from joserfc.jwk import ECKey, RSAKey

from services.identity.domain.claims import logout_claims
from services.identity.domain.jose import LOGOUT_TOKEN
from tests.identity.conftest import World
from tests.identity.party import CATALOG, ISSUER, Party, query

IDENTITY = "urn:tongban:identity"
Place = Callable[[str], Awaitable[bool]]
"""Offers a token; whether it was taken for what belongs there."""


async def all_kinds(world: World) -> dict[str, str]:
    """One fresh token of every kind that the provider or a client makes."""
    portal, browser = world["portal"], world.browser()
    tokens = await browser.tokens(portal)
    own = (await portal.refresh(tokens["refresh_token"], resource=IDENTITY)).json()
    identity = await portal.claims(tokens["id_token"])
    leaving = logout_claims(
        issuer=ISSUER,
        client_id="portal",
        subject=identity["sub"],
        sid=identity["sid"],
        token_id="one",
        now=world.clock(),
        life=timedelta(minutes=2),
    )
    machine = await world["cases"].token(grant_type="client_credentials", resource=IDENTITY)
    return {
        "access token": own["access_token"],
        "access token for another service": tokens["access_token"],
        "access token of a service": machine.json()["access_token"],
        "ID token": tokens["id_token"],
        "refresh token": own["refresh_token"],
        "code": (await browser.silent(portal))["code"],
        "logout token": (await world.provider.keys.ring()).sign(leaving, "RS256", LOGOUT_TOKEN),
        "client assertion": portal.assertion(),
    }


def places(world: World) -> dict[str, Place]:
    """Every place where a token is read."""
    portal, http = world["portal"], world.http()

    async def userinfo(token: str) -> bool:
        return (await http.get("/userinfo", headers={"Authorization": f"Bearer {token}"})).status_code == 200

    async def introspection(token: str) -> bool:
        answer = await http.post("/introspect", data=portal.authenticated(token=token))
        assert answer.status_code == 200
        return bool(answer.json()["active"])

    async def authorization_hint(token: str) -> bool:
        answer = await http.get(portal.address(id_token_hint=token, prompt="none"))
        return query(answer.headers["location"])["error"] == "login_required"

    async def code(token: str) -> bool:
        return (await portal.redeem(token)).status_code == 200

    async def refresh(token: str) -> bool:
        return (await portal.refresh(token)).status_code == 200

    async def assertion(token: str) -> bool:
        answer = await http.post("/revoke", data=portal.authenticated(token="x", client_assertion=token))
        return answer.status_code == 200

    async def logout_hint(token: str) -> bool:
        page = await http.get("/logout", params={"id_token_hint": token})
        assert page.status_code == 200
        return "/logout/confirm" not in page.text and "已退出" in page.text

    # What ends things comes last.
    return {
        "userinfo": userinfo,
        "introspection": introspection,
        "id_token_hint": authorization_hint,
        "client_assertion": assertion,
        "code": code,
        "refresh_token": refresh,
        "id_token_hint at logout": logout_hint,
    }


BELONGS = {
    "userinfo": {"access token"},
    "introspection": {"access token", "access token for another service", "refresh token"},
    "id_token_hint": {"ID token"},
    "client_assertion": {"client assertion"},
    "code": {"code"},
    "refresh_token": {"refresh token"},
    "id_token_hint at logout": {"ID token"},
}
"""Of all kinds, those that a place takes; the asker at introspection is their client."""


async def test_every_kind_at_every_place(world: World, subtests: pytest.Subtests) -> None:
    kinds = await all_kinds(world)
    for place, offer in places(world).items():
        # What belongs there comes last: it may end what the others are tried with.
        for kind in sorted(kinds, key=lambda kind: kind in BELONGS[place]):
            if place == "id_token_hint at logout" and kind not in BELONGS[place]:
                continue  # nobody is signed in at this browser, so a page is all: see the next test
            with subtests.test(kind=kind, place=place):
                assert await offer(kinds[kind]) == (kind in BELONGS[place])


async def test_only_an_id_token_signs_out_unasked(world: World, subtests: pytest.Subtests) -> None:
    portal, browser = world["portal"], world.browser()
    kinds = await all_kinds(world)
    await browser.tokens(portal)
    for kind in kinds:
        if kind == "ID token":
            continue
        with subtests.test(kind=kind):
            page = await browser.http.get("/logout", params={"id_token_hint": kinds[kind]})
            assert "/logout/confirm" in page.text
            assert "code" in await browser.silent(portal)


def part(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def forgeries(published: list[dict[str, Any]], header: dict[str, Any], claims: dict[str, Any]) -> dict[str, str]:
    """The token again as somebody makes it who has only what is published."""
    found = {f"alg {name}": f"{part(header | {'alg': name})}.{part(claims)}." for name in ("none", "None", "nOnE")}
    for key in published:
        pem = jwk.import_key(key).as_bytes(encoding="PEM", private=False)
        for form, secret in (("PEM", pem), ("JWK", json.dumps(key).encode())):
            signed = f"{part(header | {'alg': 'HS256', 'kid': key['kid']})}.{part(claims)}"
            mac = base64.urlsafe_b64encode(hmac.new(secret, signed.encode(), hashlib.sha256).digest()).decode()
            found[f"HMAC by {form} of {key['kid']}"] = f"{signed}.{mac.rstrip('=')}"
    stranger = ECKey.generate_key("P-256", auto_kid=True)
    ours = next(key for key in published if key["alg"] == "ES256")["kid"]
    for case, given in {
        "another key under our kid": {"alg": "ES256", "kid": ours},
        "another key's kid": {"alg": "ES256", "kid": stranger.kid},
        "no kid": {"alg": "ES256"},
        "a key in the header": {"alg": "ES256", "jwk": stranger.as_dict(private=False)},
        "an address in the header": {"alg": "ES256", "jku": "https://evil.example/jwks", "kid": stranger.kid},
    }.items():
        head = {"typ": header["typ"]} | given
        found[case] = jws.serialize_compact(head, json.dumps(claims), stranger, algorithms=["ES256"])
    return found


async def test_no_forged_token_is_ours_anywhere(world: World, subtests: pytest.Subtests) -> None:
    portal, kinds = world["portal"], await all_kinds(world)
    published = (await portal.http.get("/jwks")).json()["keys"]
    offers = places(world)
    for kind, where in (
        ("access token", ("userinfo", "introspection")),
        ("ID token", ("id_token_hint", "id_token_hint at logout")),
    ):
        claims = await portal.claims(kinds[kind])
        header = claims.pop("header")
        for case, token in forgeries(published, dict(header), claims).items():
            for place in where:
                if place == "id_token_hint at logout":
                    await offers[place](token)
                    continue
                with subtests.test(case=case, place=place):
                    assert not await offers[place](token)
    # Nothing that was forged has ended the session.
    assert (await portal.refresh(kinds["refresh token"])).status_code == 200


async def test_a_key_that_names_its_algorithm_serves_no_other(world: World) -> None:
    """RFC 7517 §4.4: the RSA key of ID tokens signs no PS256 token, though the mathematics would allow it."""
    portal = world["portal"]
    ring = await world.provider.keys.ring()
    tokens = await world.browser().tokens(portal)
    claims = await portal.claims(tokens["id_token"])
    header = dict(claims.pop("header")) | {"alg": "PS256"}
    bare = RSAKey.import_key({**ring.signing["RS256"].as_dict(private=True), "alg": "PS256"})
    crossed = jws.serialize_compact(header, json.dumps(claims), bare, algorithms=["PS256"])
    answer = await portal.http.get(portal.address(id_token_hint=crossed, prompt="none"))
    assert query(answer.headers["location"])["error"] == "invalid_request"


async def test_a_code_or_refresh_token_of_one_client_is_nothing_to_another(world: World) -> None:
    """RFC 9700 §4.5 (code injection), RFC 6749 §6; its owner can still use it."""
    portal, kiosk, browser = world["portal"], world["kiosk"], world.browser()
    code = await browser.code(portal)
    thief = Party("kiosk", kiosk.key, world.http(), portal.redirect_uri, world.clock, portal.verifier)
    assert (await thief.redeem(code)).json()["error"] == "invalid_grant"
    tokens = (await portal.redeem(code)).json()
    assert (await kiosk.refresh(tokens["refresh_token"])).json()["error"] == "invalid_grant"
    assert (await portal.refresh(tokens["refresh_token"])).status_code == 200
    # A service's own token tells nothing about a person, whoever sends it.
    machine = (await world["cases"].token(grant_type="client_credentials", resource=CATALOG)).json()
    answer = await world.http().get("/userinfo", headers={"Authorization": f"Bearer {machine['access_token']}"})
    assert answer.status_code == 401
