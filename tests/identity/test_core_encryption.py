"""OpenID Connect Core §2, §5.3.2, §10, §16.14: signed and encrypted as each client registered, and for it alone."""

import base64
import hashlib
import json
import warnings
from typing import Any

import httpx
import pytest
from joserfc import jwe, jws, jwt
from joserfc.jwk import ECKey, Key, KeySet, OKPKey, RSAKey
from pydantic import ValidationError

from services.identity.domain.clients import CONTENT_ENCRYPTIONS, KEY_ENCRYPTIONS, SIGNING_ALGORITHMS, ClientDeclaration
from services.identity.domain.jose import KeyRing, new_key
from tests.identity.conftest import Starter, World
from tests.identity.party import ISSUER, STRANGER_JWKS, Party
from tests.identity.test_core_subjects import client as declared
from tests.identity.test_core_subjects import tokens_of

KEYS: dict[str, Key] = {
    "RSA-OAEP-256": RSAKey.generate_key(2048, {"use": "enc"}, auto_kid=True),
    "ECDH-ES": ECKey.generate_key("P-256", {"use": "enc", "kid": "mine"}),
    "ECDH-ES+A128KW": OKPKey.generate_key("X25519", {"use": "enc"}, auto_kid=True),
    "ECDH-ES+A256KW": ECKey.generate_key("P-384", {"use": "enc", "alg": "ECDH-ES+A256KW"}, auto_kid=True),
}


def keys_of(*keys: Key) -> dict[str, Any]:
    return {"keys": [*STRANGER_JWKS["keys"], *(key.as_dict(private=False) for key in keys)]}


def client(name: str, **members: Any) -> dict[str, Any]:
    return declared(name, f"{name}.example", subject_type="public", **members)


SIGNING = [client(f"s-{a.lower()}", id_token_signed_response_alg=a, userinfo_signed_response_alg=a)
           for a in SIGNING_ALGORITHMS]  # fmt: skip
SEALING = [
    client(
        f"e-{number}",
        jwks=keys_of(KEYS[algorithm]),
        id_token_signed_response_alg="ES256",
        id_token_encrypted_response_alg=algorithm,
        id_token_encrypted_response_enc=CONTENT_ENCRYPTIONS[number % 3],
        userinfo_encrypted_response_alg=algorithm,
        userinfo_signed_response_alg="EdDSA" if number else None,
    )
    for number, algorithm in enumerate(KEY_ENCRYPTIONS)
]


async def published(party: Party) -> KeySet:
    return KeySet.import_key_set((await party.http.get("/jwks")).json())


async def userinfo(party: Party, tokens: dict[str, Any]) -> httpx.Response:
    answer = await party.http.get("/userinfo", headers={"Authorization": f"Bearer {tokens['access_token']}"})
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/jwt"
    assert answer.headers["cache-control"] == "no-store"
    return answer


