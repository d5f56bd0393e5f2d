"""HTTP: the codes of other systems by which an item is found besides its own. The registrar adds and drops them."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Response

from services.catalog.api.doors import Body, Code, Reason, Staff, Writing
from services.catalog.handlers import codes
from services.kit.auth import caller

router = APIRouter(dependencies=[Depends(caller)], tags=["items"])

Alias = Annotated[str, Path(max_length=128, description="The code of another system")]


class AliasReason(Body):
    """Why."""

    reason: Reason


@router.put("/items/{code}/aliases/{alias}", status_code=204, summary="Let an item be found by another code, too")
async def put_alias(code: Code, alias: Alias, body: AliasReason, staff: Staff, work: Writing) -> Response:
    await codes.add_alias(code, alias, body.reason, staff, work)
    return Response(status_code=204)


@router.post("/items/{code}/aliases/{alias}/drop", status_code=204, summary="Let it be found by that code no longer")
async def drop_alias(code: Code, alias: Alias, body: AliasReason, staff: Staff, work: Writing) -> Response:
    await codes.drop_alias(code, alias, body.reason, staff, work)
    return Response(status_code=204)
