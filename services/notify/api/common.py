"""What the routes share: the unit of work of a request, the shape of ids."""

from typing import Annotated

from fastapi import Depends, Path, Request

from services.kit.errors import Malformed
from services.kit.http import Keyset
from services.notify.handlers import Work


def writing(request: Request) -> Work:
    return Work(request.app.state.context)


def reading(request: Request) -> Work:
    return Work(request.app.state.context, readonly=True)


Writing = Annotated[Work, Depends(writing)]
Reading = Annotated[Work, Depends(reading)]
SubscriptionId = Annotated[str, Path(pattern=r"^[0-9a-f]{32}$")]


def text_cursor(keyset: Keyset) -> str | None:
    """A cursor that is one text. Raises Malformed."""
    match keyset.after:
        case None:
            return None
        case [str(last)] if len(last) <= 64 and "\0" not in last:
            return last
    raise Malformed("the cursor is not one that this list gave")


def number_cursor(keyset: Keyset) -> int | None:
    """A cursor that is one number. Raises Malformed."""
    match keyset.after:
        case None:
            return None
        case [int(last)] if not isinstance(last, bool) and 0 <= last < 2**63:
            return last
    raise Malformed("the cursor is not one that this list gave")
