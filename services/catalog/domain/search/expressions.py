"""What a document must hold: a small algebra of terms, written out as each database's index reads it."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from services.catalog.domain.search.documents import NAME_MARK


@dataclass(frozen=True, slots=True)
class All:
    """Every one of `parts`."""

    parts: tuple["Expression", ...]


@dataclass(frozen=True, slots=True)
class Any:
    """At least one of `parts`."""

    parts: tuple["Expression", ...]


Expression = str | All | Any
Dialect = Literal["postgresql", "sqlite"]


def every(parts: Iterable[Expression]) -> Expression:
    """All of `parts`, each once; what has a single part is that part."""
    found = tuple(dict.fromkeys(parts))
    return found[0] if len(found) == 1 else All(found)


def either(parts: Iterable[Expression]) -> Expression:
    """One of `parts`."""
    found = tuple(dict.fromkeys(parts))
    return found[0] if len(found) == 1 else Any(found)


def in_name(expression: Expression) -> Expression:
    """The same of the name alone."""
    if isinstance(expression, str):
        return f"{NAME_MARK}{expression}"
    return type(expression)(tuple(in_name(part) for part in expression.parts))


def written(expression: Expression, dialect: Dialect) -> str:
    """As `tsquery` (PostgreSQL) or as a query of FTS5 (SQLite). Each term is quoted: nothing in it is an operator."""
    if isinstance(expression, str):
        # Backslash and quote are in no term of ours (see `domain.terms`), and mean nothing here if they ever are.
        if dialect == "postgresql":
            return "'" + expression.replace("\\", "\\\\").replace("'", "''") + "'"
        return '"' + expression.replace('"', '""') + '"'
    joint = {"postgresql": (" & ", " | "), "sqlite": (" AND ", " OR ")}[dialect][isinstance(expression, Any)]
    return "(" + joint.join(written(part, dialect) for part in expression.parts) + ")"
