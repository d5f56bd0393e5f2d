"""RFC 6749 §2.3 and §2.3.1: a client that registered a secret proves itself by it, and in the registered way only."""

import base64
import hmac
import logging
from typing import Any
from urllib.parse import quote_plus

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from sqlalchemy import text

from services.identity.domain.clients import Client, ClientDeclaration
from services.identity.domain.credentials import read_credentials
from services.identity.domain.parameters import Parameters
from services.identity.store.clients import ClientStore
from tests.identity.conftest import Starter, World
from tests.identity.party import CATALOG, JWT_BEARER

SECRET = "a+b %:ä".replace("ä", "~") + "0123456789"
"""With every character that form-encoding changes."""
MACHINE = {"grant_type": "client_credentials", "resource": CATALOG}


def declared(name: str, method: str, secret: str = SECRET) -> dict[str, Any]:
    return {
        "client_id": name,
        "client_name": {"zh": "店", "en": "Shop"},
        "grant_types": ["client_credentials"],
        "token_endpoint_auth_method": method,
        "client_secret": secret,
        "resources": [CATALOG],
    }


BASIC, POST = declared("shop.basic", "client_secret_basic"), declared("shop.post", "client_secret_post")


def header(name: str, secret: str) -> dict[str, str]:
    """As RFC 6749 §2.3.1 wants it: each form-encoded, then Basic."""
    return raw(f"{quote_plus(name)}:{quote_plus(secret)}".encode())


def raw(credentials: bytes) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(credentials).decode()}


async def ask(world: World, headers: Any = None, path: str = "/token", **data: Any) -> httpx.Response:
    return await world["cases"].http.post(path, data=MACHINE | {"token": "x"} | data, headers=headers)


def refused(answer: httpx.Response, scheme: str) -> None:
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client"), answer.text
    assert answer.headers["www-authenticate"] == f'{scheme} realm="tongban"'
    assert answer.headers["cache-control"] == "no-store"


async def test_each_secret_method_by_its_book(start: Starter, subtests: pytest.Subtests) -> None:
    world: World = await start(more=[BASIC, POST])
    basic, posted = header("shop.basic", SECRET), {"client_id": "shop.post", "client_secret": SECRET}
    with subtests.test("the metadata says so"):
        found = (await world["cases"].http.get("/.well-known/openid-configuration")).json()
        for endpoint in ("token", "revocation", "introspection"):
            assert {"client_secret_basic", "client_secret_post"} < set(
                found[f"{endpoint}_endpoint_auth_methods_supported"]
            )

    with subtests.test("both are taken, at every endpoint"):
        for path in ("/token", "/revoke", "/introspect"):
            assert (await ask(world, basic, path)).status_code == 200
            assert (await ask(world, path=path, **posted)).status_code == 200
        # The name of the scheme knows no case (RFC 9110 §11.1), and the body may name the same client again.
        lower = {"Authorization": basic["Authorization"].replace("Basic", "basic")}
        assert (await ask(world, lower, client_id="shop.basic")).status_code == 200
        claims = await world["cases"].claims((await ask(world, basic)).json()["access_token"])
        assert (claims["sub"], claims["client_id"]) == ("shop.basic", "shop.basic")

    with subtests.test("the registered method is the only one"):
        refused(await ask(world, client_id="shop.basic", client_secret=SECRET), "private_key_jwt")
        refused(await ask(world, header("shop.post", SECRET)), "Basic")
        refused(await ask(world, client_id="shop.basic"), "private_key_jwt")
        assertion = world["shop.basic"].assertion()
        by_key = {"client_assertion_type": JWT_BEARER, "client_assertion": assertion}
        refused(await ask(world, **by_key), "private_key_jwt")
        # A client with keys has no secret, whatever it is: not even the empty one.
        for secret in ("", SECRET):
            refused(await ask(world, header("cases", secret)), "Basic")
            refused(await ask(world, client_id="cases", client_secret=secret), "private_key_jwt")

    with subtests.test("two methods at once"):
        two: Any
        for two in (posted, by_key, {"client_id": "shop.basic", "client_secret": SECRET}):
            answer = await ask(world, basic, **two)
            assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
        answer = await ask(world, **(posted | by_key))
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")

    with subtests.test("who is named must be one client"):
        refused(await ask(world, basic, client_id="shop.post"), "Basic")

    with subtests.test("an unknown client and a wrong secret are told alike"):
        for one, other in (
            (await ask(world, header("shop.basic", "x" * 16)), await ask(world, header("nobody", "x" * 16))),
            (
                await ask(world, client_id="shop.post", client_secret="x" * 16),
                await ask(world, client_id="nobody", client_secret="x" * 16),
            ),
        ):
            assert (one.status_code, one.content) == (other.status_code, other.content)
            assert one.headers["www-authenticate"] == other.headers["www-authenticate"]


