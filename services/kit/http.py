"""HTTP the same way in every service: limits, problem details (RFC 9457), traces, metrics, lists by keyset."""

import base64
import json
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, Generic, TypeVar
from urllib.parse import parse_qsl

import orjson
from fastapi import APIRouter, Depends, FastAPI, Header, Query, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Match, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.kit.database import is_outage
from services.kit.errors import (
    FieldProblem,
    Invalid,
    Kind,
    Malformed,
    PreconditionFailed,
    PreconditionRequired,
    TongbanError,
    TooLarge,
    Unavailable,
)
from services.kit.idempotency import checked_key
from services.kit.telemetry import begin_trace, cause_of, log, metrics, trace_id

if TYPE_CHECKING:
    from services.kit.auth import TokenVerifier
    from services.kit.service import Context

T = TypeVar("T")
MAX_JSON_BYTES = 1024 * 1024
MAX_PAGE = 100
PROBLEM = "application/problem+json"
WELL_KNOWN = "/.well-known/oauth-protected-resource"
"""RFC 9728 §3.1. A front that serves us below a path leads here from its own well-known address for that path."""


class Page(BaseModel, Generic[T]):
    """One page of a list and the cursor of the next, null at the end."""

    items: list[T]
    next: str | None = None


class ProblemDetails(BaseModel):
    """RFC 9457."""

    type: str
    title: str
    status: int
    detail: str | None = None
    errors: list[dict[str, Any]] | None = None
    trace_id: str | None = None


class Keyset(BaseModel):
    """Where a page of a list begins: `after` is the last row's sort key of the page before."""

    after: list[Any] | None = None
    limit: int = Field(default=20, ge=1, le=MAX_PAGE)

    def page(self, rows: Sequence[Any], key: Any) -> tuple[Sequence[Any], str | None]:
        """Cut `rows` (fetched with `limit + 1`) to a page; `key(row)` gives the sort key for the cursor."""
        shown = rows[: self.limit]
        return shown, encode_cursor(key(shown[-1])) if len(rows) > self.limit else None


def encode_cursor(key: Sequence[Any]) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(list(key))).decode().rstrip("=")


def keyset(
    limit: Annotated[int, Query(ge=1, le=MAX_PAGE)] = 20,
    cursor: Annotated[str | None, Query(max_length=500, pattern=r"^[A-Za-z0-9_-]+$")] = None,
) -> Keyset:
    """Dependency: the `limit` and `cursor` query parameters."""
    if cursor is None:
        return Keyset(limit=limit)
    try:
        after = orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except ValueError:
        after = None
    if not isinstance(after, list) or not all(isinstance(part, str | int) and "\0" not in str(part) for part in after):
        raise Malformed("the cursor is not one that this list gave")
    return Keyset(after=after, limit=limit)


ListKeyset = Annotated[Keyset, Depends(keyset)]


def idempotency_key(idempotency_key: Annotated[str | None, Header(max_length=255)] = None) -> str:
    """Dependency: the required Idempotency-Key header."""
    return checked_key(idempotency_key)


IdempotencyKey = Annotated[str, Depends(idempotency_key)]


def etag(version: int) -> str:
    return f'"{version}"'


def if_match(if_match: Annotated[str | None, Header(max_length=100)] = None) -> int:
    """Dependency: the version that the client saw (RFC 9110 §13.1.1); required, strong."""
    if if_match is None:
        raise PreconditionRequired("send If-Match with the ETag that you read")
    value = if_match.strip()
    if not (value.startswith('"') and value.endswith('"') and value[1:-1].isascii() and value[1:-1].isdigit()):
        raise PreconditionFailed("If-Match holds no ETag of ours")
    return int(value[1:-1][:9])


IfMatch = Annotated[int, Depends(if_match)]


class _Api(FastAPI):
    """FastAPI whose document tells of problem details as they are sent, instead of FastAPI's own validation errors."""

    def openapi(self) -> dict[str, Any]:
        if self.openapi_schema is None:
            document = super().openapi()
            operations = [o for path in document["paths"].values() for o in path.values() if "responses" in o]
            for operation in operations:
                operation["responses"] = {
                    status: _as_problem(answer)
                    for status, answer in operation["responses"].items()
                    if not (status == "422" and "HTTPValidationError" in str(answer))
                }
            for name in ("HTTPValidationError", "ValidationError"):
                document.get("components", {}).get("schemas", {}).pop(name, None)
        return super().openapi()


