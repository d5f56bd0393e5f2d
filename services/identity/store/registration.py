"""Clients that registered themselves, and the tokens that let them."""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, insert, select, update

from services.identity.domain.clients import Client, ClientDeclaration, Realm
from services.identity.store.tables import CLIENTS, CODES, CONSENTS, FAMILIES, INITIAL_TOKENS

if TYPE_CHECKING:
    from services.identity.store.work import Work


@dataclass(frozen=True, slots=True)
class Registered:
    """A registered client and the fingerprint of the token that manages it."""

    client: Client
    token_hash: str


class RegistrationStore:
    """Initial access tokens and registered clients."""

    def __init__(self, work: "Work") -> None:
        self._work = work

    async def add_token(self, token_hash: str, realm: Realm, uses: int, expires_at: datetime) -> None:
        row = {"token_hash": token_hash, "realm": realm.value, "uses_left": uses, "expires_at": expires_at}
        await self._work.execute(insert(INITIAL_TOKENS).values(row))

    async def take_token(self, token_hash: str, now: datetime) -> Realm | None:
        """Use an initial access token once: its realm, None where nothing is left of it."""
        found = await self._work.execute(
            update(INITIAL_TOKENS)
            .where(
                INITIAL_TOKENS.c.token_hash == token_hash,
                INITIAL_TOKENS.c.uses_left > 0,
                INITIAL_TOKENS.c.expires_at > now,
            )
            .values(uses_left=INITIAL_TOKENS.c.uses_left - 1)
            .returning(INITIAL_TOKENS.c.realm)
        )
        realm = found.scalar()
        return Realm(realm) if realm is not None else None

    async def add(self, client: ClientDeclaration, token_hash: str) -> None:
        row = {
            "declared": False,
            "registration_token_hash": token_hash,
            "enabled": True,
            "updated_at": self._work.now(),
        }
        await self._work.execute(
            insert(CLIENTS).values(client_id=client.client_id, **self._work.clients.values(client), **row)
        )

    async def find(self, client_id: str, *, locked: bool = False) -> Registered | None:
        """A registered client that is enabled; `locked` until the transaction ends."""
        mine = (CLIENTS.c.client_id == client_id, CLIENTS.c.enabled, CLIENTS.c.declared.is_(False))
        statement = select(CLIENTS).where(*mine)
        row = (await self._work.execute(statement.with_for_update() if locked else statement)).first()
        if row is None or row.registration_token_hash is None:
            return None
        client = self._work.clients.read(row)
        return Registered(client, row.registration_token_hash) if client is not None else None

    async def replace(self, client: ClientDeclaration, *, kept_digest: str | None) -> None:
        """Other metadata for a registered client; its secret stays unless the declaration brings one."""
        values = self._work.clients.values(client)
        if client.client_secret is None:
            values["secret_digest"] = kept_digest
        mine = update(CLIENTS).where(CLIENTS.c.client_id == client.client_id)
        await self._work.execute(mine.values(**values, updated_at=self._work.now()))

    async def disable(self, client_id: str) -> None:
        """Nobody signs in through the client or manages it again; its row tells whom old records mean."""
        gone: dict[str, Any] = {"enabled": False, "registration_token_hash": None, "secret_digest": None}
        mine = update(CLIENTS).where(CLIENTS.c.client_id == client_id)
        await self._work.execute(mine.values(**gone, updated_at=self._work.now()))

    async def end_all(self, client_id: str) -> int:
        """End all that the client holds of anybody, and forget who agreed to it: how many families ended.

        Neither table is indexed by client: this is rare, and their hot paths should not pay for it.
        """
        now = self._work.now()
        mine = (CODES.c.client_id == client_id, CODES.c.expires_at > now)
        await self._work.execute(update(CODES).where(*mine).values(expires_at=now))
        ended = await self._work.execute(
            update(FAMILIES)
            .where(FAMILIES.c.client_id == client_id, FAMILIES.c.revoked_at.is_(None))
            .values(revoked_at=now)
        )
        await self._work.execute(delete(CONSENTS).where(CONSENTS.c.client_id == client_id))
        return int(ended.rowcount)  # type: ignore[attr-defined]

    async def is_declared(self, client_id: str) -> bool:
        """Whether the settings declare the client."""
        mine = (CLIENTS.c.client_id == client_id, CLIENTS.c.declared)
        return (await self._work.execute(select(CLIENTS.c.client_id).where(*mine))).first() is not None

    async def listed(self) -> list[Any]:
        """Every client, by id: row of document, declared, enabled, updated_at."""
        return list((await self._work.execute(select(CLIENTS).order_by(CLIENTS.c.client_id))).all())
