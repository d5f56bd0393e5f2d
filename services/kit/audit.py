"""Audit: who did what to what, for whom, why, with what result. Append-only, sealed by a chain of hashes.

A record is written in the transaction of the act (`work.audit(AuditEntry(...))`). The `Sealer` then gives each record
its place in the chain: hash = SHA-256 over the hash before it and the record itself, so that a record changed, removed,
moved or slipped in later shows: `verify` (the command `tongban audit verify`) says where. The database refuses UPDATE
and DELETE (`append_only_ddl`, part of every service's first migration).

Who can rewrite the whole database can rewrite the whole chain: note the head that `verify` prints, or the ones that the
sealer logs, somewhere else, and give it to a later `verify`. Records are kept for 185 days at least (more than the six
months of 网络安全法 art. 21(3)); nothing here deletes any.
"""

import asyncio
import hashlib
import zlib
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import orjson
from sqlalchemy import Column, ColumnElement, MetaData, Row, Select, String, Table, func, insert, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.kit.columns import BigId, UtcDateTime
from services.kit.telemetry import log, trace_id

if TYPE_CHECKING:
    from services.kit.db import UnitOfWork
    from services.kit.service import Context

POLL_SECONDS = 5.0
BATCH_ROWS = 500
LATE_SECONDS = 600.0
"""Longest time between the numbering of a record and its commit; an older one that appears was slipped in."""
START = "0" * 64
"""The hash before the first record."""
_LOWEST = -(2**63)
_SEALED = (
    *("id", "at", "actor", "action", "object_type", "object_id"),
    *("realm", "client", "on_behalf_of", "purpose", "result", "trace_id"),
)
"""What a hash covers. Frozen: a column added later would change every hash."""


@dataclass(frozen=True)
class AuditTables:
    """`audit` holds the records, `seals` the chain over them."""

    audit: Table
    seals: Table


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """Who did what to what, for whom, why, with what result."""

    actor: str
    action: str
    object_type: str
    object_id: str
    realm: str | None = None
    client: str | None = None
    on_behalf_of: str | None = None
    purpose: str | None = None
    result: str = "done"

    def row(self, work: "UnitOfWork") -> dict[str, Any]:
        """The record as it is kept: with the time and the trace."""
        return {"at": work.now(), "trace_id": trace_id()} | {name: getattr(self, name) for name in self.__slots__}


def audit_tables(metadata: MetaData) -> AuditTables:
    """Declare the two tables on a service's metadata."""
    audit = Table(
        "audit",
        metadata,
        Column("id", BigId, primary_key=True, autoincrement=True),
        Column("at", UtcDateTime, nullable=False),
        Column("actor", String(64), nullable=False),
        Column("action", String(64), nullable=False),
        Column("object_type", String(64), nullable=False),
        Column("object_id", String(200), nullable=False),
        Column("realm", String(16)),
        Column("client", String(64)),
        Column("on_behalf_of", String(64)),
        Column("purpose", String(500)),
        Column("result", String(64), nullable=False),
        Column("trace_id", String(32), nullable=False),
    )
    seals = Table(
        "audit_seals",
        metadata,
        Column("position", BigId, primary_key=True, autoincrement=False),
        Column("audit_id", BigId, nullable=False, unique=True),
        Column("hash", String(64), nullable=False),
    )
    return AuditTables(audit, seals)


def append_only_ddl(dialect: str) -> list[str]:
    """Statements that make the database refuse UPDATE, DELETE (and what amounts to them) of both tables."""
    if dialect == "postgresql":
        refuse = "RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege'"
        found = [
            f"CREATE FUNCTION audit_append_only() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {refuse}; END $$",
        ]
        found += [
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION audit_append_only()"
            for table in ("audit", "audit_seals")
        ]
        return found
    found = []
    # SQLite runs no DELETE trigger for INSERT OR REPLACE: an INSERT over a row that is there is refused by itself.
    seals = "SELECT {} FROM audit_seals"
    for table, same in (
        ("audit", "NEW.id IN (SELECT id FROM audit)"),
        (
            "audit_seals",
            f"NEW.position IN ({seals.format('position')}) OR NEW.audit_id IN ({seals.format('audit_id')})",
        ),
    ):
        refuse = f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
        found += [
            f"CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table} {refuse}",
            f"CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} {refuse}",
            f"CREATE TRIGGER {table}_no_replace BEFORE INSERT ON {table} WHEN {same} {refuse}",
        ]
    return found


