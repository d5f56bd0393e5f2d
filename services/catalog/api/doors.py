"""What the doors share: a unit of work for each request, who calls, ids."""

from typing import Annotated

from fastapi import Depends, Path, Query, Request

from services.catalog.store.work import Work
from services.kit import http
from services.kit.auth import Officer


def _work(request: Request) -> Work:
    return Work(request.app.state.context)


def _reading(request: Request) -> Work:
    return Work(request.app.state.context, readonly=True)


Writing = Annotated[Work, Depends(_work)]
Reading = Annotated[Work, Depends(_reading)]
Seen = Annotated[int, Depends(http.if_match)]
"""The version that the caller saw (RFC 9110 §13.1.1)."""
Staff = Officer
"""A signed-in officer. Roles: `editor` writes drafts for an organisation, `reviewer` approves them, `registrar` keeps
organisations and registers, decides appeals, suspends and rolls back."""

Id = Annotated[str, Path(pattern=r"^[0-9a-f]{32}$", description="id, 32 hexadecimal digits")]
Code = Annotated[str, Path(max_length=128, description="Item code (事项编码)")]
Version = Annotated[int, Path(ge=1, le=2**31 - 1)]
Division = Annotated[str | None, Query(pattern=r"^\d{12}$", description="12-digit division code (GB/T 2260)")]
