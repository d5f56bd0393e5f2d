"""The OpenID Foundation's plan for Config OP, and what the logout and FAPI 2.0 plans ask of the same document."""

import re
from typing import Any

import pytest

from tests.identity.conftest import World
from tests.identity.party import ISSUER

pytestmark = pytest.mark.parametrize("copied_url", ["sqlite"], indirect=True)
KNOWN = set(
    re.findall(
        r"\S+",
        """
        issuer authorization_endpoint token_endpoint jwks_uri registration_endpoint scopes_supported
        response_types_supported response_modes_supported grant_types_supported token_endpoint_auth_methods_supported
        token_endpoint_auth_signing_alg_values_supported service_documentation ui_locales_supported op_policy_uri
        op_tos_uri revocation_endpoint revocation_endpoint_auth_methods_supported
        revocation_endpoint_auth_signing_alg_values_supported introspection_endpoint
        introspection_endpoint_auth_methods_supported introspection_endpoint_auth_signing_alg_values_supported
        code_challenge_methods_supported userinfo_endpoint end_session_endpoint check_session_iframe
        subject_types_supported id_token_signing_alg_values_supported id_token_encryption_alg_values_supported
        id_token_encryption_enc_values_supported userinfo_signing_alg_values_supported
        userinfo_encryption_alg_values_supported userinfo_encryption_enc_values_supported
        request_object_signing_alg_values_supported request_object_encryption_alg_values_supported
        request_object_encryption_enc_values_supported display_values_supported claim_types_supported claims_supported
        claims_locales_supported claims_parameter_supported request_parameter_supported request_uri_parameter_supported
        require_request_uri_registration acr_values_supported frontchannel_logout_supported
        frontchannel_logout_session_supported backchannel_logout_supported backchannel_logout_session_supported
        dpop_signing_alg_values_supported pushed_authorization_request_endpoint require_pushed_authorization_requests
        require_signed_request_object authorization_response_iss_parameter_supported mtls_endpoint_aliases
        tls_client_certificate_bound_access_tokens introspection_signing_alg_values_supported
        introspection_encryption_alg_values_supported introspection_encryption_enc_values_supported
        prompt_values_supported protected_resources signed_metadata
        """,
    )
)
"""Members of RFC 8414, Discovery and their extensions that this provider may use. The suite warns of any other."""
FAPI2 = {"PS256", "ES256", "EdDSA"}


async def document(world: World) -> dict[str, Any]:
    answer = await world.http().get("/.well-known/openid-configuration")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("application/json")
    found: dict[str, Any] = answer.json()
    return found


async def test_discovery(world: World) -> None:
    """oidcc-discovery-endpoint-verification."""
    found = await document(world)
    assert found.keys() <= KNOWN, found.keys() - KNOWN
    assert found["issuer"] == ISSUER
    endpoints = {name: value for name, value in found.items() if name.endswith("_endpoint") or name == "jwks_uri"}
    assert all(value.startswith("https://") for value in endpoints.values())
    assert {"authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri"} <= endpoints.keys()
    for name, value in found.items():
        if name.endswith("_supported") and not isinstance(value, bool):
            assert value and all(isinstance(word, str) and word for word in value), name
            assert len(value) == len(set(value)), name
    assert "code" in found["response_types_supported"]
    assert "RS256" in found["id_token_signing_alg_values_supported"]
    assert set(found["subject_types_supported"]) <= {"public", "pairwise"}
    assert "openid" in found["scopes_supported"]
    assert {"authorization_code", "refresh_token"} <= set(found["grant_types_supported"])
    assert {"client_secret_basic", "client_secret_post"} <= set(found["token_endpoint_auth_methods_supported"])
    assert found["claims_parameter_supported"] is True
    # Warned of where the member is there without RS256 (Discovery §3).
    assert "RS256" in found.get("request_object_signing_alg_values_supported", ["RS256"])
    # BCP 47: language in lower case, region in upper case.
    assert all(re.fullmatch(r"[a-z]{2,3}(-[A-Z][a-z]{3})?(-[A-Z]{2})?", tag) for tag in found["ui_locales_supported"])


async def test_keys(world: World) -> None:
    """ValidateServerJWKs of every plan; FAPI2FinalEnsureMinimumServerKeyLength."""
    keys = (await world.http().get("/jwks")).json()["keys"]
    assert len({key["kid"] for key in keys}) == len(keys)
    for key in keys:
        assert key.keys() <= {"kty", "kid", "use", "alg", "n", "e", "crv", "x", "y"}
        if key["kty"] == "RSA":
            assert len(key["n"]) * 6 >= 2048
    assert {key["alg"] for key in keys} >= {"RS256", "ES256"}


async def test_logout_plans(world: World) -> None:
    """oidcc-rp-initiated-logout-, -backchannel-logout-, -frontchannel-logout-discovery-endpoint-verification."""
    found = await document(world)
    assert found["end_session_endpoint"].startswith("https://")
    for channel in ("backchannel", "frontchannel"):
        assert found[f"{channel}_logout_supported"] is True
        assert found[f"{channel}_logout_session_supported"] is True


async def test_fapi2_plan(world: World) -> None:
    """fapi2-security-profile-final-discovery-end-point-verification."""
    found = await document(world)
    assert found["authorization_response_iss_parameter_supported"] is True
    assert found["pushed_authorization_request_endpoint"].startswith("https://")
    assert isinstance(found.get("require_pushed_authorization_requests", False), bool)
    assert "private_key_jwt" in found["token_endpoint_auth_methods_supported"]
    assert (
        "S256" in found["code_challenge_methods_supported"] and "plain" not in found["code_challenge_methods_supported"]
    )
    for name in (
        "id_token_signing_alg_values_supported",
        "token_endpoint_auth_signing_alg_values_supported",
        "dpop_signing_alg_values_supported",
        "userinfo_signing_alg_values_supported",
    ):
        assert FAPI2 & set(found.get(name, FAPI2)), name
