"""Endpoints that clients call directly: token, pushed requests, revocation, introspection, userinfo."""

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from services.identity.api.reading import (
    FORM,
    INTROSPECTION_JWT,
    JWT,
    NO_STORE,
    accepts,
    answer_of,
    form_parameters,
    json_answer,
    oauth_error,
    one_authorization,
    provider_of,
)
from services.identity.api.senders import DPOP_CHALLENGE, shown_by, with_nonce
from services.identity.errors import InvalidDpopProof, InvalidRequest, OAuthError
from services.identity.handlers import inspect, requests
from services.identity.handlers import token as tokens

router = APIRouter(tags=["back channel"])
MAX_TOKEN = 16 * 1024


def _form(*required: str) -> dict[str, Any]:
    properties = {name: {"type": "string"} for name in ("client_id", "client_assertion_type", "client_assertion")}
    properties |= {name: {"type": "string"} for name in required}
    schema = {"type": "object", "properties": properties, "required": list(required)}
    return {"requestBody": {"required": True, "content": {FORM: {"schema": schema}}}}


@router.post("/token", summary="Token endpoint (RFC 6749 §3.2)", openapi_extra=_form("grant_type"))
async def token(request: Request) -> Response:
    try:
        parameters = await form_parameters(request)
        authorization = one_authorization(request)
        found = await tokens.token(provider_of(request), parameters, authorization, shown_by(request))
        return with_nonce(request, json_answer(found))
    except OAuthError as error:
        return with_nonce(request, oauth_error(error), error)


@router.post("/par", summary="Pushed authorization requests (RFC 9126 §2)", openapi_extra=_form())
async def push(request: Request) -> Response:
    try:
        parameters = await form_parameters(request)
        authorization = one_authorization(request)
        found = await requests.push(provider_of(request), parameters, authorization, shown_by(request))
        return with_nonce(request, json_answer(found, 201))
    except OAuthError as error:
        return with_nonce(request, oauth_error(error), error)


@router.post("/revoke", summary="Revocation (RFC 7009)", openapi_extra=_form("token"))
async def revoke(request: Request) -> Response:
    try:
        parameters = await form_parameters(request)
        await inspect.revoke(provider_of(request), parameters, one_authorization(request))
    except OAuthError as error:
        return oauth_error(error)
    return Response(status_code=200, headers=NO_STORE)


@router.post("/introspect", summary="Introspection (RFC 7662, RFC 9701)", openapi_extra=_form("token"))
async def introspect(request: Request) -> Response:
    try:
        parameters = await form_parameters(request)
        signed = accepts(request, INTROSPECTION_JWT)
        answer = await inspect.introspect(provider_of(request), parameters, one_authorization(request), signed=signed)
        return answer_of(answer, INTROSPECTION_JWT)
    except OAuthError as error:
        return oauth_error(error)


@router.get("/userinfo", summary="UserInfo (OpenID Connect Core §5.3)")
async def userinfo(request: Request) -> Response:
    return await _userinfo(request)


@router.post("/userinfo", summary="UserInfo by POST", openapi_extra={"requestBody": {"content": {FORM: {}}}})
async def userinfo_by_post(request: Request) -> Response:
    return await _userinfo(request)


async def _userinfo(request: Request) -> Response:
    scheme = "bearer"
    try:
        found = await _access_token(request)
        if found is None:
            # RFC 6750 §3.1: without any credentials no error code is told.
            return Response(status_code=401, headers=NO_STORE | {"WWW-Authenticate": f"Bearer, {DPOP_CHALLENGE}"})
        scheme, token = found
        claims = await inspect.userinfo(provider_of(request), token, scheme, shown_by(request))
        return with_nonce(request, answer_of(claims, JWT))
    except OAuthError as error:
        answer = oauth_error(error)
        if isinstance(error, InvalidDpopProof):
            answer.status_code = 401  # RFC 9449 §7.1
        # RFC 6750 §3 and §3.1: whatever was wrong with the token, the challenge says so.
        told = f'error="{error.code}", error_description="{error.description}"'
        challenge = f"{DPOP_CHALLENGE}, {told}" if scheme == "dpop" else f"Bearer {told}"
        answer.headers["WWW-Authenticate"] = challenge
        return with_nonce(request, answer, error)


async def _access_token(request: Request) -> tuple[str, str] | None:
    """Scheme and access token, from the header (RFC 6750 §2.1, RFC 9449 §7.1) or a form (RFC 6750 §2.2), never from
    the query.
    """
    found, scheme = [], "bearer"
    header = one_authorization(request)
    if header is not None:
        scheme, _, value = header.partition(" ")
        scheme = scheme.lower()
        if scheme not in ("bearer", "dpop"):
            return None  # another way to authenticate is none (RFC 6750 §3.1)
        if not value.strip():
            raise InvalidRequest("the Authorization header holds no token")
        found.append(value.strip())
    if request.method == "POST" and request.headers.get("content-type", "").lower().startswith(FORM):
        parameters = await form_parameters(request)
        if parameters.repeated:
            raise InvalidRequest("a parameter is given more than once")
        if "access_token" in parameters:
            found.append(parameters["access_token"])
    if len(found) > 1:
        raise InvalidRequest("the access token is sent in two ways")
    if found and len(found[0]) > MAX_TOKEN:
        raise InvalidRequest("the access token is too long")
    return (scheme, found[0]) if found else None
