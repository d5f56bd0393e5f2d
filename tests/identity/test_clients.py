"""Clients are declared from the settings, strictly (RFC 7591's names; item 16)."""

import base64
import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from joserfc.jwk import ECKey
from pydantic import ValidationError
from sqlalchemy import update

from services.identity import app
from services.identity.domain.clients import ClientDeclaration
from services.identity.settings import IdentitySettings
from services.identity.store.tables import CLIENTS
from services.kit.settings import SettingsError
from tests.identity.conftest import Starter, World
from tests.identity.party import CATALOG

PUBLIC = ECKey.generate_key("P-256").as_dict(private=False)
PRIVATE = ECKey.generate_key("P-256").as_dict(private=True)
WEAK = base64.urlsafe_b64encode(b"\xff" * 128).decode().rstrip("=")
"""The modulus of an RSA key of 1024 bits."""
GOOD: dict[str, Any] = {
    "client_id": "shop",
    "client_name": {"zh": "店", "en": "Shop"},
    "realm": "citizen",
    "grant_types": ["authorization_code", "refresh_token"],
    "jwks": {"keys": [PUBLIC]},
    "redirect_uris": ["https://shop.example/callback?dummy1=lorem&dummy2=ipsum"],
}


def test_a_good_declaration_is_taken() -> None:
    assert ClientDeclaration.model_validate(GOOD).require_pkce is True
    # As many as the audit trail and the delivery endpoints hold.
    assert ClientDeclaration.model_validate(GOOD | {"client_id": "x" * 64})


