"""Citizens' cases over HTTP."""

from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from starlette.responses import StreamingResponse

from services.cases.api import present
from services.cases.api import views as v
from services.cases.api.doors import FILE, Id, Reading, Writing, after_id, context_of, send_file, send_result
from services.cases.handlers import drafts, materials, reading, submission
from services.cases.store.work import Work
from services.kit.auth import Citizen, caller, citizen
from services.kit.errors import Unsupported
from services.kit.http import HotRoute, IdempotencyKey, ListKeyset, Page, etag
from services.kit.idempotency import checked_key

router = APIRouter(tags=["cases"])

_SUBMIT: dict[str, Any] = {
    "requestBody": {"required": True, "content": {"application/json": {"schema": v.NewCase.model_json_schema()}}},
    "parameters": [
        {
            "name": "Idempotency-Key",
            "in": "header",
            "required": True,
            "schema": {"type": "string", "minLength": 1, "maxLength": 255},
        }
    ],
}


@router.post("/cases", status_code=201, response_model=v.CaseView, openapi_extra=_SUBMIT)
async def submit_case(request: Request) -> Response:
    """Hand in an application without a draft. Sent again with the same key, the answer is the same case.

    Written without the framework's dependencies: this is the road that a national system's load takes.
    """
    principal = citizen(await caller(request))
    if request.headers.get("content-type", "application/json").split(";")[0].strip().lower() != "application/json":
        raise Unsupported("the body must be application/json")
    key = checked_key(request.headers.get("idempotency-key"))
    try:
        body = v.NewCase.model_validate_json(await request.body())
    except ValidationError as error:
        raise RequestValidationError(
            error.errors(include_url=False, include_input=False, include_context=False)
        ) from None
    work = Work(context_of(request))
    dossier, _ = await submission.submit_case(work, principal, body.item_code, body.answers, key)
    view = present.case_view(dossier, work.now())
    headers = {"ETag": etag(dossier.case.version), "Location": f"cases/{dossier.case.id}"}
    return Response(view.model_dump_json(), 201, headers, media_type="application/json")


HOT = [HotRoute("/cases", submit_case, methods=["POST"])]


@router.get("/cases")
async def list_cases(citizen: Citizen, keyset: ListKeyset, work: Reading) -> Page[v.CaseSummary]:
    """The citizen's cases, newest first."""
    found = await reading.list_own_cases(work, citizen, after_id(keyset), keyset.limit + 1)
    rows, cursor = keyset.page(found, lambda row: [row[0].case.id])
    return Page(items=[present.case_summary(row.case, item, work.now()) for row, item in rows], next=cursor)


@router.get("/cases/{case_id}")
async def read_case(case_id: Id, citizen: Citizen, work: Reading, response: Response) -> v.CaseView:
    """A case with its timeline."""
    dossier = await reading.open_own_case(work, citizen, case_id)
    response.headers["ETag"] = etag(dossier.case.version)
    return present.case_view(dossier, work.now())


@router.post("/cases/{case_id}/withdrawal")
async def withdraw_case(
    case_id: Id, body: v.Withdrawal, citizen: Citizen, work: Writing, response: Response
) -> v.CaseView:
    """Take the application back, before it is decided."""
    dossier = await submission.withdraw_case(work, citizen, case_id, body.reason)
    response.headers["ETag"] = etag(dossier.case.version)
    return present.case_view(dossier, work.now())


@router.post("/cases/{case_id}/amendment", status_code=201)
async def begin_amendment(
    case_id: Id, citizen: Citizen, key: IdempotencyKey, work: Writing, response: Response
) -> v.DraftView:
    """Begin to hand in what the notice asks for: a draft with the case's answers and files."""
    opened = await drafts.begin_amendment(work, citizen, case_id, key)
    response.headers["ETag"] = etag(opened.draft.version)
    return present.draft_view(opened)


@router.get("/cases/{case_id}/accesses")
async def list_accesses(case_id: Id, citizen: Citizen, keyset: ListKeyset, work: Reading) -> Page[v.AccessView]:
    """Who of the staff opened the case, when and why, newest first."""
    found, item = await reading.list_accesses(work, citizen, case_id, after_id(keyset), keyset.limit + 1)
    rows, cursor = keyset.page(found, lambda row: [row.id])
    return Page(items=[present.access_view(row, item) for row in rows], next=cursor)


@router.get("/cases/{case_id}/materials/{file_id}", responses=FILE, response_class=StreamingResponse)
async def read_material(case_id: Id, file_id: Id, citizen: Citizen, work: Reading) -> StreamingResponse:
    """A file that was handed in with the case."""
    return send_file(work, await materials.case_material(work, citizen, case_id, file_id))


@router.get("/cases/{case_id}/result", responses=FILE, response_class=Response)
async def read_result(case_id: Id, citizen: Citizen, work: Reading) -> Response:
    """The delivered decision document, checked against its seal (`Repr-Digest`, RFC 9530)."""
    return send_result(*await reading.own_result(work, citizen, case_id))
