"""What the doors share: a unit of work for each request, ids, streams and how files are sent."""

import base64
import contextlib
import re
from datetime import date
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import Depends, Header, Path, Request
from starlette.responses import Response, StreamingResponse

from services.cases.domain.dossier import StoredFile
from services.cases.handlers.pages import content_security_policy
from services.cases.store.work import CasesContext, Work
from services.kit import http
from services.kit.errors import Malformed
from services.kit.http import Keyset

Id = Annotated[str, Path(pattern=r"^[0-9a-f]{32}$", description="id, 32 hexadecimal digits")]
_ID = re.compile(r"[0-9a-f]{32}")
PlainId = Annotated[str, Path(min_length=1, max_length=100, description="id as the item's version gives it")]


FILE: dict[int | str, dict[str, Any]] = {
    200: {"description": "The file", "content": {"*/*": {"schema": {"type": "string", "format": "binary"}}}}
}
"""What a door that sends a file says of its answer in OpenAPI."""


def seen_if_told(if_match: Annotated[str | None, Header(max_length=100)] = None) -> int | None:
    """Dependency: the version that the client saw, where it says so (RFC 9110 §13.1.1): no If-Match, no condition."""
    return None if if_match is None else http.if_match(if_match)


SeenIfTold = Annotated[int | None, Depends(seen_if_told)]


def context_of(request: Request) -> CasesContext:
    """The service's context."""
    context: CasesContext = request.app.state.context
    return context


def _work(request: Request) -> Work:
    return Work(context_of(request))


def _reading(request: Request) -> Work:
    return Work(context_of(request), readonly=True)


Writing = Annotated[Work, Depends(_work)]
Reading = Annotated[Work, Depends(_reading)]


def after_id(keyset: Keyset) -> str | None:
    """Where a list by id goes on. Raises Malformed for a cursor that it did not give."""
    if keyset.after is None:
        return None
    if len(keyset.after) == 1 and isinstance(keyset.after[0], str) and _ID.fullmatch(keyset.after[0]):
        return keyset.after[0]
    raise Malformed("the cursor is not one that this list gave")


def after_task(keyset: Keyset) -> tuple[date, str] | None:
    """Where a queue by urgency goes on. Raises Malformed for a cursor that it did not give."""
    if keyset.after is None:
        return None
    if len(keyset.after) == 2 and all(isinstance(part, str) for part in keyset.after):
        with contextlib.suppress(ValueError):
            day, case_id = date.fromisoformat(keyset.after[0]), keyset.after[1]
            if _ID.fullmatch(case_id):
                return day, case_id
    raise Malformed("the cursor is not one that this list gave")


def send_file(work: Work, file: StoredFile) -> StreamingResponse:
    """A file as a response: decrypted as it streams, never sniffed, never run."""
    headers = _headers(file, "default-src 'none'; sandbox")
    return StreamingResponse(work.context.storage.get(file.path), headers=headers, media_type=file.media_type)


def send_result(file: StoredFile, content: bytes) -> Response:
    """A decision's page with the digest that seals it (RFC 9530)."""
    digest = base64.b64encode(bytes.fromhex(file.sha256)).decode()
    headers = _headers(file, content_security_policy()) | {"Repr-Digest": f"sha-256=:{digest}:"}
    return Response(content, headers=headers, media_type=f"{file.media_type}; charset=utf-8")


def _headers(file: StoredFile, policy: str) -> dict[str, str]:
    return {
        "Content-Length": str(file.size),
        "Content-Disposition": f"inline; filename*=UTF-8''{quote(file.name)}",
        "Content-Security-Policy": policy,
        "Cache-Control": "private, no-store",
    }
