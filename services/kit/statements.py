"""Statements of hot paths, compiled once: on PostgreSQL asyncpg runs them itself.

Building a Core statement, finding its compiled form and running it through SQLAlchemy costs two to five times what
asyncpg costs; a request of identity has up to ten. The statements stay Core and the transaction SQLAlchemy's; on SQLite
they go the usual way. `UnitOfWork.run` takes them.
"""

import re
from collections.abc import Callable, Sequence
from functools import cache, cached_property
from typing import Any

import asyncpg
from sqlalchemy import Executable
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Dialect

POSTGRESQL: Dialect = postgresql.asyncpg.dialect()  # type: ignore[no-untyped-call]
Maker = Callable[[Any], Executable]


class Row(asyncpg.Record):  # type: ignore[misc]
    """A row with its columns as attributes, as SQLAlchemy's have them."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None


class Statement:
    """One Core statement with a fixed text. What differs from call to call is a `bindparam` or one of `columns`.

    `make` gets the dialect's `insert`, for ON CONFLICT. `columns`: those that an INSERT fills from the call's values.
    Values come back as asyncpg gives them: only column types whose results need no work of SQLAlchemy's are fit.
    """

    def __init__(self, make: Maker, columns: Sequence[str] = ()) -> None:
        self._make = make
        self._columns = list(columns) or None

    @cached_property
    def for_sqlite(self) -> Executable:
        return self._make(sqlite.insert)

    @cached_property
    def _compiled(self) -> tuple[str, list[tuple[str, Any, Callable[[Any], Any] | None]]]:
        statement: Any = self._make(postgresql.insert)
        compiled = statement.compile(dialect=POSTGRESQL, column_keys=self._columns)
        arguments = []
        for name in compiled.positiontup or ():
            bind = compiled.binds[name]
            convert = bind.type.dialect_impl(POSTGRESQL).bind_processor(POSTGRESQL)
            arguments.append((name, bind.value, convert))
        return compiled.string, arguments

    @property
    def text(self) -> str:
        """What PostgreSQL is sent."""
        return self._compiled[0]

    @property
    def count(self) -> int:
        """How many values it takes."""
        return len(self._compiled[1])

    def arguments(self, values: dict[str, Any]) -> list[Any]:
        """The values for `$1` and on."""
        given = []
        for name, default, convert in self._compiled[1]:
            value = values.get(name, default)
            given.append(convert(value) if convert is not None else value)
        return given

    async def fetch(self, connection: "asyncpg.Connection[Any]", values: dict[str, Any]) -> list[Any]:
        """Run on PostgreSQL; the rows it returns."""
        return list(await connection.fetch(self.text, *self.arguments(values), record_class=Row))


def _moved(text: str, by: int) -> str:
    return re.sub(r"\$(\d+)", lambda found: f"${int(found[1]) + by}", text)


@cache
def _one_text(statements: tuple[Statement, ...]) -> str:
    parts, before = [], 0
    for statement in statements:
        parts.append(_moved(statement.text, before))
        before += statement.count
    *others, last = parts
    return f"WITH {', '.join(f'w{n} AS ({part})' for n, part in enumerate(others))} {last}"


async def fetch_together(
    connection: "asyncpg.Connection[Any]", statements: Sequence[tuple[Statement, dict[str, Any]]]
) -> list[Any]:
    """Run several on PostgreSQL as one: those before the last, which must write, as its WITH; the rows of the last."""
    given = [value for statement, values in statements for value in statement.arguments(values)]
    return list(await connection.fetch(_one_text(tuple(s for s, _ in statements)), *given, record_class=Row))
