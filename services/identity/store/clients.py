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

    async def declare(self, declarations: Iterable[ClientDeclaration]) -> None:
        """Store the declared clients, at least one; one that is declared no more is disabled, its history kept."""
        rows = [
            {
                "client_id": declared.client_id,
                "document": declared.model_dump(mode="json"),
                "enabled": True,
                "updated_at": self._work.now(),
            }
            for declared in declarations
        ]
        if not rows:
            raise ValueError("no client is declared: every one would be disabled")
        await self._work.upsert(CLIENTS, rows, ["client_id"])
        named = [row["client_id"] for row in rows]
        await self._work.execute(
            update(CLIENTS)
            .where(CLIENTS.c.enabled, CLIENTS.c.client_id.not_in(named))
            .values(enabled=False, updated_at=self._work.now())
        )