def _unsealed(tables: AuditTables) -> ColumnElement[bool]:
    """Condition on `audit`: the record has no seal."""
    return ~select(tables.seals.c.audit_id).where(tables.seals.c.audit_id == tables.audit.c.id).exists()


@dataclass(frozen=True, slots=True)
class Head:
    """The end of the chain: to be noted elsewhere, so that a chain cut short or rewritten shows."""

    position: int
    hash: str


def _sealed(previous: str, position: int, row: Row[Any]) -> str:
    """The hash of a record at its place: SHA-256 over the hash before it and its canonical JSON (keys sorted, UTC)."""
    content = {name: getattr(row, name) for name in _SEALED}
    content |= {"at": row.at.astimezone(UTC).isoformat(timespec="microseconds"), "position": position}
    return hashlib.sha256(previous.encode() + orjson.dumps(content, option=orjson.OPT_SORT_KEYS)).hexdigest()


class Sealer:
    """Gives every record its place in the chain, soon after its commit. One at a time seals for a service."""

    name = "audit"

    def __init__(self, context: "Context") -> None:
        self._context = context
        self._head: Head | None = None
        # Records up to this number are all sealed and none can appear among them any more: the first round of a process
        # reads the whole table, later ones need not.
        self._floor = _LOWEST
        self._floor_at: datetime | None = None

    async def run(self) -> None:
        """Seal until cancelled."""
        while True:
            await self.seal_waiting()
            await asyncio.sleep(POLL_SECONDS)

    async def health(self) -> str | None:
        """Never a reason to take no requests: records wait safely for their seal."""
        return None

    async def seal_waiting(self) -> int:
        """Seal all records that wait. How many; 0 when another process is sealing."""
        sealed, after = 0, self._floor
        async with self._context.database.reading() as connection:
            waiting = (await connection.execute(self._unsealed(after).limit(1))).first() is not None
        while waiting:
            ids = await self._seal_batch(after)
            sealed += len(ids)
            waiting = len(ids) == BATCH_ROWS
            after = max(ids, default=after)
        await self._raise_floor()
        return sealed

    async def _seal_batch(self, after: int) -> list[int]:
        async with self._context.database.writing(), self._context.database.engine.begin() as connection:
            if not await self._alone(connection):
                return []
            rows = (await connection.execute(self._unsealed(after).limit(BATCH_ROWS))).all()
            head = await self._checked_head(connection)
            seals = []
            for row in rows:
                position = head.position + 1
                head = Head(position, _sealed(head.hash, position, row))
                seals.append({"position": position, "audit_id": row.id, "hash": head.hash})
            if seals:
                await connection.execute(insert(self._context.tables.audit.seals), seals)
        if seals:
            self._head = head
            log.info("audit.sealed", records=len(seals), position=head.position, hash=head.hash)
        return [row.id for row in rows]

    async def _raise_floor(self) -> None:
        """Once in LATE_SECONDS, after a whole round: what is older than that is complete."""
        old = self._context.clock() - timedelta(seconds=LATE_SECONDS)
        if self._floor_at is not None and self._floor_at > old:
            return
        audit = self._context.tables.audit.audit
        statement = (
            select(audit.c.id)
            .where(audit.c.at < old, ~_unsealed(self._context.tables.audit))
            .order_by(audit.c.id.desc())
        )
        async with self._context.database.reading() as connection:
            if (await connection.execute(self._unsealed(self._floor).where(audit.c.at < old).limit(1))).first() is None:
                self._floor = (await connection.execute(statement.limit(1))).scalar() or self._floor
                self._floor_at = self._context.clock()

    def _unsealed(self, after: int) -> Select[Any]:
        audit = self._context.tables.audit.audit
        return select(audit).where(audit.c.id > after, _unsealed(self._context.tables.audit)).order_by(audit.c.id)

    async def _alone(self, connection: AsyncConnection) -> bool:
        if self._context.database.dialect == "sqlite":
            return True  # the transaction holds the one right to write
        key = zlib.crc32(f"tongban-audit-{self._context.service}".encode())
        found = await connection.execute(text("SELECT pg_try_advisory_xact_lock(:key)"), {"key": key})
        return bool(found.scalar_one())

    async def _checked_head(self, connection: AsyncConnection) -> Head:
        """The end of the chain; says so when what this process sealed last is no longer in it."""
        seals = self._context.tables.audit.seals
        if self._head is not None:
            mine = select(seals.c.hash).where(seals.c.position == self._head.position)
            if (await connection.execute(mine)).scalar() != self._head.hash:
                log.error("audit.chain_changed", position=self._head.position, hash=self._head.hash)
        last = (await connection.execute(select(seals).order_by(seals.c.position.desc()).limit(1))).first()
        return Head(0, START) if last is None else Head(last.position, last.hash)


