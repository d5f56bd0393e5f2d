"""Files: which bytes in the storage belong to which draft or case. The bytes themselves are kit.storage's."""

from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, insert, select, update

from services.cases.domain.dossier import StoredFile
from services.cases.store.sealing import Sealing
from services.cases.store.tables import files
from services.kit.db import UnitOfWork


class FileStore:
    """Reads and writes of file rows in one unit of work.

    A row goes before its bytes (`pending`) and stays until they are gone (`removed`), so that no bytes are ever
    forgotten: what is left over after a crash is found by `left_over`. A row leaves `pending` once, by one statement
    that asks for it: either for its draft or case, or for the sweep.
    """

    def __init__(self, work: UnitOfWork, sealing: Sealing) -> None:
        self._work = work
        self._seal = sealing

    async def reserve(self, file: StoredFile) -> None:
        """Note that bytes will be written at `file.path`."""
        await self._work.execute(insert(files).values(**self._values(file), state="pending"))

    async def store(self, file: StoredFile) -> bool:
        """The bytes are there: make the file part of its draft or case. False when it was swept meanwhile."""
        statement = update(files).where(files.c.id == file.id, files.c.state == "pending")
        changed = await self._work.execute(statement.values(**self._values(file), state="stored").returning(files.c.id))
        return changed.first() is not None

    async def of_draft(self, draft_id: str) -> list[StoredFile]:
        """A draft's files, oldest first."""
        return await self._some(files.c.draft_id == draft_id)

    async def of_case(self, case_id: str) -> list[StoredFile]:
        """A case's files, oldest first: its materials and, once delivered, its result."""
        return await self._some(files.c.case_id == case_id)

    async def _some(self, condition: Any) -> list[StoredFile]:
        rows = await self._work.execute(select(files).where(condition, files.c.state == "stored").order_by(files.c.id))
        return [self._file(row) for row in rows]

    async def hand_in(self, draft_id: str, case_id: str) -> None:
        """A draft's files become the case's."""
        statement = update(files).where(files.c.draft_id == draft_id, files.c.state == "stored")
        await self._work.execute(statement.values(draft_id=None, case_id=case_id))

    async def replace(self, case_id: str, materials: set[str]) -> None:
        """Put aside what an amendment replaces: kept with the case, no longer shown as its material."""
        statement = update(files).where(
            files.c.case_id == case_id,
            files.c.kind == "material",
            files.c.material.in_(materials),
            files.c.state == "stored",
        )
        await self._work.execute(statement.values(state="replaced"))

    async def give_up(self, file_ids: list[str]) -> None:
        """Let files go: from now on nobody sees them; the sweep removes their bytes, then their rows."""
        await self._work.execute(update(files).where(files.c.id.in_(file_ids)).values(state="removed"))

    async def give_up_pending(self, file_id: str) -> bool:
        """Let go of a file that did not come in whole; False when the sweep had its row before: then the bytes are
        the caller's to delete, for they may have come after the sweep looked."""
        statement = update(files).where(files.c.id == file_id, files.c.state == "pending")
        changed = await self._work.execute(statement.values(state="removed").returning(files.c.id))
        if changed.first() is not None:
            return True
        state = (await self._work.execute(select(files.c.state).where(files.c.id == file_id))).scalar_one_or_none()
        return state not in (None, "removed")

    async def give_up_drafts(self, draft_ids: list[str]) -> None:
        """Let go of all that was uploaded to these drafts. What is still on its way stays pending for the sweep."""
        await self._work.execute(
            update(files).where(files.c.draft_id.in_(draft_ids), files.c.state == "stored").values(state="removed")
        )

    async def left_over(self, before: datetime, limit: int) -> list[tuple[str, str]]:
        """Id and path of files to be removed: given up, or, from now on, pending since before `before`."""
        late = (files.c.state == "pending") & (files.c.created_at < before)
        await self._work.execute(update(files).where(late).values(state="removed"))
        statement = select(files.c.id, files.c.path).where(files.c.state == "removed")
        rows = await self._work.execute(statement.order_by(files.c.id).limit(limit))
        return [(row.id, row.path) for row in rows]

    async def forget(self, file_ids: list[str]) -> None:
        """Delete the rows of files whose bytes are gone."""
        await self._work.execute(delete(files).where(files.c.id.in_(file_ids), files.c.state == "removed"))

    def _values(self, file: StoredFile) -> dict[str, Any]:
        return {
            "id": file.id,
            "draft_id": file.draft_id,
            "case_id": file.case_id,
            "kind": file.kind,
            "material": file.material,
            "path": file.path,
            "name_sealed": self._seal.text(file.name, "files.name_sealed", file.id),
            "media_type": file.media_type,
            "size": file.size,
            "sha256": file.sha256,
            "created_at": file.created_at,
        }

    def _file(self, row: Row[Any]) -> StoredFile:
        return StoredFile(
            row.id,
            row.draft_id,
            row.case_id,
            row.kind,
            row.material,
            row.path,
            self._seal.open_text(row.name_sealed, "files.name_sealed", row.id) or "file",
            row.media_type,
            row.size,
            row.sha256,
            row.created_at,
        )
