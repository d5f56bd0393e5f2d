"""One-time links that set a password, by fingerprint."""

from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import delete, insert, select

from services.identity.store.tables import ENROLMENTS

if TYPE_CHECKING:
    from services.identity.store.work import Work


class EnrolmentStore:
    """At most one link for an account: a new one takes the place of the last."""

    def __init__(self, work: "Work") -> None:
        self._work = work

    async def add(self, token_hash: str, account_id: str, expires_at: datetime) -> None:
        await self._work.execute(delete(ENROLMENTS).where(ENROLMENTS.c.account_id == account_id))
        row = {"token_hash": token_hash, "account_id": account_id, "expires_at": expires_at}
        await self._work.execute(insert(ENROLMENTS).values(**row))

    async def find(self, token_hash: str, now: datetime) -> str | None:
        """The account whose password the link may set."""
        statement = select(ENROLMENTS.c.account_id).where(
            ENROLMENTS.c.token_hash == token_hash, ENROLMENTS.c.expires_at > now
        )
        return (await self._work.execute(statement)).scalar()

    async def take(self, token_hash: str, now: datetime) -> str | None:
        """The same, and the link is used up: for exactly one of any number of parallel calls."""
        found = await self._work.execute(
            delete(ENROLMENTS)
            .where(ENROLMENTS.c.token_hash == token_hash, ENROLMENTS.c.expires_at > now)
            .returning(ENROLMENTS.c.account_id)
        )
        return found.scalar()
