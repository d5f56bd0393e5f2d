"""Declared clients."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from sqlalchemy import select, update

from services.identity.domain.clients import Client, ClientDeclaration
from services.identity.store.tables import CLIENTS

if TYPE_CHECKING:
    from services.identity.store.work import Work


class ClientStore:
    """Clients by id."""

    def __init__(self, work: "Work") -> None:
        self._work = work

    async def all_enabled(self) -> dict[str, Client]:
        """Every enabled client, parsed."""
        rows = await self._work.execute(select(CLIENTS.c.client_id, CLIENTS.c.document).where(CLIENTS.c.enabled))
        return {row.client_id: Client.model_validate(row.document) for row in rows}

    async def declare(self, declarations: Iterable[ClientDeclaration]) -> tuple[list[str], list[str]]:
        """Store the declared clients, at least one; one that is declared no more is disabled, its history kept.

        Ids of those that are new or changed, and of those that are disabled now.
        """
        declared = {found.client_id: found.model_dump(mode="json", exclude={"client_secret"}) for found in declarations}
        if not declared:
            raise ValueError("no client is declared: every one would be disabled")
        known = await self._work.execute(select(CLIENTS.c.client_id, CLIENTS.c.document).where(CLIENTS.c.enabled))
        enabled = {row.client_id: row.document for row in known}
        changed = {name: document for name, document in declared.items() if enabled.get(name) != document}
        gone = enabled.keys() - declared.keys()
        now = self._work.now()
        rows = [
            {"client_id": name, "document": document, "declared": True, "enabled": True, "updated_at": now}
            for name, document in changed.items()
        ]
        await self._work.upsert(CLIENTS, rows, ["client_id"])
        disable = update(CLIENTS).where(CLIENTS.c.enabled, CLIENTS.c.client_id.in_(gone))
        await self._work.execute(disable.values(enabled=False, updated_at=now))
        return sorted(changed), sorted(gone)