@pytest.mark.filterwarnings("ignore:Key size")
@pytest.mark.parametrize(
    "changed",
    [
        {"client_id": "0193a4b2c3d47e5f8a9b0c1d2e3f0009"},
        {"client_id": "0193a4b2-c3d4-7e5f-8a9b-0c1d2e3f0009"},
        {"client_id": "a b"},
        {"client_id": ""},
        {"client_id": "x" * 65},
        {"redirect_uris": []},
        {"redirect_uris": ["http://shop.example/callback"]},
        {"redirect_uris": ["https://shop.example/callback#x"]},
        {"redirect_uris": ["https://*.example/callback"]},
        {"post_logout_redirect_uris": ["javascript:alert(1)"]},
        {"backchannel_logout_uri": "ftp://shop.example/"},
        {"realm": None},
        {"realm": "both"},
        {"grant_types": []},
        {"grant_types": ["implicit"]},
        {"grant_types": ["password"]},
        {"grant_types": ["refresh_token"]},
        {"jwks": None},
        {"jwks": {"keys": []}},
        {"jwks": {"keys": [PRIVATE]}},
        {"jwks": {"keys": [{"kty": "oct", "k": "c2VjcmV0"}]}},
        {"jwks": {"keys": [{"kty": "EC"}]}},
        {"jwks": {"keys": [{"kty": "RSA", "e": "AQAB", "n": WEAK}]}},
        {"jwks": {"keys": [ECKey.generate_key("secp256k1").as_dict(private=False)]}},
        {"jwks_uri": "https://shop.example/jwks"},
        {"token_endpoint_auth_method": "client_secret_basic"},
        {"id_token_signed_response_alg": "none"},
        {"id_token_signed_response_alg": "HS256"},
        {"resources": ["not a uri"]},
        {"resources": ["urn:a#b"]},
        {"grants": [{"organisation": "*", "role": "king"}]},
        {"grants": [{"organisation": f"{n}", "role": "intake"} for n in range(200)]},
        {"unknown": 1},
    ],
)
def test_a_bad_declaration_is_refused(changed: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        ClientDeclaration.model_validate(GOOD | changed)


@pytest.mark.parametrize("text", [json.dumps([GOOD]), "- " + json.dumps(GOOD)])
def test_the_setting_is_json_or_yaml(text: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "clients.yaml").write_text(text, "utf-8")
    monkeypatch.setenv("TONGBAN_IDENTITY_CLIENTS_FILE", str(tmp_path / "clients.yaml"))
    settings = IdentitySettings.load(profile="test", data_dir=tmp_path, master_key="x")
    assert [client.client_id for client in settings.clients] == ["shop"]


def test_a_bad_setting_is_one_line_that_names_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for text in ("[{", json.dumps([GOOD | {"realm": "x"}])):
        monkeypatch.setenv("TONGBAN_IDENTITY_CLIENTS", text)
        with pytest.raises(SettingsError) as caught:
            IdentitySettings.load(profile="test", data_dir=tmp_path, master_key="x")
        assert "TONGBAN_IDENTITY_CLIENTS" in str(caught.value)
        assert "\n" not in str(caught.value)


def test_the_documented_declarations_are_good() -> None:
    """docs/identity/operate.md, "Clients"."""
    text = (Path(__file__).parents[2] / "docs" / "identity" / "operate.md").read_text("utf-8")
    example = re.search(r"## Clients.*?```yaml\n(.*?)```", text, re.DOTALL)
    assert example is not None
    found = [ClientDeclaration.model_validate(declared) for declared in yaml.safe_load(example[1])]
    assert [client.client_id for client in found] == ["benefits", "maps", "registry"]


async def test_a_client_that_is_declared_no_more_is_refused_on_every_replica(
    start: Starter, monkeypatch: pytest.MonkeyPatch
) -> None:
    from services.identity.handlers import provider

    monkeypatch.setattr(provider, "CLIENTS_SECONDS", 0.0)
    world: World = await start()
    machine = {"grant_type": "client_credentials", "resource": CATALOG}
    assert (await world["dept-demo"].token(**machine)).status_code == 200
    rest = [c.model_dump(mode="json") for c in world.settings.clients if c.client_id != "dept-demo"]
    await start(clients=rest)
    answer = await world["dept-demo"].token(**machine)
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    assert (await world["cases"].token(**machine)).status_code == 200


async def test_only_clients_that_changed_are_read_again(start: Starter, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that thousands of them cost nothing; and one that nobody can read takes no other with it."""
    from services.identity.domain.clients import Client
    from services.identity.handlers import provider

    monkeypatch.setattr(provider, "CLIENTS_SECONDS", 0.0)
    world: World = await start(more=[GOOD, GOOD | {"client_id": "other"}])
    before = await world.provider.clients()
    keys = before["other"].keys
    await start(more=[GOOD | {"client_uri": "https://shop.example/"}, GOOD | {"client_id": "other"}])
    parsed: list[str] = []
    stored = Client.stored

    def noted(document: dict[str, Any], digest: str | None) -> Client:
        parsed.append(document["client_id"])
        return stored(document, digest)

    monkeypatch.setattr(Client, "stored", noted)
    after = await world.provider.clients()
    assert parsed == ["shop"]
    assert (after["shop"].client_uri, after["other"], after["other"].keys) == (
        "https://shop.example/",
        before["other"],
        keys,
    )
    assert after["other"] is before["other"]
    assert await world.provider.clients() is after

    async with world.work() as work:
        changed = update(CLIENTS).where(CLIENTS.c.client_id == "shop")
        await work.execute(changed.values(document={"client_id": "shop"}, updated_at=work.now()))
    assert (await world.provider.clients()).keys() == before.keys() - {"shop"}


async def test_who_opens_the_service_without_clients_changes_none_and_may_not_serve(start: Starter) -> None:
    """As `tongban outbox identity` does with a narrower environment than the running service has."""
    world: World = await start()
    narrow = app.build(world.settings.model_copy(update={"clients": ()}))
    try:
        await narrow.open()
        with pytest.raises(SettingsError, match="TONGBAN_IDENTITY_CLIENTS is not set"):
            await narrow.open(serving=True)
    finally:
        await narrow.close()
    world.provider.forget_clients()
    answer = await world["dept-demo"].token(grant_type="client_credentials", resource=CATALOG)
    assert answer.status_code == 200


def test_the_local_profile_declares_every_surface_at_its_origin(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from services.local import secrets

    secrets.make(tmp_path)
    monkeypatch.setenv("TONGBAN_GATEWAY_PORT", "9080")
    monkeypatch.setenv("TONGBAN_DESK_ORIGIN", "http://localhost:7000")
    settings = IdentitySettings.load(profile="local", data_dir=tmp_path)
    found = {client.client_id: client for client in settings.clients}
    assert found["portal"].redirect_uris == ("http://localhost:9080/signin/callback",)
    assert found["kiosk"].backchannel_logout_uri == "http://localhost:9081/signin/backchannel-logout"
    assert found["desk"].post_logout_redirect_uris == ("http://localhost:7000/signout/done",)
    assert found["desk"].realm == "staff"
    for name in ("catalog", "cases", "notify", "gateway", "dept-demo"):
        assert found[name].grant_types == ("client_credentials",)
    assert not any(member in str(client.jwks) for client in settings.clients for member in ("'d':",))
