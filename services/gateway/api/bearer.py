"""The API edge: /api/{service}/… handed on with the caller's own access token; cookies count for nothing here.

The service verifies the token itself and what it is bound to (DPoP proof, client certificate); the gateway adds limits
and one address for everything.
"""

import time
from collections.abc import AsyncIterator, Mapping
from typing import Any

import httpx
import orjson
from fastapi import APIRouter, Request
from starlette.background import BackgroundTask
from starlette.responses import Response, StreamingResponse

from services.contracts.document import asyncapi
from services.gateway.clients import ServiceClient
from services.gateway.errors import ServiceAway
from services.kit import certificates
from services.kit.auth import challenge
from services.kit.errors import NotFound, TooMany, Unauthenticated
from services.kit.http import WELL_KNOWN
from services.kit.telemetry import log, traceparent

PASSED_ON = (
    "accept",
    "accept-language",
    "authorization",
    "content-type",
    "content-disposition",
    "idempotency-key",
    "if-match",
    "if-none-match",
)
PASSED_BACK = (
    "content-type",
    "content-disposition",
    "content-language",
    "content-security-policy",
    "etag",
    "location",
    "repr-digest",
    "retry-after",
    "www-authenticate",
    "cache-control",
)
DESCRIBED_SECONDS = 60
METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]
router = APIRouter()


@router.get("/api/asyncapi.json", include_in_schema=False)
async def events() -> Response:
    """The AsyncAPI document of all topics, made from the contracts; for anybody."""
    return _json(asyncapi())


@router.get("/api/{service}/openapi.json", include_in_schema=False)
async def document(service: str, request: Request) -> Response:
    """The service's OpenAPI document, with this edge as its server; for anybody."""
    client = _service(request, service)
    http: httpx.AsyncClient = request.app.state.http
    try:
        answer = await http.get(f"{client.base_url}/openapi.json")
        answer.raise_for_status()
        found = answer.json()
    except (httpx.HTTPError, ValueError) as error:
        raise _away(service, error) from None
    return _json(found | {"servers": [{"url": f"/api/{service}"}]})


@router.get("/.well-known/oauth-protected-resource/api/{service}", include_in_schema=False)
async def described(service: str, request: Request) -> Response:
    """The service's protected resource metadata (RFC 9728 §3.1), if it has a public address; for anybody."""
    found = await _described(request, _service(request, service))
    if not found:
        raise NotFound("this service says nothing of itself")
    return _json(found)


@router.api_route("/api/{service}/{path:path}", methods=METHODS, include_in_schema=False)
async def hand_on(service: str, path: str, request: Request) -> Response:
    """Hand one call on. Raises Unauthenticated without an access token, NotFound for another service."""
    if refused := getattr(request.state, "refused", None):
        assert isinstance(refused, TooMany)
        raise refused
    client = _service(request, service)
    authorization = request.headers.getlist("authorization")
    if len(authorization) != 1 or not authorization[0].lower().startswith(("bearer ", "dpop ")):
        error = Unauthenticated()
        error.challenge = challenge((await _described(request, client)).get("resource", ""), error)
        raise error
    if any(part in ("", ".", "..") for part in path.split("/")):
        raise NotFound("no such path")
    http: httpx.AsyncClient = request.app.state.http
    headers = [(name, request.headers[name]) for name in PASSED_ON if name in request.headers]
    headers += [("traceparent", traceparent()), *(("dpop", proof) for proof in request.headers.getlist("dpop"))]
    if certificate := certificates.told(request.scope):
        headers.append((request.app.state.certificate_header, certificate))
    # The path as it came, still quoted: what means one segment here must mean one there.
    raw = request.scope["raw_path"].decode("ascii").partition("?")[0].removeprefix(f"/api/{service}")
    query = request.scope["query_string"].decode("ascii")
    address = client.base_url + raw + (f"?{query}" if query else "")
    has_body = request.method in ("POST", "PUT", "PATCH") or "content-length" in request.headers
    content = request.stream() if has_body else None
    try:
        answer = await http.send(
            http.build_request(request.method, address, headers=headers, content=content), stream=True
        )
    except httpx.HTTPError as error:
        raise _away(service, error) from None
    passed: Mapping[str, str] = {name: answer.headers[name] for name in PASSED_BACK if name in answer.headers}
    return StreamingResponse(
        _body(answer), answer.status_code, headers=dict(passed), background=BackgroundTask(answer.aclose)
    )


async def _body(answer: httpx.Response) -> AsyncIterator[bytes]:
    async for part in answer.aiter_bytes():
        yield part


async def _described(request: Request, client: ServiceClient) -> dict[str, Any]:
    """What the service says of itself as a protected resource; empty where it says nothing. Read once a minute."""
    known: dict[str, tuple[float, dict[str, Any]]] = request.app.state.described
    until, found = known.get(client.name, (0.0, {}))
    if time.monotonic() >= until:
        http: httpx.AsyncClient = request.app.state.http
        try:
            answer = await http.get(client.base_url + WELL_KNOWN)
            found = answer.json() if answer.status_code == 200 else {}
        except (httpx.HTTPError, ValueError) as error:
            log.warning("service.away", service_called=client.name, cause=type(error).__name__)
        known[client.name] = time.monotonic() + DESCRIBED_SECONDS, found
    return found


def _service(request: Request, name: str) -> ServiceClient:
    services: Mapping[str, ServiceClient] = request.app.state.services
    if name not in services:
        raise NotFound("no such service")
    return services[name]


def _away(service: str, error: Exception) -> ServiceAway:
    log.warning("service.away", service_called=service, cause=type(error).__name__)
    return ServiceAway(f"{service} did not answer", retry_after=2)


def _json(value: object) -> Response:
    return Response(orjson.dumps(value), media_type="application/json")
