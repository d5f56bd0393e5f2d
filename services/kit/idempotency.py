"""`Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header): the same key and body give the same answer.

The answer is kept in the transaction of the effect, so that neither can be without the other.
"""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import orjson
from sqlalchemy import Column, LargeBinary, MetaData, String, Table, delete, select, tuple_

from services.kit.columns import UtcDateTime
from services.kit.errors import Kind, Malformed, TongbanError

if TYPE_CHECKING:
    from services.kit.db import UnitOfWork
    from services.kit.service import Context

KEEP_DAYS = 30
"""How long a repetition gets the first answer; nobody repeats a request after a month."""
BATCH_ROWS = 500


class KeyReused(TongbanError):
    kind, slug, title = Kind.INVALID, "idempotency-key-reused", "This Idempotency-Key was used for another request"


class KeyMissing(Malformed):
    slug, title = "idempotency-key-required", "An Idempotency-Key header of 1 to 255 printable characters is required"


def idempotency_table(metadata: MetaData) -> Table:
    """Answers already given, by caller and key."""
    return Table(
        "idempotency",
        metadata,
        Column("caller", String(64), primary_key=True),
        Column("key", String(64), primary_key=True),
        Column("fingerprint", String(64), nullable=False),
        Column("answer", LargeBinary, nullable=False),
        Column("created_at", UtcDateTime, nullable=False, index=True),
    )


def checked_key(value: str | None) -> str:
    """The header's value, or KeyMissing."""
    if not value or len(value) > 255 or not value.isprintable():
        raise KeyMissing
    return value


def _fingerprint(work: "UnitOfWork", request: bytes) -> str:
    # A request holds what people typed, a telephone number say: a plain digest of it could be found out by trying.
    crypto = work.context.crypto
    return crypto.digest(request, "idempotency") if crypto else hashlib.sha256(request).hexdigest()


async def once(
    work: "UnitOfWork",
    *,
    caller: str,
    key: str,
    request: Any,
    act: Callable[[], Awaitable[Any]],
    keep: Callable[[Any], Any],
    answer: Any = None,
) -> tuple[Any, bool]:
    """Run `act` unless `caller` used `key` before: then the kept answer. Must be called inside `work`.

    `keep` makes the JSON to keep of what `act` returns (ids, not personal data). Where the answer is known beforehand
    (an id), give it as `answer`: that saves a statement. Returns (answer as kept, whether it is a repetition). Raises
    KeyReused when the key came with another request before. Two at once: the second waits for the first.

    In a group's transaction (`kit.group_commit`) a known answer is written with all other rows at the end: a key that
    was used before undoes the group, and alone the job is told.
    """
    table = work.context.tables.idempotency
    digest = hashlib.sha256(key.encode()).hexdigest()
    fingerprint = _fingerprint(work, orjson.dumps(request, option=orjson.OPT_SORT_KEYS))
    known = b"" if answer is None else orjson.dumps(answer)
    row = {"caller": caller, "key": digest, "fingerprint": fingerprint, "answer": known, "created_at": work.now()}
    if work.in_group and answer is not None:
        work.add(table, row)
        await act()
        return answer, False
    if await work.insert_ignore(table, [row], table.c.key):
        result = keep(await act())
        if result == answer:
            return answer, False
        answer = result
        found = (table.c.caller == caller) & (table.c.key == digest)
        await work.execute(table.update().where(found).values(answer=orjson.dumps(answer)))
        return answer, False
    statement = select(table.c.fingerprint, table.c.answer).where(table.c.caller == caller, table.c.key == digest)
    seen = (await work.execute(statement)).one()
    if seen.fingerprint != fingerprint:
        raise KeyReused
    return orjson.loads(seen.answer), True


class Pruner:
    """The worker that forgets answers which nobody asks for any more."""

    name = "idempotency"

    def __init__(self, context: "Context") -> None:
        self._context = context

    async def run(self) -> None:
        """Prune once an hour until cancelled."""
        while True:
            await self.prune()
            await asyncio.sleep(3600)

    async def health(self) -> str | None:
        return None

    async def prune(self) -> int:
        """Delete the answers older than KEEP_DAYS, a batch at a time. How many."""
        table = self._context.tables.idempotency
        before, pruned = self._context.clock() - timedelta(days=KEEP_DAYS), 0
        while True:
            async with self._context.database.reading() as connection:
                old = select(table.c.caller, table.c.key).where(table.c.created_at < before).limit(BATCH_ROWS)
                rows = [tuple(row) for row in await connection.execute(old)]
            if rows:
                await self._context.database.execute(delete(table).where(tuple_(table.c.caller, table.c.key).in_(rows)))
            pruned += len(rows)
            if len(rows) < BATCH_ROWS:
                return pruned
