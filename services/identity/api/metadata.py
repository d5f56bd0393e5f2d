"""Discovery (OpenID Connect Discovery 1.0, RFC 8414) and the JWKS. They say what is on, and nothing else."""

from functools import cache
from typing import Any

import orjson
from authlib.oidc.discovery import OpenIDProviderMetadata
from fastapi import APIRouter, Request
from starlette.responses import Response

from services.identity.api.reading import provider_of
from services.identity.domain.checks.prompt import PROMPTS
from services.identity.domain.checks.response_mode import RESPONSE_MODES
from services.identity.domain.clients import (
    ASSERTION_ALGORITHMS,
    CONTENT_ENCRYPTIONS,
    KEY_ENCRYPTIONS,
    SCOPES,
    SECRET_METHODS,
    SIGNING_ALGORITHMS,
)
from services.identity.domain.person import PERSON_CLAIMS
from services.identity.domain.sessions import ACR
from services.kit.dpop import ALGORITHMS

router = APIRouter(tags=["metadata"])
CLAIMS = ("sub", "iss", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr", "azp", "at_hash", "sid")
_SHORT = {"Cache-Control": "public, max-age=60"}


def document(issuer: str) -> dict[str, Any]:
    """The metadata of the provider at `issuer`; every address comes from there, never from a request."""
    authentication = ["private_key_jwt", *SECRET_METHODS]
    algorithms = list(ASSERTION_ALGORITHMS)
    found: dict[str, Any] = {
        "issuer": issuer,
        "authorization_endpoint": f"{issuer}/authorize",
        "token_endpoint": f"{issuer}/token",
        "userinfo_endpoint": f"{issuer}/userinfo",
        "jwks_uri": f"{issuer}/jwks",
        "pushed_authorization_request_endpoint": f"{issuer}/par",
        "require_pushed_authorization_requests": False,
        "revocation_endpoint": f"{issuer}/revoke",
        "introspection_endpoint": f"{issuer}/introspect",
        "end_session_endpoint": f"{issuer}/logout",
        "registration_endpoint": f"{issuer}/register",
        "scopes_supported": list(SCOPES),
        "response_types_supported": ["code"],
        "response_modes_supported": list(RESPONSE_MODES),
        "grant_types_supported": ["authorization_code", "refresh_token", "client_credentials"],
        "subject_types_supported": ["public", "pairwise"],
        "id_token_signing_alg_values_supported": list(SIGNING_ALGORITHMS),
        "id_token_encryption_alg_values_supported": list(KEY_ENCRYPTIONS),
        "id_token_encryption_enc_values_supported": list(CONTENT_ENCRYPTIONS),
        "userinfo_signing_alg_values_supported": list(SIGNING_ALGORITHMS),
        "userinfo_encryption_alg_values_supported": list(KEY_ENCRYPTIONS),
        "userinfo_encryption_enc_values_supported": list(CONTENT_ENCRYPTIONS),
        "introspection_signing_alg_values_supported": list(SIGNING_ALGORITHMS),
        "acr_values_supported": [ACR],
        "token_endpoint_auth_methods_supported": [*authentication, "none"],
        "token_endpoint_auth_signing_alg_values_supported": algorithms,
        "revocation_endpoint_auth_methods_supported": [*authentication, "none"],
        "revocation_endpoint_auth_signing_alg_values_supported": algorithms,
        "introspection_endpoint_auth_methods_supported": authentication,
        "introspection_endpoint_auth_signing_alg_values_supported": algorithms,
        "claims_supported": [*CLAIMS, *PERSON_CLAIMS],
        "claims_parameter_supported": True,
        "request_parameter_supported": True,
        "request_object_signing_alg_values_supported": algorithms,
        "require_signed_request_object": False,
        "request_uri_parameter_supported": False,
        "code_challenge_methods_supported": ["S256"],
        "dpop_signing_alg_values_supported": list(ALGORITHMS),
        "prompt_values_supported": list(PROMPTS),
        "ui_locales_supported": ["zh-CN", "en"],
        "authorization_response_iss_parameter_supported": True,
        "backchannel_logout_supported": True,
        "backchannel_logout_session_supported": True,
        "frontchannel_logout_supported": True,
        "frontchannel_logout_session_supported": True,
    }
    return found


def check_document(found: dict[str, Any]) -> None:
    """Hold our metadata to what Authlib knows of the specifications. Raises ValueError."""
    if found["issuer"].startswith("https://"):
        OpenIDProviderMetadata(found).validate()


@cache
def _body(issuer: str, certificates: bool) -> bytes:
    found = document(issuer)
    if certificates:
        found["tls_client_certificate_bound_access_tokens"] = True  # RFC 8705 §3.3
    return orjson.dumps(found)


async def _metadata(request: Request) -> Response:
    settings = provider_of(request).settings
    body = _body(settings.issuer, bool(settings.client_certificate_header))
    return Response(body, headers=_SHORT, media_type="application/json")


@router.get("/.well-known/openid-configuration", summary="OpenID Connect Discovery 1.0 §4")
async def openid_configuration(request: Request) -> Response:
    return await _metadata(request)


@router.get("/.well-known/oauth-authorization-server", summary="RFC 8414 §3")
async def authorization_server(request: Request) -> Response:
    return await _metadata(request)


@router.get("/jwks", summary="Public keys (RFC 7517 §5)")
async def jwks(request: Request) -> Response:
    ring = await provider_of(request).keys.ring()
    return Response(ring.jwks, headers=_SHORT, media_type="application/jwk-set+json")
