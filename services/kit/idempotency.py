"""`Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header): the same key and body give the same answer.

The answer is kept in the transaction of the effect, so that neither can be without the other.
"""

import hashlib
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import orjson
from sqlalchemy import Column, LargeBinary, MetaData, String, Table, select

from services.kit.columns import UtcDateTime
from services.kit.errors import Kind, Malformed, TongbanError

if TYPE_CHECKING:
    from services.kit.db import UnitOfWork


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
    fingerprint = hashlib.sha256(orjson.dumps(request, option=orjson.OPT_SORT_KEYS)).hexdigest()
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
