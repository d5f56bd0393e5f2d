"""What the doors share: a unit of work for each request, who calls, ids."""

import re
from typing import Annotated, Final

from fastapi import Depends, Path, Query, Request
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from services.catalog.domain.texts import PROBLEMS, cleaned, text_problem
from services.catalog.store.work import Work
from services.kit import http
from services.kit.auth import Officer
from services.kit.errors import Malformed
from services.kit.http import Keyset

LONGEST_REASON: Final = 1000


class Body(BaseModel):
    """Base of every question: strict about unknown members."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _said(text: str) -> str:
    found, _ = cleaned(text, lines=True)
    if not found:
        raise ValueError("empty")
    if problem := text_problem(found, LONGEST_REASON, lines=True):
        raise ValueError(PROBLEMS[problem].format(longest=LONGEST_REASON))
    return found


Reason = Annotated[str, Field(max_length=2 * LONGEST_REASON), AfterValidator(_said)]
"""Why, in words of people: set right where there is no doubt, 1 to 1000 characters, nothing invisible, no HTML."""


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

_ID = re.compile(r"[0-9a-f]{32}")


def after_id(keyset: Keyset) -> str | None:
    """Where a list by id goes on. Raises Malformed for a cursor that it did not give."""
    match keyset.after:
        case None:
            return None
        case [str(last)] if _ID.fullmatch(last):
            return last
    raise Malformed("the cursor is not one that this list gave")


def after_number(keyset: Keyset) -> int | None:
    """Where a list by number goes on. Raises Malformed for a cursor that it did not give."""
    match keyset.after:
        case None:
            return None
        case [int(last)] if not isinstance(last, bool) and 0 <= last < 2**63:
            return last
    raise Malformed("the cursor is not one that this list gave")
