"""RFC 7591: applications register themselves with an initial access token, and never as one of ours (items 14, 16)."""

import asyncio
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from joserfc.jwk import ECKey, RSAKey
from sqlalchemy import select, update

from services.identity.domain.clients import Client, Realm
from services.identity.domain.registration import _TAKEN, PREFIX, declaration_of, metadata_of
from services.identity.domain.tokens import fingerprint
from services.identity.errors import OAuthError
from services.identity.handlers.registration import MakeInitialToken, make_initial_token
from services.identity.store.tables import CLIENTS, INITIAL_TOKENS
from services.kit import deliveries
from services.kit.settings import SettingsError
from tests.identity.conftest import Starter, World
from tests.identity.party import STRANGER_JWKS, STRANGER_KEY, Party

CALLBACK = "https://shop.example/callback?dummy1=lorem"
METADATA: dict[str, Any] = {
    "client_name": "Shop",
    "client_name#zh-CN": "小店",
    "redirect_uris": [CALLBACK],
    "grant_types": ["authorization_code", "refresh_token"],
    "scope": "openid profile unheard-of",
    "backchannel_logout_uri": "https://shop.example/logout?x=1",
    "contacts": ["somebody@shop.example"],
    "logo_uri": "https://shop.example/logo.png",
    "initiate_login_uri": "https://shop.example/login",
}


async def initial(world: World, *, uses: int = 1, realm: Realm = Realm.CITIZEN, days: int = 7) -> str:
    return await make_initial_token(MakeInitialToken("operator", realm, uses, days), world.work())


async def register(world: World, token: str | None, metadata: Any = METADATA, **changed: Any) -> httpx.Response:
    headers = {"Authorization": f"Bearer {token}"} if token is not None else {}
    given = metadata | changed if isinstance(metadata, dict) else metadata
    return await world["cases"].http.post("/register", json=given, headers=headers)


async def registered(world: World, **changed: Any) -> dict[str, Any]:
    answer = await register(world, await initial(world), **changed)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def party(world: World, found: dict[str, Any]) -> Party:
    secret = found.get("client_secret")
    return Party(found["client_id"], STRANGER_KEY, world["cases"].http, CALLBACK, world.clock, secret=secret)


async def test_a_client_registers_and_people_sign_in(world: World, start: Starter) -> None:
    token = await initial(world)
    answer = await register(world, token, token_endpoint_auth_method="client_secret_post")
    assert answer.status_code == 201, answer.text
    assert answer.headers["cache-control"] == "no-store"
    found = answer.json()
    secret, management = found["client_secret"], found["registration_access_token"]
    assert (len(secret), len(management)) == (43, 43)
    assert (found["client_secret_expires_at"], found["client_id_issued_at"] > 1.7e9) == (0, True)
    client_id = found["client_id"]
    assert client_id.startswith(PREFIX)
    assert found["registration_client_uri"] == f"https://id.example/register/{client_id}"
    # As registered: its own members, the defaults, what we replaced; nothing of what we ignore.
    assert found["redirect_uris"] == METADATA["redirect_uris"]
    assert (found["client_name#zh-CN"], found["client_name#en"]) == ("小店", "Shop")
    assert (found["scope"], found["response_types"]) == ("openid profile", ["code"])
    assert (found["subject_type"], found["id_token_signed_response_alg"], found["profile"]) == (
        "public",
        "RS256",
        "standard",
    )
    ignored = {"contacts", "logo_uri", "initiate_login_uri", "first_party", "realm", "grants", "resources", "scopes"}
    assert not ignored & found.keys()
    assert None not in found.values()

    # At once, on every replica; and it is a stranger: people are asked first.
    for somewhere in (world, await start()):
        client = await somewhere.provider.client(client_id)
        assert client is not None
        assert (client.realm, client.first_party, client.grants, client.resources) == (Realm.CITIZEN, False, (), ())
    shop = party(world, found)
    page = await world.http().get(shop.address(resource=None))
    assert (page.status_code, "小店" in page.text) == (200, True)
    refused = await shop.token(grant_type="authorization_code", code="x", redirect_uri=CALLBACK)
    assert refused.json()["error"] == "invalid_grant"  # its secret is good, the code is not

    async with world.work(readonly=True) as work:
        row = (await work.execute(select(CLIENTS).where(CLIENTS.c.client_id == client_id))).one()
        assert (row.declared, row.registration_token_hash) == (False, fingerprint(management))
        assert not {secret, management} & {str(value) for value in (*row, *row.document.values())}
        endpoint = await deliveries.endpoint(work, client_id)
        assert endpoint is not None and endpoint.url == "https://shop.example/logout?x=1"
        audit = world.service.context.tables.audit.audit
        last = (await work.execute(select(audit).where(audit.c.object_id == client_id))).one()
    assert (last.actor, last.action, last.client, last.realm) == (client_id, "register", client_id, "citizen")
    assert token not in str(last) and fingerprint(token)[:16] in last.purpose