@dataclass(frozen=True, slots=True)
class Finding:
    """One place where the chain does not hold: position in it (0: outside), number of the record, what is wrong."""

    position: int
    audit_id: int | None
    what: str


@dataclass(frozen=True, slots=True)
class AuditReport:
    """What `verify` found. `waiting`: records not sealed yet."""

    checked: int
    waiting: int
    head: Head
    findings: tuple[Finding, ...]

    @property
    def intact(self) -> bool:
        return not self.findings


MOST_FINDINGS = 100


async def verify(context: "Context", noted: Iterable[Head] = ()) -> AuditReport:
    """Walk the whole chain and say where it does not hold: records changed, removed, moved or slipped in.

    `noted` are heads noted before: the chain must still hold them. At most MOST_FINDINGS are reported, first ones
    first. Reads only; may run beside a working service.
    """
    findings: list[Finding] = []
    expected = {head.position: head.hash for head in noted}
    head, latest, checked = Head(0, START), datetime.min.replace(tzinfo=UTC), 0
    async for row in _chain(context):
        if row.position != head.position + 1:
            findings.append(Finding(head.position + 1, None, f"seals are missing up to position {row.position - 1}"))
        problem = None
        if row.id is None:
            problem = "the record was removed"
        else:
            if _sealed(head.hash, row.position, row) != row.hash:
                problem = "the record or its seal was changed or moved"
            elif row.at + timedelta(seconds=LATE_SECONDS) < latest:
                problem = "the record was slipped in: it is dated before records that were sealed earlier"
            latest = max(latest, row.at)
        if expected.pop(row.position, row.hash) != row.hash:
            problem = problem or "the hash is not the one that was noted"
        if problem:
            findings.append(Finding(row.position, row.audit_id, problem))
        # On with the hash as it is kept: what follows is judged by itself.
        head, checked = Head(row.position, row.hash), checked + 1
        if len(findings) >= MOST_FINDINGS:
            break
    else:
        findings += [Finding(lost, None, "the chain ends before a noted position") for lost in sorted(expected)]
        findings += [Finding(0, found, "the record was slipped in: it has no seal") for found in await _missed(context)]
    return AuditReport(checked, await _waiting(context), head, tuple(findings[:MOST_FINDINGS]))


async def _chain(context: "Context") -> AsyncIterator[Row[Any]]:
    """Every seal in order with its record, or with empty columns where there is none."""
    audit, seals = context.tables.audit.audit, context.tables.audit.seals
    joined = seals.outerjoin(audit, audit.c.id == seals.c.audit_id)
    columns = [seals.c.position, seals.c.audit_id, seals.c.hash, *audit.c]
    after = _LOWEST
    while True:
        statement = select(*columns).select_from(joined).where(seals.c.position > after).order_by(seals.c.position)
        async with context.database.reading() as connection:
            rows = (await connection.execute(statement.limit(BATCH_ROWS))).all()
        for row in rows:
            yield row
        if len(rows) < BATCH_ROWS:
            return
        after = rows[-1].position


async def _missed(context: "Context") -> list[int]:
    """Old records without a seal among numbers that are sealed: no sealer passes one over, so they came behind it."""
    tables = context.tables.audit
    audit, latest = tables.audit, select(func.max(tables.seals.c.audit_id)).scalar_subquery()
    old = audit.c.at < context.clock() - timedelta(seconds=LATE_SECONDS)
    statement = select(audit.c.id).where(_unsealed(tables), audit.c.id < latest, old).order_by(audit.c.id)
    async with context.database.reading() as connection:
        return list((await connection.execute(statement.limit(MOST_FINDINGS))).scalars())


async def _waiting(context: "Context") -> int:
    tables = context.tables.audit
    statement = select(func.count()).select_from(tables.audit).where(_unsealed(tables))
    async with context.database.reading() as connection:
        return int((await connection.execute(statement)).scalar_one())
