"""Citizens' drafts over HTTP."""

from typing import Annotated, Any

from fastapi import APIRouter, Header, Request, Response
from starlette.responses import StreamingResponse

from services.cases.api import present
from services.cases.api import views as v
from services.cases.api.doors import FILE, Id, PlainId, Reading, SeenIfTold, Writing, after_id, send_file
from services.cases.handlers import drafts, materials, submission
from services.cases.handlers.materials import Upload
from services.kit.auth import Citizen
from services.kit.http import IdempotencyKey, IfMatch, ListKeyset, Page, etag

router = APIRouter(tags=["drafts"])

_BINARY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "The file's bytes; what they are is told by the bytes, not by the header",
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}


@router.post("/drafts", status_code=201)
async def begin_draft(
    body: v.NewDraft, citizen: Citizen, key: IdempotencyKey, work: Writing, response: Response
) -> v.DraftView:
    """Begin an application for an item."""
    opened = await drafts.begin_draft(work, citizen, body.item_code, key)
    response.headers["ETag"] = etag(opened.draft.version)
    return present.draft_view(opened)


@router.get("/drafts")
async def list_drafts(citizen: Citizen, keyset: ListKeyset, work: Reading) -> Page[v.DraftSummary]:
    """Open drafts, newest first."""
    found = await drafts.list_drafts(work, citizen, after_id(keyset), keyset.limit + 1)
    rows, cursor = keyset.page(found, lambda row: [row[0].id])
    return Page(items=[present.draft_summary(draft, item) for draft, item in rows], next=cursor)


@router.get("/drafts/{draft_id}")
async def read_draft(draft_id: Id, citizen: Citizen, work: Reading, response: Response) -> v.DraftView:
    """A draft with its answers, its files and what is still missing."""
    opened = await drafts.open_draft(work, citizen, draft_id)
    response.headers["ETag"] = etag(opened.draft.version)
    return present.draft_view(opened)


@router.put("/drafts/{draft_id}/pages/{page}")
async def fill_page(
    draft_id: Id, page: PlainId, body: v.PageAnswers, citizen: Citizen, seen: IfMatch, work: Writing, response: Response
) -> v.DraftView:
    """Save one page. What is valid is kept even when the answer is 422: go on with the `version` that it names."""
    opened = await drafts.fill_page(work, citizen, draft_id, page, body.answers, later=body.later, seen=seen)
    response.headers["ETag"] = etag(opened.draft.version)
    return present.draft_view(opened)


@router.delete("/drafts/{draft_id}", status_code=204)
async def discard_draft(draft_id: Id, citizen: Citizen, work: Writing, seen: SeenIfTold) -> None:
    """Give a draft up, with everything uploaded to it; with If-Match only the version that was seen."""
    await drafts.discard_draft(work, citizen, draft_id, seen)


@router.post("/drafts/{draft_id}/materials/{material}", status_code=201, openapi_extra=_BINARY)
async def upload_material(
    draft_id: Id,
    material: PlainId,
    citizen: Citizen,
    key: IdempotencyKey,
    work: Writing,
    request: Request,
    response: Response,
    content_disposition: Annotated[str | None, Header(max_length=2000)] = None,
) -> v.MaterialView:
    """Upload a file for a material. The ETag is the draft's, which this changes."""
    upload = Upload(request.stream(), content_disposition)
    file, draft = await materials.upload_material(work, citizen, draft_id, material, upload, key)
    response.headers["ETag"] = etag(draft.version)
    return present.file_view(file)


@router.get("/drafts/{draft_id}/materials/{material}/{file_id}", responses=FILE, response_class=StreamingResponse)
async def read_material(
    draft_id: Id, material: PlainId, file_id: Id, citizen: Citizen, work: Reading
) -> StreamingResponse:
    """A file as it was uploaded."""
    return send_file(work, await materials.draft_material(work, citizen, draft_id, material, file_id))


@router.delete("/drafts/{draft_id}/materials/{material}/{file_id}", status_code=204)
async def remove_material(
    draft_id: Id,
    material: PlainId,
    file_id: Id,
    citizen: Citizen,
    work: Writing,
    seen: SeenIfTold,
    response: Response,
) -> None:
    """Take a file out of the draft; with If-Match only of the version that was seen. The ETag is the draft's, which
    this changes."""
    draft = await materials.remove_material(work, citizen, draft_id, material, file_id, seen)
    response.headers["ETag"] = etag(draft.version)


@router.post("/drafts/{draft_id}/submission", status_code=201)
async def submit_draft(
    draft_id: Id, citizen: Citizen, key: IdempotencyKey, seen: IfMatch, work: Writing, response: Response
) -> v.CaseView:
    """Hand the draft in. Sent again with the same key, the answer is the same case."""
    dossier, _ = await submission.submit_draft(work, citizen, draft_id, seen, key)
    response.headers["ETag"] = etag(dossier.case.version)
    return present.case_view(dossier, work.now())