def _as_problem(answer: dict[str, Any]) -> dict[str, Any]:
    content = answer.get("content", {})
    if content.get("application/json", {}).get("schema", {}).get("$ref", "").endswith("/ProblemDetails"):
        return answer | {"content": {PROBLEM: content["application/json"]}}
    return answer


class HotRoute(Route):
    """A route that a national system's load takes: matched before all others, handled without their dependencies.

    Its endpoint stands in a router as well, for the OpenAPI document.
    """

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        match, child = super().matches(scope)
        if match is Match.FULL:
            child["route"] = self
        return match, child


def api_app(
    context: "Context",
    *,
    title: str,
    routers: Sequence[APIRouter],
    verifier: "TokenVerifier | None" = None,
    hot: Sequence[HotRoute] = (),
    max_upload_bytes: int = 0,
    version: str = "1",
) -> FastAPI:
    """A service's HTTP application. Handlers find the context in `request.app.state.context`."""
    app = _Api(
        title=title,
        version=version,
        docs_url=None,
        redoc_url=None,
        openapi_url="/openapi.json",
        responses={"default": {"model": ProblemDetails, "description": "Problem details (RFC 9457)"}},
        separate_input_output_schemas=False,
        redirect_slashes=False,
    )
    app.state.context = context
    app.state.verifier = verifier
    app.router.routes[:0] = hot
    for router in routers:
        app.include_router(router)
    if verifier is not None and verifier.metadata:
        app.router.routes.append(Route(WELL_KNOWN, _resource_metadata))
    app.add_exception_handler(TongbanError, _on_error)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(HTTPException, _on_http)
    app.add_middleware(Edge, service=context.service, max_upload_bytes=max_upload_bytes)
    return app


def problem_response(error: TongbanError) -> Response:
    """The error as problem details with the headers that its status asks for."""
    body = error.problem()
    if trace_id():
        body["trace_id"] = trace_id()
    headers = {"Cache-Control": "no-store"}
    if error.kind is Kind.UNAUTHENTICATED:
        plain = 'Bearer error="invalid_token"' if error.detail else "Bearer"
        headers["WWW-Authenticate"] = error.challenge or plain
    if error.retry_after is not None or error.kind is Kind.UNAVAILABLE:
        headers["Retry-After"] = str(error.retry_after or 2)
    return Response(orjson.dumps(body), error.kind.status, headers, media_type=PROBLEM)


async def _resource_metadata(request: Request) -> Response:
    body = orjson.dumps(request.app.state.verifier.metadata)
    return Response(body, headers={"Cache-Control": "public, max-age=300"}, media_type="application/json")


async def _on_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, TongbanError)
    return problem_response(error)


