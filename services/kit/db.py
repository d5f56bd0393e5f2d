"""The database and the unit of work: state, events and audit records commit together or not at all.

A service declares its tables with SQLModel on a registry of its own, adds the kit's with `kit_tables(metadata)`, and
subclasses `UnitOfWork` to hang its stores on it. SQL is written as SQLAlchemy Core statements in `store.py`.

    async with Work(context) as work:          # BEGIN; entered again inside: a savepoint
        case = await work.cases.locked(case_id)
        work.publish(event_of(...))            # outbox row in the same transaction
                                               # COMMIT, then the relay is woken
"""

import asyncio
from asyncio import CancelledError
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import asyncpg
from sqlalchemy import (
    ARRAY,
    BindParameter,
    ColumnElement,
    Executable,
    MetaData,
    Result,
    Table,
    Text,
    TextClause,
    any_,
    bindparam,
    insert,
    text,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from services.contracts.base import Envelope
from services.kit import audit, crypto, deliveries, inbox, outbox
from services.kit.database import WAIT_SECONDS
from services.kit.idempotency import idempotency_table
from services.kit.replays import used_proofs_table
from services.kit.statements import POSTGRESQL, Statement, fetch_together

if TYPE_CHECKING:
    from services.kit.service import Context


@dataclass(frozen=True)
class KitTables:
    """The kit's tables in one service's metadata."""

    outbox: Table
    inbox: inbox.InboxTables
    audit: audit.AuditTables
    data_keys: Table
    idempotency: Table
    used_proofs: Table
    deliveries: deliveries.DeliveryTables | None


def kit_tables(metadata: MetaData, *, with_deliveries: bool = False) -> KitTables:
    """Declare the kit's tables on a service's metadata."""
    return KitTables(
        outbox=outbox.outbox_table(metadata),
        inbox=inbox.inbox_tables(metadata),
        audit=audit.audit_tables(metadata),
        data_keys=crypto.data_keys_table(metadata),
        idempotency=idempotency_table(metadata),
        used_proofs=used_proofs_table(metadata),
        deliveries=deliveries.delivery_tables(metadata) if with_deliveries else None,
    )


Shape = tuple[tuple[Table, tuple[str, ...]], ...]
"""Tables and the columns that rows for each of them fill."""


@cache
def _insert_all(shape: Shape) -> TextClause:
    """One statement that inserts any number of rows into several tables, each column given as an array (PostgreSQL).

    Rows are numbered in the order in which they are given: that of the outbox is the order of sending.
    """
    parts, binds = [], []
    for number, (table, columns) in enumerate(shape):
        part, given = _insert_arrays(table, columns, f"t{number}_")
        parts.append(part)
        binds += given
    *others, last = parts
    before = ", ".join(f"w{number} AS ({part})" for number, part in enumerate(others))
    return text((f"WITH {before} " if before else "") + last).bindparams(*binds)


@cache
def _insert_rows(table: Table, columns: tuple[str, ...], then: str = "") -> TextClause:
    """One statement for any number of rows of one table, each column given as an array (PostgreSQL). With VALUES it
    would be compiled anew for each call, which takes longer than to execute it."""
    part, binds = _insert_arrays(table, columns, "")
    return text(f"{part} {then}").bindparams(*binds)


def _columns(rows: Sequence[dict[str, Any]]) -> dict[str, list[Any]]:
    return {name: [row[name] for row in rows] for name in rows[0]}


def _insert_arrays(table: Table, columns: Sequence[str], prefix: str) -> tuple[str, list[BindParameter[Any]]]:
    named = ", ".join(f'"{name}"' for name in columns)
    arrays, binds = [], []
    for name in columns:
        kind = table.c[name].type
        if kind.compile(dialect=POSTGRESQL).startswith("VARCHAR"):
            kind = Text()  # a cast to VARCHAR(n) would cut what is too long instead of refusing it
        arrays.append(f"CAST(:{prefix}{name} AS {kind.compile(dialect=POSTGRESQL)}[])")
        # One dimension, said so: a JSON value that is a list would else be taken for another.
        binds.append(bindparam(f"{prefix}{name}", type_=ARRAY(kind, dimensions=1)))
    given = f"unnest({', '.join(arrays)}) WITH ORDINALITY AS given ({named}, given_place)"
    return f'INSERT INTO "{table.name}" ({named}) SELECT {named} FROM {given} ORDER BY given_place', binds  # noqa: S608


class UnitOfWork:
    """One transaction. Enter it to begin; an error rolls back, a clean end commits. Entered inside itself: a savepoint.

    Not shared between tasks. `readonly=True` takes no write lock and refuses to publish. `single=True`: writing
    statements that are each whole by themselves, which PostgreSQL commits without BEGIN and COMMIT (a turn each).
    """

    def __init__(self, context: "Context", *, readonly: bool = False, single: bool = False) -> None:
        self.context = context
        self.readonly = readonly
        self._autocommit = (readonly or single) and context.database.dialect == "postgresql"
        self.in_group = False
        """Set by `kit.group_commit`: what fails undoes others' work too, who are then run again alone."""
        self._connection: AsyncConnection | None = None
        self._direct: Any = None
        self._hold: AbstractAsyncContextManager[Any] | None = None
        self._savepoints: list[tuple[Any, int, int, int, int]] = []
        self._depth = 0
        self._events: list[outbox.Row] = []
        self._audit: list[dict[str, Any]] = []
        self._rows: list[tuple[Table, dict[str, Any]]] = []
        self._after: list[Callable[[], None]] = []
        self._published = False

    @property
    def connection(self) -> AsyncConnection:
        """The connection of the running transaction."""
        if self._connection is None:
            raise RuntimeError("no transaction: use `async with work`")
        return self._connection

    def now(self) -> datetime:
        return self.context.clock()

    async def execute(self, statement: Executable, parameters: Any = None) -> Result[Any]:
        """Execute one Core statement in the transaction."""
        return await (await self._opened()).execute(statement, parameters)

    async def run(self, statement: Statement, **values: Any) -> list[Any]:
        """Execute a statement of a hot path in the transaction; the rows that it returns."""
        if self.context.database.dialect == "postgresql":
            return await statement.fetch(await self._driver(), values)
        result = await self.connection.execute(statement.for_sqlite, values)
        return list(result.all()) if result.returns_rows else []

    async def run_together(self, *statements: tuple[Statement, dict[str, Any]]) -> list[Any]:
        """Execute several in one turn (on SQLite one after the other); the rows of the last, which may only read.

        None sees what the others write, and PostgreSQL does them in any order.
        """
        if self.context.database.dialect == "postgresql":
            return await fetch_together(await self._driver(), statements)
        rows: list[Any] = []
        for statement, values in statements:
            rows = await self.run(statement, **values)
        return rows

    async def _driver(self) -> Any:
        """asyncpg's own connection (PostgreSQL), in the transaction."""
        if self._connection is None and self._autocommit:
            # Never while a connection of the pool is held: who holds one of each kind waits for the pool alone.
            if self._direct is None:
                self._direct = await self.context.database.direct.take()
            return self._direct
        connection: Any = self.connection.sync_connection
        adapted = connection.connection.dbapi_connection
        if adapted._transaction is None and not self._autocommit:
            await adapted._start_transaction()  # SQLAlchemy begins at its own first statement, which this is not
        return adapted.driver_connection

    def whole(self) -> Self:
        """To enter for statements that must be one: a transaction of their own beside single ones, else a savepoint."""
        return type(self)(self.context) if self._autocommit and not self.readonly else self

    def add(self, table: Table, row: dict[str, Any]) -> None:
        """Insert `row` just before commit, together with others of its table (one round trip for many)."""
        self._rows.append((table, row))

    def publish(self, event_: Envelope) -> None:
        """Send `event_` once the transaction has committed (through the outbox)."""
        self.publish_raw(outbox.Row.of(event_, self.now(), self.context.settings.topic_prefix))

    def publish_raw(self, row: outbox.Row) -> None:
        if self.readonly:
            raise RuntimeError("a read-only unit of work publishes nothing")
        self._events.append(row)

    def audit(self, entry: "audit.AuditEntry") -> None:
        """Record who did what to what, in the same transaction."""
        self._audit.append(entry.row(self))

    async def flush(self) -> None:
        """Write now what was queued since the innermost savepoint began, so that a bad row fails inside it."""
        events, entries, rows = self._savepoints[-1][1:4] if self._savepoints else (0, 0, 0)
        self._published = self._published or len(self._events) > events
        await self._write(self._events[events:], self._audit[entries:], self._rows[rows:])
        del self._events[events:], self._audit[entries:], self._rows[rows:]

    def after_commit(self, act: Callable[[], None]) -> None:
        """Call `act` once the transaction has committed; never when it has not."""
        self._after.append(act)

    async def insert_ignore(self, table: Table, rows: Sequence[dict[str, Any]], returning: Any) -> list[Any]:
        """INSERT … ON CONFLICT DO NOTHING; the `returning` column of the rows that were new."""
        dialect = postgresql if self.context.database.dialect == "postgresql" else sqlite
        if len(rows) == 1:
            # One row's values go as parameters: the statement is compiled once, not for every call.
            one = dialect.insert(table).on_conflict_do_nothing().returning(returning)
            return list((await self.execute(one, rows[0])).scalars())
        if self.context.database.dialect == "postgresql":
            columns = _columns(rows)
            new = _insert_rows(table, tuple(columns), f'ON CONFLICT DO NOTHING RETURNING "{returning.name}"')
            return list((await self.execute(new, columns)).scalars())
        statement = dialect.insert(table).values(list(rows)).on_conflict_do_nothing().returning(returning)
        return list((await self.execute(statement)).scalars())

    async def upsert(
        self, table: Table, rows: Iterable[dict[str, Any]], key: Sequence[str], *, keep: Sequence[str] = ()
    ) -> None:
        """INSERT … ON CONFLICT (key) DO UPDATE of every other column given, those in `keep` apart."""
        rows = list(rows)
        if not rows:
            return
        names = [name for name in rows[0] if name not in key and name not in keep]
        if self.context.database.dialect == "postgresql":
            keys = ", ".join(f'"{name}"' for name in key)
            sets = ", ".join(f'"{name}" = excluded."{name}"' for name in names)
            then = f"ON CONFLICT ({keys}) DO UPDATE SET {sets}"
            columns = _columns(rows)
            await self.execute(_insert_rows(table, tuple(columns), then), columns)
            return
        statement = sqlite.insert(table)
        changed = {name: statement.excluded[name] for name in names}
        await self.execute(statement.on_conflict_do_update(index_elements=list(key), set_=changed), rows)

    async def insert_many(self, table: Table, rows: Sequence[dict[str, Any]]) -> None:
        """INSERT of any number of rows, in one turn (PostgreSQL)."""
        if rows and self.context.database.dialect == "postgresql":
            columns = _columns(rows)
            await self.execute(_insert_rows(table, tuple(columns)), columns)
        elif rows:
            await self.execute(insert(table), rows)

    def among(self, column: ColumnElement[str], values: Iterable[str]) -> ColumnElement[bool]:
        """Whether a text `column` is one of `values`: of any number of them the statement is the same (PostgreSQL)."""
        if self.context.database.dialect == "postgresql":
            return column == any_(bindparam(None, list(values), type_=ARRAY(Text), unique=True))
        return column.in_(list(values))

    async def _opened(self) -> AsyncConnection:
        if self._connection is None and self._autocommit and self._depth:
            self._connection = await self.context.database.connect()
            await self.context.database.make_reading(self._connection)
            await self._connection.begin()
        return self.connection

    async def __aenter__(self) -> Self:
        if self._depth:
            marks = (len(self._events), len(self._audit), len(self._rows), len(self._after))
            whole = self.readonly or self._autocommit
            self._savepoints.append((None if whole else await self.connection.begin_nested(), *marks))
            self._depth += 1
            return self
        if self._autocommit:
            self._depth = 1  # a connection is taken by the first statement
            return self
        if not self.readonly:
            hold = self.context.database.writing()
            async with asyncio.timeout(WAIT_SECONDS):
                await hold.__aenter__()
            self._hold = hold
        try:
            self._connection = await self.context.database.connect()
            if self.readonly:
                await self.context.database.make_reading(self._connection)
            await self._connection.begin()
        except BaseException:
            await self._release()
            raise
        self._depth = 1
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._depth -= 1
        if self._savepoints:
            savepoint, *marks = self._savepoints.pop()
            if error is not None:
                for queue, mark in zip((self._events, self._audit, self._rows, self._after), marks, strict=True):
                    del queue[mark:]  # type: ignore[attr-defined]
            if savepoint is not None:
                await (savepoint.commit() if error is None else savepoint.rollback())
            return
        try:
            if error is None:
                await self.flush()
            if self._connection is not None:
                await (self._commit() if error is None else self._connection.rollback())
        except BaseException as failure:
            error = failure
            raise
        finally:
            after, published = self._after, self._published
            self._events, self._audit, self._rows, self._after = [], [], [], []
            self._published = False
            await self._release(
                sound=not isinstance(error, (asyncpg.PostgresError, asyncpg.InterfaceError, CancelledError))
            )
        if error is None:
            if published:
                await self.context.committed()
            for act in after:
                act()

    async def _commit(self) -> None:
        try:
            await self.connection.commit()
        except Exception:
            await self.connection.invalidate()  # SQLite leaves it open: the pool's next user must not go on in it
            raise

    async def _write(
        self, events: list[outbox.Row], entries: list[dict[str, Any]], queued: list[tuple[Table, dict[str, Any]]]
    ) -> None:
        grouped: dict[Table, list[dict[str, Any]]] = {}
        for table, row in queued:
            grouped.setdefault(table, []).append(row)
        if entries:
            grouped[self.context.tables.audit.audit] = entries
        if events:
            grouped[self.context.tables.outbox] = [row.values() for row in events]
        if grouped and self.context.database.dialect == "postgresql":
            shape = tuple((table, tuple(rows[0])) for table, rows in grouped.items())
            columns = {
                f"t{number}_{name}": [row[name] for row in grouped[table]]
                for number, (table, names) in enumerate(shape)
                for name in names
            }
            await self.execute(_insert_all(shape), columns)
            return
        for table, rows in grouped.items():
            await self.execute(insert(table), rows)

    async def _release(self, *, sound: bool = True) -> None:
        if self._direct is not None:
            self.context.database.direct.give(self._direct, sound=sound)
            self._direct = None
        connection, self._connection = self._connection, None
        hold, self._hold = self._hold, None
        try:
            if connection is not None:
                # A cancelled request must give its connection back all the same.
                await asyncio.shield(connection.close())
        finally:
            if hold is not None:
                await hold.__aexit__(None, None, None)
