"""OpenID Connect Discovery 1.0 and RFC 8414: the metadata say what is on, and nothing else."""

from authlib.oauth2.rfc8414 import AuthorizationServerMetadata
from authlib.oidc.discovery import OpenIDProviderMetadata

from tests.identity.conftest import World
from tests.identity.party import ISSUER


async def test_both_documents_are_valid_and_agree(world: World) -> None:
    http = world.http()
    openid = (await http.get("/.well-known/openid-configuration")).json()
    oauth = (await http.get("/.well-known/oauth-authorization-server")).json()
    assert openid == oauth
    assert openid["issuer"] == ISSUER
    OpenIDProviderMetadata(openid).validate()
    AuthorizationServerMetadata(oauth).validate()


async def test_addresses_come_from_the_issuer_not_from_the_request(world: World) -> None:
    http = world.http()
    headers = {"Host": "evil.example", "X-Forwarded-Host": "evil.example", "Forwarded": "host=evil.example"}
    answer = await http.get("/.well-known/openid-configuration", headers=headers)
    assert "evil.example" not in answer.text
    found = answer.json()
    for name, value in found.items():
        if name.endswith(("_endpoint", "_uri")):
            assert value.startswith(ISSUER + "/")


async def test_what_is_said_is_so(world: World) -> None:
    http = world.http()
    found = (await http.get("/.well-known/openid-configuration")).json()
    assert found["response_types_supported"] == ["code"]
    assert found["code_challenge_methods_supported"] == ["S256"]
    assert found["id_token_signing_alg_values_supported"][0] == "RS256"
    assert "none" not in found["id_token_signing_alg_values_supported"]
    assert set(found["grant_types_supported"]) == {"authorization_code", "refresh_token", "client_credentials"}
    assert found["backchannel_logout_supported"] is True
    assert found["prompt_values_supported"] == ["none", "login", "consent", "select_account"]
    assert found["authorization_response_iss_parameter_supported"] is True
    for name in ("authorization_endpoint", "end_session_endpoint", "userinfo_endpoint", "jwks_uri"):
        assert (await http.get(found[name])).status_code in (200, 400, 401)
    keys = (await http.get("/jwks")).json()["keys"]
    assert {key["alg"] for key in keys} == {"RS256", "ES256", "PS256", "EdDSA"}
