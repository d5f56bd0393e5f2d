"""Dynamic client registration (RFC 7591) and its management (RFC 7592), each call with its own bearer token."""

from collections.abc import Awaitable, Callable
from typing import Any

import orjson
from fastapi import APIRouter, Request
from starlette.responses import Response

from services.identity.api.reading import (
    MAX_BODY,
    NO_STORE,
    json_answer,
    oauth_error,
    one_authorization,
    provider_of,
)
from services.identity.errors import InvalidClientMetadata, InvalidToken, OAuthError, RequestTooLarge
from services.identity.handlers import registration
from services.kit.errors import TooLarge
from services.kit.pages import read_body

router = APIRouter(tags=["registration"])
_URIS = {"type": "array", "items": {"type": "string"}}
_SCHEMA = {
    "type": "object",
    "properties": {
        "client_name": {"type": "string"},
        "redirect_uris": _URIS,
        "grant_types": {"type": "array", "items": {"enum": ["authorization_code", "refresh_token"]}},
        "token_endpoint_auth_method": {"type": "string"},
        "jwks": {"type": "object"},
        "scope": {"type": "string"},
    },
    "required": ["redirect_uris"],
}
_METADATA = {"requestBody": {"required": True, "content": {"application/json": {"schema": _SCHEMA}}}}


@router.post("/register", summary="Registration (RFC 7591 §3)", status_code=201, openapi_extra=_METADATA)
async def register(request: Request) -> Response:
    async def act(token: str) -> Response:
        return json_answer(await registration.register(provider_of(request), await _metadata(request), token), 201)

    return await _with_token(request, act)


@router.get("/register/{client_id}", summary="What is registered (RFC 7592 §2.1)")
async def read(request: Request, client_id: str) -> Response:
    async def act(token: str) -> Response:
        return json_answer(await registration.read(provider_of(request), client_id, token))

    return await _with_token(request, act)


@router.put("/register/{client_id}", summary="Other metadata (RFC 7592 §2.2)", openapi_extra=_METADATA)
async def update(request: Request, client_id: str) -> Response:
    async def act(token: str) -> Response:
        metadata = await _metadata(request)
        return json_answer(await registration.update(provider_of(request), client_id, metadata, token))

    return await _with_token(request, act)


@router.delete("/register/{client_id}", summary="The client goes (RFC 7592 §2.3)", status_code=204)
async def remove(request: Request, client_id: str) -> Response:
    async def act(token: str) -> Response:
        await registration.remove(provider_of(request), client_id, token)
        return Response(status_code=204, headers=NO_STORE)

    return await _with_token(request, act)


async def _with_token(request: Request, act: Callable[[str], Awaitable[Response]]) -> Response:
    """What `act` answers to the bearer token, which comes in the header alone (RFC 6750 §2.1)."""
    try:
        scheme, _, token = (one_authorization(request) or "").partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            # RFC 6750 §3.1: without any credentials no error code is told.
            return Response(status_code=401, headers=NO_STORE | {"WWW-Authenticate": 'Bearer realm="tongban"'})
        return await act(token.strip())
    except OAuthError as error:
        answer = oauth_error(error)
        if isinstance(error, InvalidToken):
            told = f'error="{error.code}", error_description="{error.description}"'
            answer.headers["WWW-Authenticate"] = f'Bearer realm="tongban", {told}'
        return answer


async def _metadata(request: Request) -> dict[str, Any]:
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise InvalidClientMetadata("send application/json")
    try:
        found = orjson.loads(await read_body(request, MAX_BODY))
    except TooLarge:
        raise RequestTooLarge(f"at most {MAX_BODY} bytes") from None
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise InvalidClientMetadata("send a JSON object")
    return found
