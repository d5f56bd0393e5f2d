"""Declared clients."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError
from sqlalchemy import select, update

from services.identity.domain.clients import Client, ClientDeclaration
from services.identity.store.tables import CLIENTS
from services.kit.telemetry import log

if TYPE_CHECKING:
    from services.identity.store.work import Work

BATCH = 500
"""Ids in one statement."""


class ClientStore:
    """Clients by id."""

    def __init__(self, work: "Work") -> None:
        self._work = work

    def secret_digest(self, client_id: str, secret: str) -> str:
        """What is stored of a secret: it is keyed, so who has the database cannot find out by trying."""
        return self._work.crypto.digest(f"{client_id}\0{secret}".encode(), "clients.secret")

    async def versions(self) -> dict[str, datetime]:
        """When each enabled client changed last: all that is read where nothing has changed."""
        rows = await self._work.execute(select(CLIENTS.c.client_id, CLIENTS.c.updated_at).where(CLIENTS.c.enabled))
        return {row.client_id: row.updated_at for row in rows}

    async def enabled(self, names: Sequence[str]) -> dict[str, Client]:
        """Those of the named clients that are enabled. One that rules of today refuse is left out, not the service."""
        found = {}
        for batch in (names[i : i + BATCH] for i in range(0, len(names), BATCH)):
            for row in await self._work.execute(
                select(CLIENTS).where(CLIENTS.c.enabled, CLIENTS.c.client_id.in_(batch))
            ):
                try:
                    found[row.client_id] = Client.stored(row.document, row.secret_digest)
                except ValidationError:
                    log.warning("clients.unreadable", client=row.client_id)
        return found

    async def declare(self, declarations: Iterable[ClientDeclaration]) -> tuple[list[str], list[str]]:
        """Store the declared clients, at least one; one that is declared no more is disabled, its history kept.

        Ids of those that are new or changed (another secret is a change), and of those that are disabled now.
        """
        declared = {found.client_id: self._values(found) for found in declarations}
        if not declared:
            raise ValueError("no client is declared: every one would be disabled")
        columns = (CLIENTS.c.client_id, CLIENTS.c.document, CLIENTS.c.secret_digest)
        known = await self._work.execute(select(*columns).where(CLIENTS.c.enabled))
        enabled = {row.client_id: {"document": row.document, "secret_digest": row.secret_digest} for row in known}
        changed = {name: values for name, values in declared.items() if enabled.get(name) != values}
        gone = enabled.keys() - declared.keys()
        now = self._work.now()
        rows = [
            {"client_id": name, **values, "declared": True, "enabled": True, "updated_at": now}
            for name, values in changed.items()
        ]
        await self._work.upsert(CLIENTS, rows, ["client_id"])
        disable = update(CLIENTS).where(CLIENTS.c.enabled, CLIENTS.c.client_id.in_(gone))
        await self._work.execute(disable.values(enabled=False, updated_at=now))
        return sorted(changed), sorted(gone)

    def _values(self, found: ClientDeclaration) -> dict[str, Any]:
        secret = found.client_secret
        return {
            "document": found.model_dump(mode="json", exclude={"client_secret"}),
            "secret_digest": self.secret_digest(found.client_id, secret.get_secret_value()) if secret else None,
        }
