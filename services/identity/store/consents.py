"""What people have agreed to, by person and client."""

from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, select, update

from services.identity.domain.consents import Consent
from services.identity.store.tables import CODES, CONSENTS, FAMILIES, SESSIONS

if TYPE_CHECKING:
    from services.identity.store.work import Work


def _consent(row: Any) -> Consent:
    return Consent(frozenset(row.scopes), frozenset(row.claims), frozenset(row.resources))


class ConsentStore:
    """Consents; one that is withdrawn is gone, the audit trail remembers it."""

    def __init__(self, work: "Work") -> None:
        self._work = work

    async def find(self, account_id: str, client_id: str) -> Consent | None:
        """What the person has agreed to for this client."""
        statement = select(CONSENTS).where(CONSENTS.c.account_id == account_id, CONSENTS.c.client_id == client_id)
        row = (await self._work.execute(statement)).first()
        return _consent(row) if row is not None else None

    async def save(self, account_id: str, client_id: str, consent: Consent) -> None:
        row = {
            "account_id": account_id,
            "client_id": client_id,
            "scopes": sorted(consent.scopes),
            "claims": sorted(consent.claims),
            "resources": sorted(consent.resources),
            "given_at": self._work.now(),
        }
        await self._work.upsert(CONSENTS, [row], ["account_id", "client_id"])

    async def of_account(self, account_id: str) -> list[tuple[str, Consent, datetime]]:
        """Every client that the person has agreed to, with what and since when, the latest first."""
        statement = (
            select(CONSENTS)
            .where(CONSENTS.c.account_id == account_id)
            .order_by(CONSENTS.c.given_at.desc(), CONSENTS.c.client_id)
        )
        return [(row.client_id, _consent(row), row.given_at) for row in await self._work.execute(statement)]

    async def withdraw(self, account_id: str, client_id: str) -> bool:
        """Forget the consent; False where there is none."""
        found = await self._work.execute(
            delete(CONSENTS)
            .where(CONSENTS.c.account_id == account_id, CONSENTS.c.client_id == client_id)
            .returning(CONSENTS.c.client_id)
        )
        return found.first() is not None

    async def revoke_families(self, account_id: str, client_id: str, now: datetime) -> list[str]:
        """End all that a client holds of the person, codes on their way too: ids of the families that ended."""
        mine = (CODES.c.account_id == account_id, CODES.c.client_id == client_id, CODES.c.expires_at > now)
        await self._work.execute(update(CODES).where(*mine).values(expires_at=now))
        # Found by session: that is what families are indexed by.
        sessions = select(SESSIONS.c.id).where(SESSIONS.c.account_id == account_id)
        found = await self._work.execute(
            update(FAMILIES)
            .where(
                FAMILIES.c.session_id.in_(sessions), FAMILIES.c.client_id == client_id, FAMILIES.c.revoked_at.is_(None)
            )
            .values(revoked_at=now)
            .returning(FAMILIES.c.id)
        )
        return list(found.scalars())
