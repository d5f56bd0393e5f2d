"""The officers' desk over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Response

from services.cases.api import present
from services.cases.api import views as v
from services.cases.api.doors import FILE, Id, Reading, Writing, after_id, after_task, send_file, send_result
from services.cases.domain.cases import Gap
from services.cases.domain.dossier import Dossier
from services.cases.handlers import delivery, desk, reading, running
from services.cases.store.work import Work
from services.kit.auth import Officer, Principal
from services.kit.http import IdempotencyKey, IfMatch, ListKeyset, Page, etag

router = APIRouter(prefix="/desk", tags=["desk"])

Purpose = Annotated[v.Purpose, Query(description="why the case is opened; its applicant reads it")]
Reason = Annotated[str | None, Query(max_length=500, description="in words; an enquiry needs it")]


@router.get("/queues")
async def count_queues(officer: Officer, work: Reading) -> v.QueuesView:
    """How much waits."""
    return present.queues_view(await desk.count_queues(work, officer))


@router.get("/cases")
async def list_cases(
    officer: Officer,
    keyset: ListKeyset,
    work: Writing,
    queue: v.Queue = "intake",
    q: Annotated[
        str | None, Query(min_length=1, max_length=100, description="case number or applicant's whole name")
    ] = None,
) -> Page[v.DeskCaseSummary]:
    """A queue, the most urgent first; with `q` a search through all of them instead."""
    if q is not None:
        found = await desk.search_cases(work, officer, q, after_id(keyset), keyset.limit + 1)
    elif queue in desk.ROLE_OF_QUEUE:
        found = await desk.list_tasks(work, officer, queue, after_task(keyset), keyset.limit + 1)
    else:
        found = await desk.list_others(work, officer, queue, after_id(keyset), keyset.limit + 1)
    rows, cursor = keyset.page(
        found, lambda row: [row[0].due_on.isoformat(), row[0].case.id] if row[0].due_on else [row[0].case.id]
    )
    return Page(items=[present.desk_summary(row, item, work.now()) for row, item in rows], next=cursor)


@router.get("/items/{code}/running")
async def list_running(
    code: Annotated[str, Path(max_length=128, description="item code")],
    officer: Officer,
    work: Writing,
    version: Annotated[int | None, Query(ge=1, le=2**31 - 1, description="of this version only")] = None,
) -> v.RunningView:
    """Cases of an item that have not come to their end: what its keepers look at before they take the item away."""
    found = await running.list_running(work, officer, code, version)
    return present.running_view(found)


@router.get("/cases/{case_id}")
async def open_case(
    case_id: Id, officer: Officer, work: Writing, response: Response, purpose: Purpose, reason: Reason = None
) -> v.DeskCaseView:
    """Open a case. Who, when and why is noted, and the applicant can read it."""
    return _shown(await desk.open_case(work, officer, case_id, purpose, reason), officer, work, response)


@router.get("/cases/{case_id}/materials/{file_id}", responses=FILE, response_class=Response)
async def open_material(
    case_id: Id, file_id: Id, officer: Officer, work: Writing, purpose: Purpose, reason: Reason = None
) -> Response:
    """Open a file of a case. Noted alike."""
    file = await desk.open_material(work, officer, case_id, file_id, purpose, reason)
    if file.kind == "result":
        return send_result(file, await reading.unsealed(work, file))
    return send_file(work, file)


@router.post("/cases/{case_id}/acceptance")
async def accept_case(
    case_id: Id, officer: Officer, seen: IfMatch, key: IdempotencyKey, work: Writing, response: Response
) -> v.DeskCaseView:
    """Take the case in (受理, 行政许可法 art. 32)."""
    return _shown(await desk.accept_case(work, officer, case_id, seen, key), officer, work, response)


@router.post("/cases/{case_id}/return")
async def return_case(
    case_id: Id, body: v.Return, officer: Officer, seen: IfMatch, key: IdempotencyKey, work: Writing, response: Response
) -> v.DeskCaseView:
    """Tell the applicant all that is missing, once (一次告知, art. 32)."""
    gaps = tuple(Gap(gap.material, gap.field, gap.what) for gap in body.gaps)
    return _shown(await desk.return_case(work, officer, case_id, seen, key, gaps, body.note), officer, work, response)


@router.post("/cases/{case_id}/review")
async def review_case(
    case_id: Id, body: v.Review, officer: Officer, seen: IfMatch, key: IdempotencyKey, work: Writing, response: Response
) -> v.DeskCaseView:
    """Examine the case and give an opinion (审查, art. 34)."""
    found = await desk.review_case(work, officer, case_id, seen, key, body.opinion, body.note)
    return _shown(found, officer, work, response)


@router.post("/cases/{case_id}/decision")
async def decide_case(
    case_id: Id,
    body: v.Decision,
    officer: Officer,
    seen: IfMatch,
    key: IdempotencyKey,
    work: Writing,
    response: Response,
) -> v.DeskCaseView:
    """Decide (决定, art. 37, 38). Who accepted the case may not decide it."""
    found = await desk.decide_case(work, officer, case_id, seen, key, body.outcome, body.reason)
    return _shown(found, officer, work, response)


@router.post("/cases/{case_id}/delivery")
async def deliver_case(
    case_id: Id, officer: Officer, seen: IfMatch, key: IdempotencyKey, work: Writing, response: Response
) -> v.DeskCaseView:
    """Hand the result out (送达, art. 44): the decision document is written, sealed, and shown to the applicant."""
    return _shown(await delivery.deliver_case(work, officer, case_id, seen, key), officer, work, response)


def _shown(dossier: Dossier, officer: Principal, work: Work, response: Response) -> v.DeskCaseView:
    response.headers["ETag"] = etag(dossier.case.version)
    return present.desk_case_view(dossier, officer, work.now())