async def test_the_initial_access_token(world: World, subtests: pytest.Subtests) -> None:
    """RFC 7591 §3 and §1.2, RFC 6750 §3: with its challenge, as often and as long as it says, for one realm."""
    with subtests.test("none"):
        answer = await register(world, None)
        assert (answer.status_code, answer.content) == (401, b"")
        assert answer.headers["www-authenticate"] == 'Bearer realm="tongban"'
        basic = await world["cases"].http.post("/register", json=METADATA, headers={"Authorization": "Basic eDp5"})
        assert basic.status_code == 401

    with subtests.test("a wrong one"):
        for token in ("x", "x" * 43, "\xff"):
            answer = await world["cases"].http.post(
                "/register", json=METADATA, headers=[(b"authorization", b"Bearer " + token.encode("latin-1"))]
            )
            assert (answer.status_code, answer.json()["error"]) == (401, "invalid_token")
            assert answer.headers["www-authenticate"].startswith('Bearer realm="tongban", error="invalid_token"')
            assert answer.headers["cache-control"] == "no-store"

    with subtests.test("it is used up; what was refused used nothing"):
        token = await initial(world, uses=2)
        assert (await register(world, token, redirect_uris=[])).status_code == 400
        assert [(await register(world, token)).status_code for _ in range(3)] == [201, 201, 401]

    with subtests.test("it expires"):
        token = await initial(world, uses=2, days=1)
        world.clock.forward(days=1, seconds=1)
        assert (await register(world, token)).status_code == 401

    with subtests.test("its realm is the client's"):
        answer = await register(world, await initial(world, realm=Realm.STAFF), realm="citizen")
        client = await world.provider.client(answer.json()["client_id"])
        assert client is not None and client.realm is Realm.STAFF

    with subtests.test("only its fingerprint is kept"):
        async with world.work(readonly=True) as work:
            rows = (await work.execute(select(INITIAL_TOKENS))).all()
        assert fingerprint(token) in str(rows) and token not in str(rows)


async def test_of_parallel_uses_of_the_last_one_succeeds(world: World, start: Starter) -> None:
    token, replica = await initial(world), await start()
    answers = await asyncio.gather(*(register(somewhere, token) for somewhere in (world, replica) * 10))
    assert sorted(answer.status_code for answer in answers) == [201] + [401] * 19
    async with world.work(readonly=True) as work:
        found = (await work.execute(select(CLIENTS).where(CLIENTS.c.declared.is_(False)))).all()
        left = (await work.execute(select(INITIAL_TOKENS.c.uses_left))).scalar_one()
    assert (len(found), left) == (1, 0)


