"""Delivery (送达): the decision's document is written, sealed, stored, and then the applicant is told."""

import hashlib
from collections.abc import AsyncIterator
from dataclasses import replace

from services.cases.domain import cases as rules
from services.cases.domain.documents import decision_document
from services.cases.domain.dossier import Dossier, StoredFile
from services.cases.errors import FileNotFound
from services.cases.handlers import acts
from services.cases.handlers.acts import check_seen, desk_case, dossier, official
from services.cases.handlers.desk import after_act
from services.cases.handlers.materials import let_go
from services.cases.handlers.pages import MEDIA_TYPE, decision_page
from services.cases.store.work import Work
from services.kit.auth import Principal
from services.kit.idempotency import once
from services.kit.ids import new_id


async def deliver_case(work: Work, officer: Principal, case_id: str, seen: int, key: str) -> Dossier:
    """Hand the result out. Raises CaseNotFound, Forbidden, PreconditionFailed, WrongStep, KeyReused.

    The document's row goes first, then its bytes, then the act makes it the case's: nobody is told of a document that
    is not there, and one that was never made the case's is swept away.
    """
    document = await _write(work, officer, case_id)
    try:
        repeated = await _deliver(work, officer, case_id, seen, key, document)
    except BaseException:
        if document is not None:
            await let_go(work, document)
        raise
    return await after_act(work, officer, case_id, "deliver", repeated=repeated)


async def _deliver(
    work: Work, officer: Principal, case_id: str, seen: int, key: str, document: StoredFile | None
) -> bool:
    """Make the document the case's, once for the key; whether that had been done before."""

    async def act() -> str:
        before = await desk_case(work, officer, case_id, lock=True)
        officer.require("deliver", before.organisation)
        check_seen(before, seen)
        after = rules.deliver(before, official(officer), work.now())
        if document is None or not await work.files.store(document):
            raise FileNotFound
        item = await acts.item_version(work, before.item_code, before.item_version)
        await acts.keep(work, officer, before, after, item, sha256=document.sha256)
        return case_id

    async with work:
        request = {"act": "deliver", "case": case_id, "seen": seen}
        _, repeated = await once(work, caller=officer.sub, key=key, request=request, act=act, keep=str, answer=case_id)
    if repeated and document is not None:
        await let_go(work, document)
    return repeated


async def _write(work: Work, officer: Principal, case_id: str) -> StoredFile | None:
    """The document of a decided case, written and reserved; None for a case at another step."""
    async with work:
        case = await desk_case(work, officer, case_id)
        officer.require("deliver", case.organisation)
        if case.status != "decided":
            return None
        found = await dossier(work, case)
        decided = found.step("decided")
        now = work.now()
        page = decision_page(
            decision_document(case, found.item, found.applicant_name, decided.note if decided else None, now)
        )
        file_id = new_id()
        file = StoredFile(
            file_id,
            None,
            case_id,
            "result",
            None,
            f"cases/{case_id}/{file_id}",
            f"{case.number}.html",
            MEDIA_TYPE,
            0,
            "",
            now,
        )
        await work.files.reserve(file)
    written = await work.context.storage.put(file.path, _once(page))
    return replace(file, size=len(page), sha256=hashlib.sha256(page).hexdigest()) if written else None


async def _once(content: bytes) -> AsyncIterator[bytes]:
    yield content