async def test_a_header_that_is_none_is_a_401(start: Starter, subtests: pytest.Subtests) -> None:
    world: World = await start(more=[BASIC])
    good = header("shop.basic", SECRET)["Authorization"].encode()
    for value, scheme in [
        (b"Basic", "Basic"),
        (b"Basic ", "Basic"),
        (b"Basic \xff\xfe", "Basic"),
        (good.rstrip(b"=")[:-1], "Basic"),
        (good + b"!", "Basic"),
        (raw(b"shop.basic")["Authorization"].encode(), "Basic"),
        (raw(b"shop.basic:\xff\xfe")["Authorization"].encode(), "Basic"),
        (raw(b"shop.basic:%ff%fe")["Authorization"].encode(), "Basic"),
        (raw(b"shop.basic:\0")["Authorization"].encode(), "Basic"),
        (raw(b":")["Authorization"].encode(), "Basic"),
        # Not form-encoded: its + is a space.
        (raw(f"shop.basic:{SECRET}".encode())["Authorization"].encode(), "Basic"),
        (b"Bearer x", "Bearer"),
        (b"DPoP x", "DPoP"),
        (b'a"b, c x', "private_key_jwt"),
        (b"\xff", "private_key_jwt"),
    ]:
        for path in ("/token", "/revoke", "/introspect"):
            with subtests.test(value=value, path=path):
                refused(await ask(world, [(b"authorization", value)], path), scheme)


async def test_another_secret_is_a_change_and_of_no_secret_more_than_a_keyed_digest_is_kept(
    start: Starter, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    from services.identity.handlers import provider

    caplog.set_level(logging.INFO)
    monkeypatch.setattr(provider, "CLIENTS_SECONDS", 0.0)
    world: World = await start(more=[BASIC])
    other = "another secret of the shop"
    await start(more=[BASIC | {"client_secret": other}])
    assert (await ask(world, header("shop.basic", other))).status_code == 200
    refused(await ask(world, header("shop.basic", SECRET)), "Basic")

    client = await world.provider.client("shop.basic")
    assert client is not None and client.secret_digest is not None and len(client.secret_digest) == 64
    shown = repr(client) + str(client.model_dump()) + client.model_dump_json()
    assert client.secret_digest not in shown
    async with world.work(readonly=True) as work:
        # Keyed, and to the client: the same secret of two clients is told by nobody.
        assert client.secret_digest == work.clients.secret_digest("shop.basic", other)
        assert client.secret_digest != work.clients.secret_digest("shop.post", other)
        rows = (await work.execute(text("SELECT * FROM clients"))).all()
    said = caplog.text + "".join(capfd.readouterr())
    for secret in (SECRET, other):
        assert secret not in str(rows) + shown + said
    assert client.secret_digest not in said


async def test_the_same_work_is_done_for_a_client_that_is_unknown(
    start: Starter, monkeypatch: pytest.MonkeyPatch
) -> None:
    world: World = await start(more=[BASIC])
    done: list[str] = []
    digest, compare = ClientStore.secret_digest, hmac.compare_digest

    def noted_digest(store: ClientStore, name: str, secret: str) -> str:
        done.append(name)
        return digest(store, name, secret)

    def noted_compare(one: str, other: str) -> bool:
        done.append("compare")
        return compare(one, other)

    monkeypatch.setattr(ClientStore, "secret_digest", noted_digest)
    monkeypatch.setattr(hmac, "compare_digest", noted_compare)
    for name in ("shop.basic", "nobody", "cases"):
        await ask(world, header(name, "x" * 16))
    assert done == ["shop.basic", "compare", "nobody", "compare", "cases", "compare"]


@pytest.mark.parametrize("secret", ["short", "x" * 15, "x" * 256, "x" * 16 + "\n", "x" * 16 + "\t", "通" * 16, ""])
def test_a_secret_is_printable_ascii_and_long(secret: str) -> None:
    with pytest.raises(ValidationError) as caught:
        ClientDeclaration.model_validate(BASIC | {"client_secret": secret})
    assert "16 to 255 characters" in str(caught.value)


def test_a_secret_and_its_method_go_together() -> None:
    for changed in (
        {"client_secret": None},
        {"token_endpoint_auth_method": "none"},
        {"token_endpoint_auth_method": "client_secret_jwt"},
    ):
        with pytest.raises(ValidationError):
            ClientDeclaration.model_validate(BASIC | changed)
    assert "x" * 16 not in repr(ClientDeclaration.model_validate(declared("a1", "client_secret_post", "x" * 16)))
    assert Client.stored(BASIC | {"client_secret": None}, "d" * 64).secret_digest == "d" * 64


@settings(max_examples=25, deadline=None)
@given(name=st.text(min_size=1), secret=st.text(), junk=st.binary(max_size=40))
def test_whatever_is_in_the_header_is_read_or_refused(name: str, secret: str, junk: bytes) -> None:
    """RFC 6749 §2.3.1 and RFC 7617 §2, fuzzed: what was encoded is read again, and nothing breaks."""
    try:
        encoded = header(name, secret)["Authorization"]
    except UnicodeEncodeError:
        return  # half a surrogate pair is in no form
    found = read_credentials(Parameters([]), encoded)
    assert (found.method, found.client_ids, found.secret) == ("client_secret_basic", (name,), secret)
    for value in (junk.decode("latin-1"), "Basic " + junk.decode("latin-1"), raw(junk)["Authorization"]):
        assert read_credentials(Parameters([("client_id", "a")]), value).methods in (
            ("client_secret_basic",),
            ("other",),
        )
    assert repr(found) == f"Credentials(methods=('client_secret_basic',), scheme='Basic', client_ids={(name,)!r})"
