"""Files: taking uploads in, giving them back, letting them go."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

from services.cases.domain import drafts as draft_rules
from services.cases.domain.dossier import StoredFile
from services.cases.domain.drafts import Draft
from services.cases.domain.files import file_name
from services.cases.domain.items import Material
from services.cases.errors import (
    DraftNotFound,
    FileEmpty,
    FileNotFound,
    FileTooLarge,
    FileTypeRefused,
    MaterialNotFound,
    TooManyFiles,
)
from services.cases.handlers.acts import own_case, record
from services.cases.handlers.drafts import draft_item, lifetime
from services.cases.store.work import Work
from services.kit.auth import Principal
from services.kit.errors import FieldProblem
from services.kit.idempotency import once
from services.kit.ids import new_id
from services.kit.uploads import HEAD_BYTES, media_type_of


@dataclass(frozen=True, slots=True)
class Upload:
    """A file on its way in: its bytes as they come, and the Content-Disposition header that may name it."""

    content: AsyncIterator[bytes]
    disposition: str | None


async def upload_material(
    work: Work, citizen: Principal, draft_id: str, material_id: str, upload: Upload, key: str
) -> tuple[StoredFile, Draft]:
    """Take a file in for a material of a draft; with it the draft's new version.

    The row goes first, then the bytes, encrypted as they stream, then the row is made part of the draft: whatever
    breaks between, nothing is half there, and the sweep removes what is left over. Whether there is room is asked only
    when the file is attached, once for its key: a repetition finds its own file there. Raises DraftNotFound,
    DraftSubmitted, MaterialNotFound, TooManyFiles, FileEmpty, FileTooLarge, FileTypeRefused, KeyReused.
    """
    # The first bytes are read before the transaction: a slow client holds nobody up.
    head, rest = await _beginning(upload.content)
    async with work:
        _, material = await _place(work, citizen, draft_id, material_id)
        media_type = _checked_type(material, head)
        file_id = new_id()
        name = file_name(upload.disposition, media_type)
        path = f"drafts/{draft_id}/{file_id}"
        file = StoredFile(file_id, draft_id, None, "material", material_id, path, name, media_type, 0, "", work.now())
        await work.files.reserve(file)
    try:
        limit = min(material.max_bytes, work.context.settings.max_upload_bytes)
        written = await work.context.storage.put(path, _limited(head, rest, limit))
        file = replace(file, size=written.size, sha256=written.sha256)
        return await _attach(work, citizen, file, key)
    except BaseException:
        await let_go(work, file)
        raise


async def _beginning(content: AsyncIterator[bytes]) -> tuple[bytes, AsyncIterator[bytes]]:
    """The first bytes of a stream, at least HEAD_BYTES where it has them, and the rest of it."""
    head = b""
    async for chunk in content:
        head += chunk
        if len(head) >= HEAD_BYTES:
            break
    return head, content


def _checked_type(material: Material, head: bytes) -> str:
    if not head:
        raise FileEmpty(fields=[FieldProblem(f"materials.{material.id}", "empty", "the file is empty")])
    found = media_type_of(head[:HEAD_BYTES])
    if found is None or found not in material.media_types:
        taken = ", ".join(material.media_types)
        raise FileTypeRefused(
            f"taken are {taken}", fields=[FieldProblem(f"materials.{material.id}", "type", f"taken are {taken}")]
        )
    return found


async def _limited(head: bytes, rest: AsyncIterator[bytes], limit: int) -> AsyncIterator[bytes]:
    seen = len(head)
    if seen > limit:
        raise FileTooLarge(f"at most {limit} bytes", limit=limit)
    yield head
    async for chunk in rest:
        seen += len(chunk)
        if seen > limit:
            raise FileTooLarge(f"at most {limit} bytes", limit=limit)
        yield chunk


async def _place(work: Work, citizen: Principal, draft_id: str, material_id: str) -> tuple[Draft, Material]:
    """The draft, locked and open, and the material."""
    draft = await work.drafts.locked(draft_id, citizen.sub)
    draft_rules.check_open(draft, None)
    material = (await draft_item(work, draft)).material(material_id)
    if material is None:
        raise MaterialNotFound
    return draft, material


async def _attach(work: Work, citizen: Principal, file: StoredFile, key: str) -> tuple[StoredFile, Draft]:
    draft_id, material_id = file.draft_id or "", file.material or ""

    async def attach() -> str:
        draft, material = await _place(work, citizen, draft_id, material_id)
        present = [each for each in await work.files.of_draft(draft_id) if each.material == material_id]
        if len(present) >= material.max_files:
            raise TooManyFiles(f"at most {material.max_files}", limit=material.max_files)
        if not await work.files.store(file):
            raise DraftNotFound
        await work.drafts.save(draft_rules.changed(draft, work.now(), lifetime(work)))
        record(work, citizen, "material.uploaded", "file", file.id)
        return file.id

    async with work:
        request = {"upload": draft_id, "material": material_id, "sha256": file.sha256}
        kept, repeated = await once(work, caller=citizen.sub, key=key, request=request, act=attach, keep=str)
        draft = await work.drafts.get(draft_id, citizen.sub)
        found = next((f for f in await work.files.of_draft(draft_id) if f.id == kept), None)
    if repeated:
        await let_go(work, file)
    if found is None:
        raise FileNotFound
    return found, draft


async def let_go(work: Work, file: StoredFile) -> None:
    """Let go of a file that was reserved and is not attached, whether or not its bytes have come."""
    async with work:
        known = await work.files.give_up_pending(file.id)
    if not known:
        await work.context.storage.delete(file.path)


async def draft_material(work: Work, citizen: Principal, draft_id: str, material_id: str, file_id: str) -> StoredFile:
    """A file of the citizen's draft. Raises DraftNotFound, FileNotFound."""
    async with work:
        await work.drafts.get(draft_id, citizen.sub)
        files = await work.files.of_draft(draft_id)
    return _one(files, file_id, material_id)


async def remove_material(
    work: Work, citizen: Principal, draft_id: str, material_id: str, file_id: str, seen: int | None
) -> Draft:
    """Take a file out of a draft; the next sweep has its bytes.

    Raises DraftNotFound, DraftSubmitted, DraftChanged when `seen` is not its version, FileNotFound.
    """
    async with work:
        draft = await work.drafts.locked(draft_id, citizen.sub)
        draft_rules.check_open(draft, seen)
        _one(await work.files.of_draft(draft_id), file_id, material_id)
        await work.files.give_up([file_id])
        draft = draft_rules.changed(draft, work.now(), lifetime(work))
        await work.drafts.save(draft)
        record(work, citizen, "material.removed", "file", file_id)
    return draft


async def case_material(work: Work, citizen: Principal, case_id: str, file_id: str) -> StoredFile:
    """A material of the citizen's case. Raises CaseNotFound, FileNotFound."""
    async with work:
        await own_case(work, citizen, case_id)
        return _one([f for f in await work.files.of_case(case_id) if f.kind == "material"], file_id)


def _one(files: list[StoredFile], file_id: str, material_id: str | None = None) -> StoredFile:
    for file in files:
        if file.id == file_id and material_id in (None, file.material):
            return file
    raise FileNotFound