async def test_each_signature_algorithm_with_its_own_half_hash(start: Starter, subtests: pytest.Subtests) -> None:
    world: World = await start(more=SIGNING)
    browser = world.browser()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for algorithm in SIGNING_ALGORITHMS:
            with subtests.test(algorithm=algorithm):
                party = world[f"s-{algorithm.lower()}"]
                tokens = await tokens_of(party, browser)
                keys = await published(party)
                found = jwt.decode(tokens["id_token"], keys, algorithms=[algorithm])
                # §3.1.3.6: half of the hash that belongs to `alg`; for Ed25519 that is SHA-512 (RFC 8032 §5.1).
                digest = hashlib.sha512 if algorithm == "EdDSA" else hashlib.sha256
                half = digest(tokens["access_token"].encode()).digest()
                expected = base64.urlsafe_b64encode(half[: len(half) // 2]).decode().rstrip("=")
                assert found.claims["at_hash"].rstrip("=") == found.claims["at_hash"] == expected
                told = jwt.decode((await userinfo(party, tokens)).text, keys, algorithms=[algorithm])
                # §5.3.2: `iss` and `aud`. It is no ID token: at no client (no `exp`), and not here.
                assert (told.claims["iss"], told.claims["aud"]) == (ISSUER, party.client_id)
                assert (told.claims["sub"], told.claims["name"]) == (found.claims["sub"], "林晓梅")
                assert "exp" not in told.claims
                text = (await userinfo(party, tokens)).text
                assert (await browser.silent(party, resource=None, id_token_hint=text))["error"] == "invalid_request"
                bearer = {"Authorization": f"Bearer {text}"}
                assert (await party.http.get("/userinfo", headers=bearer)).status_code == 401


async def test_what_is_encrypted_only_its_client_can_read(start: Starter, subtests: pytest.Subtests) -> None:
    world: World = await start(more=SEALING)
    browser = world.browser()
    for number, algorithm in enumerate(KEY_ENCRYPTIONS):
        with subtests.test(algorithm=algorithm):
            party, content = world[f"e-{number}"], CONTENT_ENCRYPTIONS[number % 3]
            tokens = await tokens_of(party, browser)
            opened = open_(tokens["id_token"], algorithm, content)
            assert opened.protected["cty"] == "JWT"
            assert opened.protected["kid"] == KEYS[algorithm].kid
            inner = opened.plaintext.decode()
            claims = await party.claims(inner)
            assert (claims["aud"], claims["nonce"]) == (party.client_id, "no-1")
            # The signed token inside is the hint that a client can send; what it cannot have made is none.
            assert "code" in await browser.silent(party, resource=None, id_token_hint=inner)
            sealed = await browser.silent(party, resource=None, id_token_hint=tokens["id_token"])
            assert sealed["error"] == "invalid_request"
            refreshed = (await party.refresh(tokens["refresh_token"])).json()
            assert open_(refreshed["id_token"], algorithm, content).plaintext
            told = open_((await userinfo(party, tokens)).text, algorithm, "A128CBC-HS256")
            if number:
                signed = jwt.decode(told.plaintext.decode(), await published(party), algorithms=["EdDSA"])
                assert (told.protected["cty"], signed.claims["aud"]) == ("JWT", party.client_id)
            else:
                assert json.loads(told.plaintext)["sub"] == claims["sub"]
                assert "cty" not in told.protected
            # A key for encryption proves nobody (RFC 7517 §4.2).
            if algorithm == "ECDH-ES":
                await refuses_its_signature(party, KEYS[algorithm])


async def refuses_its_signature(party: Party, key: Key) -> None:
    signing = ECKey.import_key({k: v for k, v in key.as_dict(private=True).items() if k != "use"})
    forged = party.assertion(key=signing, header={"kid": "mine"})
    answer = await party.http.post("/introspect", data=party.authenticated(token="x", client_assertion=forged))
    assert answer.json()["error"] == "invalid_client"


def open_(text: str, algorithm: str, content: str) -> Any:
    opened = jwe.decrypt_compact(text, KEYS[algorithm], algorithms=[algorithm, content])
    assert opened.protected["enc"] == content
    return opened


def test_an_encryption_without_a_fitting_key_is_not_registered(subtests: pytest.Subtests) -> None:
    rsa, ec = KEYS["RSA-OAEP-256"], KEYS["ECDH-ES"]
    signing = ECKey.generate_key("P-256", {"use": "sig"}, auto_kid=True)
    ed25519 = OKPKey.generate_key("Ed25519", {"use": "enc"}, auto_kid=True)
    for algorithm, keys in (
        ("RSA-OAEP-256", ()),
        ("RSA-OAEP-256", (ec,)),
        ("ECDH-ES", (rsa,)),
        ("ECDH-ES", (signing,)),
        ("ECDH-ES", (ed25519,)),
        ("ECDH-ES+A128KW", (KEYS["ECDH-ES+A256KW"],)),  # its `alg` is another one
        ("RSA1_5", (rsa,)),
        ("dir", (ec,)),
    ):
        for member in ("id_token_encrypted_response_alg", "userinfo_encrypted_response_alg"):
            with subtests.test(member=member, algorithm=algorithm), pytest.raises(ValidationError):
                ClientDeclaration.model_validate(client("a1", jwks=keys_of(*keys), **{member: algorithm}))
    ClientDeclaration.model_validate(client("a1", jwks=keys_of(rsa), id_token_encrypted_response_alg="RSA-OAEP-256"))


async def test_metadata_name_the_algorithms(world: World) -> None:
    found = (await world.http().get("/.well-known/openid-configuration")).json()
    for place in ("id_token", "userinfo"):
        assert found[f"{place}_signing_alg_values_supported"] == ["RS256", "ES256", "PS256", "EdDSA"]
        assert found[f"{place}_encryption_alg_values_supported"] == list(KEY_ENCRYPTIONS)
        assert found[f"{place}_encryption_enc_values_supported"] == list(CONTENT_ENCRYPTIONS)


def test_no_signature_is_warned_of() -> None:
    public, private = new_key("EdDSA")
    ring = KeyRing.of([public], {"EdDSA": private})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        token = ring.sign({"exp": 1}, "EdDSA", "JWT")
        assert ring.read(token, "JWT") == {"exp": 1}
    assert jws.extract_compact(token.encode()).protected["alg"] == "EdDSA"