BAD: list[tuple[dict[str, Any], str]] = [
    ({"redirect_uris": None}, "invalid_redirect_uri"),
    ({"redirect_uris": []}, "invalid_redirect_uri"),
    ({"redirect_uris": [7]}, "invalid_redirect_uri"),
    ({"redirect_uris": ["http://shop.example/cb"]}, "invalid_redirect_uri"),
    ({"redirect_uris": ["https://shop.example/cb#x"]}, "invalid_redirect_uri"),
    ({"redirect_uris": ["https://a@shop.example/cb"]}, "invalid_redirect_uri"),
    ({"redirect_uris": ["https://[shop/cb"]}, "invalid_redirect_uri"),
    ({"redirect_uris": ["javascript:alert(1)"]}, "invalid_redirect_uri"),
    # OpenID Connect Registration §2: loopback hosts are for native clients.
    ({"redirect_uris": ["http://127.0.0.1/cb"]}, "invalid_redirect_uri"),
    ({"redirect_uris": ["https://localhost/cb"]}, "invalid_redirect_uri"),
    ({"redirect_uris": ["com.example.shop:/cb"]}, "invalid_redirect_uri"),
    ({"application_type": "native", "redirect_uris": ["shop:/cb"]}, "invalid_redirect_uri"),
    ({"redirect_uris": "https://shop.example/cb"}, "invalid_client_metadata"),
    ({"application_type": "native", "backchannel_logout_uri": "http://127.0.0.1/x"}, "invalid_client_metadata"),
    ({"backchannel_logout_uri": "http://shop.example/logout"}, "invalid_client_metadata"),
    ({"post_logout_redirect_uris": ["http://localhost/"]}, "invalid_client_metadata"),
    ({"allowed_origins": ["http://localhost:3000"]}, "invalid_client_metadata"),
    ({"client_uri": "http://localhost/"}, "invalid_client_metadata"),
    ({"policy_uri": "javascript:alert(1)"}, "invalid_client_metadata"),
    # We fetch nothing that strangers name.
    ({"jwks_uri": "https://shop.example/jwks"}, "invalid_client_metadata"),
    ({"sector_identifier_uri": "https://shop.example/sector"}, "invalid_client_metadata"),
    ({"request_uris": ["https://shop.example/r"]}, "invalid_client_metadata"),
    ({"software_statement": "a.b.c"}, "unapproved_software_statement"),
    ({"response_types": ["code", "id_token"]}, "invalid_client_metadata"),
    ({"response_types": "code"}, "invalid_client_metadata"),
    ({"grant_types": ["authorization_code", "implicit"]}, "invalid_client_metadata"),
    ({"grant_types": ["authorization_code", "client_credentials"]}, "invalid_client_metadata"),
    ({"grant_types": ["refresh_token"]}, "invalid_client_metadata"),
    ({"grant_types": [[]]}, "invalid_client_metadata"),
    ({"token_endpoint_auth_method": "client_secret_jwt"}, "invalid_client_metadata"),
    ({"token_endpoint_auth_method": ["none"]}, "invalid_client_metadata"),
    ({"token_endpoint_auth_method": "private_key_jwt"}, "invalid_client_metadata"),
    ({"token_endpoint_auth_method": "none", "require_pkce": False}, "invalid_client_metadata"),
    ({"jwks": {"keys": [ECKey.generate_key("P-256").as_dict(private=True)]}}, "invalid_client_metadata"),
    ({"jwks": {"keys": [ECKey.generate_key("secp256k1").as_dict(private=False)]}}, "invalid_client_metadata"),
    ({"jwks": {"keys": [{"kty": "oct", "k": "c2VjcmV0"}]}}, "invalid_client_metadata"),
    ({"jwks": {"keys": [7]}}, "invalid_client_metadata"),
    ({"jwks": {"keys": "x"}}, "invalid_client_metadata"),
    ({"jwks": []}, "invalid_client_metadata"),
    ({"id_token_signed_response_alg": "none"}, "invalid_client_metadata"),
    ({"id_token_signed_response_alg": "HS256"}, "invalid_client_metadata"),
    ({"id_token_encrypted_response_alg": "RSA-OAEP-256"}, "invalid_client_metadata"),
    ({"userinfo_encrypted_response_alg": "ECDH-ES", "jwks": STRANGER_JWKS}, "invalid_client_metadata"),
    ({"default_max_age": 10**15}, "invalid_client_metadata"),
    ({"default_max_age": -1}, "invalid_client_metadata"),
    ({"tls_client_certificate_bound_access_tokens": True}, "invalid_client_metadata"),
    ({"scope": "unheard-of"}, "invalid_client_metadata"),
    ({"scope": ["openid"]}, "invalid_client_metadata"),
    ({"client_name": ""}, "invalid_client_metadata"),
    ({"client_name": "x" * 81}, "invalid_client_metadata"),
    ({"client_name": "\u202eknab"}, "invalid_client_metadata"),
    ({"client_name#en": 7}, "invalid_client_metadata"),
    ({"subject_type": "pairwise", "redirect_uris": [CALLBACK, "https://b.example/"]}, "invalid_client_metadata"),
    # FAPI 2.0 Security Profile §5.3.2: registrable, and then by the book.
    ({"profile": "fapi2"}, "invalid_client_metadata"),
    ({"profile": "king"}, "invalid_client_metadata"),
]