async def _on_invalid(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    fields = []
    for problem in error.errors():
        where = [str(part) for part in problem["loc"]]
        if where and where[0] in ("body", "query", "path", "header"):
            where = where[1:] or where
        fields.append(FieldProblem(".".join(where), problem["type"], problem["msg"][:300]))
    if any(problem.reason == "json_invalid" for problem in fields):
        return problem_response(Malformed("the body is no valid JSON"))
    return problem_response(Invalid(fields=fields))


async def _on_http(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    kinds = {kind.status: kind for kind in Kind}
    found = kinds.get(error.status_code, Kind.MALFORMED)
    words = {"kind": found, "slug": found.value, "title": str(error.detail)[:100]}
    response = problem_response(type("HttpError", (TongbanError,), words)())
    response.headers.update(error.headers or {})
    return response


class Edge:
    """Outermost layer: trace, size and encoding limits, metrics, and a clean answer whatever breaks inside."""

    def __init__(self, app: ASGIApp, service: str, max_upload_bytes: int = 0) -> None:
        self.app = app
        self.service = service
        self.max_upload_bytes = max_upload_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        begin_trace(headers.get("traceparent"))
        began = time.perf_counter()
        status = 500
        started = False

        async def answer(message: Message) -> None:
            nonlocal status, started
            if message["type"] == "http.response.start":
                started = True
                status = message["status"]
                raw = message.setdefault("headers", [])
                names = {name for name, _ in raw}
                for name, value in ((b"x-content-type-options", b"nosniff"), (b"cache-control", b"no-store")):
                    if name not in names:
                        raw.append((name, value))
            await send(message)

        try:
            check_request(scope)
            limited = await limit_body(scope, headers, receive, self.max_upload_bytes)
            await self.app(scope, limited, answer)
        except TongbanError as error:
            if started:
                raise
            await problem_response(error)(scope, receive, answer)
        except Exception as error:
            if not is_outage(error):
                log.error("http.failed", path=_route(scope), cause=cause_of(error))
            else:
                log.warning("http.outage", path=_route(scope), cause=type(error).__name__)
            if started:
                raise
            failure = Unavailable("try again in a moment", retry_after=2) if is_outage(error) else _Broken()
            response = problem_response(failure)
            if isinstance(failure, _Broken):
                response.status_code = 500
            await response(scope, receive, answer)
        finally:
            labels = (self.service, scope["method"], _route(scope), str(status))
            metrics.http_seconds.labels(*labels).observe(time.perf_counter() - began)


class _Broken(TongbanError):
    kind, slug, title = Kind.CONFLICT, "internal-error", "Something broke on our side"

    def problem(self) -> dict[str, Any]:
        return super().problem() | {"status": 500}


def _route(scope: Scope) -> str:
    route = scope.get("route")
    return getattr(route, "path", "unmatched")


_SINGLE = frozenset({b"content-type", b"idempotency-key", b"if-match"})
"""Headers of which a second one would be passed over in silence."""


def check_request(scope: Scope) -> None:
    """Refuse what no handler should see: non-UTF-8, NUL, a parameter or header given twice. Raises Malformed."""
    single = [name for name, _ in scope["headers"] if name in _SINGLE]
    if len(set(single)) != len(single):
        raise Malformed("a header is given twice")
    query = scope.get("query_string", b"")
    try:
        pairs = parse_qsl(query.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=100)
        scope["path"].encode()
    except (UnicodeError, ValueError):
        raise Malformed("path and query must be UTF-8") from None
    names = [name for name, _ in pairs]
    if len(set(names)) != len(names):
        raise Malformed("a query parameter is given twice")
    if "\0" in scope["path"] or any("\0" in name or "\0" in value for name, value in pairs):
        raise Malformed("NUL characters are not taken")


async def limit_body(scope: Scope, headers: Headers, receive: Receive, max_upload_bytes: int) -> Receive:
    """Read a JSON body whole and check it; let other bodies stream, counted. Raises TooLarge, Malformed."""
    kind = headers.get("content-type", "").split(";")[0].strip().lower()
    is_json = kind in ("application/json", "") or kind.endswith("+json")
    limit = MAX_JSON_BYTES if is_json else max(max_upload_bytes, MAX_JSON_BYTES)
    length = headers.get("content-length")
    if length is not None and (not length.isdigit() or int(length) > limit):
        raise TooLarge(f"at most {limit} bytes are taken here")
    if scope["method"] in ("GET", "HEAD"):
        return receive
    if not is_json:
        return _counted(receive, limit)
    body = b""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Malformed("the request ended early")
        body += message.get("body", b"")
        if len(body) > limit:
            raise TooLarge(f"at most {limit} bytes are taken here")
        if not message.get("more_body"):
            break
    if body:
        try:
            orjson.loads(body)
            json.loads(body, object_pairs_hook=_distinct)
        except (ValueError, RecursionError):
            raise Malformed("the body is no valid JSON in UTF-8, or names a member twice") from None
        if b"\\u0000" in body:
            raise Malformed("NUL characters are not taken")
    given = False

    async def replay() -> Message:
        nonlocal given
        if not given:
            given = True
            return {"type": "http.request", "body": body, "more_body": False}
        return await receive()

    return replay


def _distinct(pairs: list[tuple[str, Any]]) -> None:
    """Refuse a member named twice: parsers differ in which one they take (RFC 8259 §4)."""
    if len({name for name, _ in pairs}) != len(pairs):
        raise ValueError


def _counted(receive: Receive, limit: int) -> Receive:
    seen = 0

    async def count() -> Message:
        nonlocal seen
        message = await receive()
        if message["type"] == "http.request":
            seen += len(message.get("body", b""))
            if seen > limit:
                raise TooLarge(f"at most {limit} bytes are taken here")
        return message

    return count
