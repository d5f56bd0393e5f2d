"""Clients, declared and registered alike."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError
from sqlalchemy import Text, cast, func, select, update

from services.identity.domain.clients import Client, ClientDeclaration
from services.identity.store.tables import CLIENTS
from services.kit.telemetry import log

if TYPE_CHECKING:
    from services.identity.store.work import Work

BATCH = 500
"""Ids in one statement."""


class RegisteredAlready(Exception):
    """Clients that registered themselves have ids that the settings declare."""

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__(" ".join(names))


class ClientStore:
    """Clients by id."""

    def __init__(self, work: "Work") -> None:
        self._work = work

    def secret_digest(self, client_id: str, secret: str) -> str:
        """What is stored of a secret: it is keyed, so who has the database cannot find out by trying."""
        return self._work.crypto.digest(f"{client_id}\0{secret}".encode(), "clients.secret")

    async def stamp(self) -> str:
        """Another text as soon as any enabled client is another: all that is read where nothing has changed.

        Not the latest date: replicas' clocks differ, and what began first may be committed last. Not sorted: in another
        order the clients would only be read once more.
        """
        each = CLIENTS.c.client_id + cast(CLIENTS.c.updated_at, Text)
        statement = select(func.aggregate_strings(each, ",")).where(CLIENTS.c.enabled)
        return str((await self._work.execute(statement)).scalar() or "")

    async def versions(self) -> dict[str, datetime]:
        """When each enabled client changed last."""
        rows = await self._work.execute(select(CLIENTS.c.client_id, CLIENTS.c.updated_at).where(CLIENTS.c.enabled))
        return {row.client_id: row.updated_at for row in rows}

    async def enabled(self, names: Sequence[str]) -> dict[str, Client]:
        """Those of the named clients that are enabled. One that rules of today refuse is left out, not the service."""
        found: dict[str, Client] = {}
        for batch in (names[i : i + BATCH] for i in range(0, len(names), BATCH)):
            statement = select(CLIENTS).where(CLIENTS.c.enabled, CLIENTS.c.client_id.in_(batch))
            found |= {
                row.client_id: client for row in await self._work.execute(statement) if (client := self.read(row))
            }
        return found

    async def declare(self, declarations: Iterable[ClientDeclaration]) -> tuple[list[str], list[str]]:
        """Store the declared clients, at least one; one that is declared no more is disabled, its history kept.

        Ids of those that are new or changed (another secret is a change), and of those that are disabled now. Clients
        that registered themselves stay as they are. Raises RegisteredAlready where one of them has a declared id.
        """
        declared = {found.client_id: self.values(found) for found in declarations}
        if not declared:
            raise ValueError("no client is declared: every one would be disabled")
        ours = CLIENTS.c.declared | CLIENTS.c.client_id.in_(declared)
        known = (await self._work.execute(select(CLIENTS).where(ours))).all()
        if taken := sorted(row.client_id for row in known if not row.declared):
            raise RegisteredAlready(taken)
        enabled = {
            row.client_id: {"document": row.document, "secret_digest": row.secret_digest}
            for row in known
            if row.enabled
        }
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

    def values(self, found: ClientDeclaration) -> dict[str, Any]:
        """What is stored of a declaration."""
        secret = found.client_secret
        return {
            "document": found.model_dump(mode="json", exclude={"client_secret"}),
            "secret_digest": self.secret_digest(found.client_id, secret.get_secret_value()) if secret else None,
        }

    def read(self, row: Any) -> Client | None:
        """The client of a row; None, and a line in the log, where rules of today refuse it."""
        try:
            return Client.stored(row.document, row.secret_digest)
        except ValidationError:
            log.warning("clients.unreadable", client=row.client_id)
            return None