async def test_what_is_refused_and_how(world: World, subtests: pytest.Subtests) -> None:
    """RFC 7591 §3.2.2."""
    token = await initial(world)
    for changed, error in BAD:
        with subtests.test(changed=changed):
            answer = await register(world, token, **changed)
            assert (answer.status_code, answer.json()["error"]) == (400, error), answer.text
            assert answer.headers["cache-control"] == "no-store"
            assert answer.json()["error_description"].isascii()
    body: Any
    for body in ([], "x", None):
        with subtests.test(body=body):
            answer = await register(world, token, body)
            assert (answer.status_code, answer.json()["error"]) == (400, "invalid_client_metadata")
    headers = {"Authorization": f"Bearer {token}"}
    http = world["cases"].http
    for content, kind, status in (
        (b"{", "application/json", 400),
        (b'{"a":1,"a":2}', "application/json", 400),
        (b"\xff", "application/json", 400),
        (b"", "application/json", 400),
        (b"a=b", "application/x-www-form-urlencoded", 400),
        (b'{"a":"' + b"x" * 70_000 + b'"}', "application/json", 413),
    ):
        with subtests.test(content=content[:20], kind=kind):
            answer = await http.post("/register", content=content, headers=headers | {"Content-Type": kind})
            assert answer.status_code == status
    assert (await register(world, token)).status_code == 201


