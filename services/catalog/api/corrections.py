"""HTTP: correction requests (异议) between organisations. For staff."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, Field

from services.catalog.api.doors import Body, Id, Reading, Reason, Seen, Staff, Writing
from services.catalog.domain.corrections import Answering, CorrectionState
from services.catalog.domain.registers import Register
from services.catalog.handlers import corrections
from services.catalog.handlers.corrections import NewCorrection, ShownCorrection
from services.contracts.base import Text
from services.kit.auth import caller
from services.kit.errors import Malformed
from services.kit.http import Keyset, ListKeyset, Page, etag

router = APIRouter(dependencies=[Depends(caller)], tags=["corrections"])

OrganisationId = Annotated[str, Field(min_length=1, max_length=128)]


class CorrectionBody(Body):
    """What disagrees, in words and without personal data; who found it; in which item, where it was in one."""

    register_name: Annotated[Register, Field(alias="register")]
    code: Annotated[str, Field(min_length=1, max_length=128)]
    organisation: OrganisationId
    text: Reason
    item_code: Annotated[str | None, Field(max_length=128)] = None


class AnswerBody(Body):
    answer: Reason


class CorrectionView(BaseModel):
    """A request as its two sides see it. `acts`: what the caller can do now."""

    id: str
    register_name: Register = Field(serialization_alias="register")
    code: str
    entry_name: Text
    source: str
    source_name: Text
    organisation: str
    organisation_name: Text
    author_name: str
    text: str
    item_code: str | None
    state: CorrectionState
    answer: str | None
    created_at: datetime
    updated_at: datetime
    due_at: datetime
    overdue: bool
    acts: tuple[Answering, ...]
    version: int

    @classmethod
    def of(cls, shown: ShownCorrection) -> "CorrectionView":
        request = shown.request
        return cls(
            id=request.id,
            register_name=request.register,
            code=request.code,
            entry_name=shown.entry_name,
            source=request.source,
            source_name=shown.source_name,
            organisation=request.organisation_id,
            organisation_name=shown.organisation_name,
            author_name=request.author_name,
            text=request.text,
            item_code=request.item_code,
            state=request.state,
            answer=request.answer,
            created_at=request.created_at,
            updated_at=request.updated_at,
            due_at=request.due_at,
            overdue=shown.overdue,
            acts=tuple(shown.acts),
            version=request.version,
        )


@router.post("/corrections", status_code=201, summary="File a correction request")
async def file_correction(
    body: CorrectionBody, officer: Staff, work: Writing, request: Request, response: Response
) -> CorrectionView:
    new = NewCorrection(body.register_name, body.code, body.organisation, body.text, body.item_code)
    days = request.app.state.context.settings.correction_days
    return _shown(await corrections.file_correction(officer, new, days, work), response)


@router.get("/corrections", summary="Correction requests that the caller's organisations found or answer")
async def list_corrections(
    officer: Staff,
    work: Reading,
    keyset: ListKeyset,
    state: CorrectionState | None = None,
    source: Annotated[str | None, Query(max_length=128)] = None,
    organisation: Annotated[str | None, Query(max_length=128)] = None,
    overdue: bool = False,
) -> Page[CorrectionView]:
    found = await corrections.list_corrections(
        officer, state, source, organisation, overdue, after_id(keyset), keyset.limit + 1, work
    )
    shown, following = keyset.page(found, lambda each: (each.request.id,))
    return Page[CorrectionView](items=[CorrectionView.of(each) for each in shown], next=following)


@router.get("/corrections/{correction_id}", summary="A correction request")
async def get_correction(correction_id: Id, officer: Staff, work: Reading, response: Response) -> CorrectionView:
    return _shown(await corrections.get_correction(officer, correction_id, work), response)


@router.post("/corrections/{correction_id}/{act}", summary="Answer a correction request, or withdraw it")
async def answer_correction(
    correction_id: Id, act: Answering, body: AnswerBody, officer: Staff, seen: Seen, work: Writing, response: Response
) -> CorrectionView:
    return _shown(await corrections.answer_correction(officer, correction_id, act, body.answer, seen, work), response)


def _shown(found: ShownCorrection, response: Response) -> CorrectionView:
    response.headers["ETag"] = etag(found.request.version)
    return CorrectionView.of(found)


def after_id(keyset: Keyset) -> str | None:
    """The last id of the page before."""
    match keyset.after:
        case None:
            return None
        case [str(last)]:
            return last
    raise Malformed("the cursor is not one that this list gave")
