"""What the applicant reads: their cases, who opened them, the result."""

import hashlib
import hmac

from services.cases.domain.dossier import Dossier, StoredFile
from services.cases.domain.items import Item
from services.cases.errors import FileNotFound, ResultDamaged
from services.cases.handlers.acts import dossier, item_version, own_case
from services.cases.store.cases import Access, Listed
from services.cases.store.work import Work
from services.kit.auth import Principal


async def open_own_case(work: Work, citizen: Principal, case_id: str) -> Dossier:
    """The citizen's case with everything that belongs to it. Raises CaseNotFound."""
    async with work:
        return await dossier(work, await own_case(work, citizen, case_id))


async def list_own_cases(work: Work, citizen: Principal, after: str | None, limit: int) -> list[tuple[Listed, Item]]:
    """The citizen's cases, newest first."""
    async with work:
        found = await work.cases.of_applicant(citizen.sub, after, limit)
        return [(row, await item_version(work, row.case.item_code, row.case.item_version)) for row in found]


async def list_accesses(
    work: Work, citizen: Principal, case_id: str, after: str | None, limit: int
) -> tuple[list[Access], Item]:
    """Who of the staff opened the citizen's case, newest first; with the item, for the organisation's name."""
    async with work:
        case = await own_case(work, citizen, case_id)
        item = await item_version(work, case.item_code, case.item_version)
        return await work.cases.accesses(case_id, after, limit), item


async def own_result(work: Work, citizen: Principal, case_id: str) -> tuple[StoredFile, bytes]:
    """The delivered document of the citizen's case. Raises CaseNotFound, FileNotFound, ResultDamaged."""
    async with work:
        await own_case(work, citizen, case_id)
        found = [file for file in await work.files.of_case(case_id) if file.kind == "result"]
    if not found:
        raise FileNotFound
    return found[0], await unsealed(work, found[0])


async def unsealed(work: Work, file: StoredFile) -> bytes:
    """The bytes of a result, if they are still the ones that were sealed. Raises ResultDamaged."""
    content = b"".join([chunk async for chunk in work.context.storage.get(file.path)])
    if not hmac.compare_digest(hashlib.sha256(content).hexdigest(), file.sha256):
        raise ResultDamaged
    return content