async def test_what_may_be_registered(world: World, subtests: pytest.Subtests) -> None:
    with subtests.test("the defaults of RFC 7591 §2"):
        found = (await register(world, await initial(world), {"redirect_uris": [CALLBACK]})).json()
        assert (found["token_endpoint_auth_method"], found["grant_types"]) == (
            "client_secret_basic",
            ["authorization_code"],
        )
        assert (found["client_name"], found["scope"].split()[0]) == (found["client_id"], "openid")

    with subtests.test("null counts as omitted"):
        assert "default_max_age" not in await registered(world, default_max_age=None, client_uri=None, jwks_uri=None)

    with subtests.test("names by language (§2.2)"):
        only = {"client_name": None, "client_name#zh-CN": None}
        for names, zh, en in (
            ({"client_name#zh-Hans": "甲", "client_name#fr": "B"}, "甲", "甲"),
            ({"client_name#EN-gb": "A", "client_name": "甲"}, "甲", "A"),
            ({"client_name": "甲"}, "甲", "甲"),
        ):
            found = await registered(world, **(only | names))
            client = await world.provider.client(found["client_id"])
            assert client is not None and (client.client_name.zh, client.client_name.en) == (zh, en)
            assert found["client_name"] == zh

    with subtests.test("a public native client has no secret"):
        loopback = ["http://127.0.0.1/cb", "http://[::1]/cb", "https://app.example/cb", "com.example.app:/cb"]
        found = await registered(
            world, application_type="native", redirect_uris=loopback, token_endpoint_auth_method="none"
        )
        assert not {"client_secret", "client_secret_expires_at"} & found.keys()

    with subtests.test("keys by value, their public members alone"):
        rsa = RSAKey.generate_key(2048, auto_kid=True).as_dict(private=False)
        keys = [*STRANGER_JWKS["keys"], rsa | {"x5c": [[[]]], "key_ops": ["verify"]}]
        found = await registered(world, token_endpoint_auth_method="private_key_jwt", jwks={"keys": keys})
        assert found["jwks"] == {"keys": [*STRANGER_JWKS["keys"], rsa]}
        assert "client_secret" not in found
        answer = await party(world, found).token(grant_type="client_credentials")
        assert answer.json()["error"] == "unauthorized_client"

    with subtests.test("fapi2"):
        found = await registered(
            world,
            profile="fapi2",
            token_endpoint_auth_method="private_key_jwt",
            jwks=STRANGER_JWKS,
            dpop_bound_access_tokens=True,
            id_token_signed_response_alg="PS256",
        )
        client = await world.provider.client(found["client_id"])
        assert client is not None and (client.fapi2, client.pushed_required) == (True, True)

    with subtests.test("nobody makes himself one of ours"):
        found = await registered(
            world,
            first_party=True,
            realm="staff",
            resources=["urn:tongban:cases"],
            grants=[{"organisation": "*", "role": "administrator"}],
            silent_frame=True,
            client_id="cases",
            client_secret="x" * 20,
            scopes=["everything"],
        )
        client = await world.provider.client(found["client_id"])
        assert client is not None
        plain = Client.model_fields
        for name in ("first_party", "resources", "grants", "silent_frame"):
            assert getattr(client, name) == plain[name].default
        assert (client.realm, client.scopes) == (Realm.CITIZEN, ("openid", "profile"))
        assert (found["client_id"] != "cases", found["client_secret"] != "x" * 20) == (True, True)


async def test_a_start_leaves_registered_clients_alone(start: Starter, monkeypatch: pytest.MonkeyPatch) -> None:
    world: World = await start()
    client_id = (await registered(world))["client_id"]
    names = METADATA["client_name"]
    declared = {
        "client_id": client_id,
        "client_name": {"zh": names, "en": names},
        "grant_types": ["client_credentials"],
        "jwks": STRANGER_JWKS,
    }
    again: World = await start()
    assert await again.provider.client(client_id) is not None
    for enabled in (True, False):
        async with world.work() as work:
            await work.execute(update(CLIENTS).where(CLIENTS.c.client_id == client_id).values(enabled=enabled))
        with pytest.raises(SettingsError, match=f"TONGBAN_IDENTITY_CLIENTS declares .*{client_id}"):
            await start(more=[declared])


async def test_the_metadata_names_the_endpoint(world: World) -> None:
    found = (await world.http().get("/.well-known/openid-configuration")).json()
    assert found["registration_endpoint"] == "https://id.example/register"


LIKELY = st.sampled_from(
    [
        *(True, "fapi2", "native", "none", "private_key_jwt", "pairwise", "PS256", "RSA-OAEP-256", "ECDH-ES"),
        *(STRANGER_JWKS, {"keys": []}, ["authorization_code"], [CALLBACK], "https://shop.example/", "https://[::1/"),
    ]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=150, deadline=None)
@given(
    changed=st.dictionaries(
        st.sampled_from([*_TAKEN, "client_name#x", "scope", "response_types"]), LIKELY | JSON, max_size=5
    )
)
def test_whatever_is_sent_is_registered_or_refused(changed: dict[str, Any]) -> None:
    """RFC 7591 §3.2.2, fuzzed: any JSON for any member, and never another error."""
    try:
        found = declaration_of(METADATA | changed, client_id="dyn.x", realm=Realm.CITIZEN, secret="x" * 43)
    except OAuthError as error:
        assert error.code in ("invalid_redirect_uri", "invalid_client_metadata")
    else:
        assert metadata_of(found)["client_id"] == "dyn.x"
