"""Column types that mean the same on SQLite and PostgreSQL."""

import json
from datetime import UTC, datetime
from typing import Any

import orjson
from sqlalchemy import JSON, BigInteger, DateTime, Integer, LargeBinary
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator, TypeEngine

BigId = BigInteger().with_variant(Integer(), "sqlite")
"""Auto-incrementing integer key (SQLite numbers rows only for INTEGER)."""

JsonColumn = JSON().with_variant(JSONB(), "postgresql")


class UtcDateTime(TypeDecorator[datetime]):
    """Aware datetime in, aware UTC datetime out. Naive values are refused (ValueError)."""

    impl = DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(DateTime(timezone=dialect.name == "postgresql"))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a naive datetime cannot be stored: give it a time zone")
        value = value.astimezone(UTC)
        return value if dialect.name == "postgresql" else value.replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class SealedBytes(LargeBinary):
    """Ciphertext of `kit.crypto`, sealed for the place `sealed_place(table, column, key)`.

    Declaring a column so is what makes `tongban keys rotate --data` seal it anew (`kit.resealing`).
    """


def sealed_place(table: str, column: str, *key: object) -> str:
    """Where a field lies: `table.column/` and the row's primary key, its parts joined by dots."""
    return f"{table}.{column}/{'.'.join(str(part) for part in key)}"


def json_text(value: Any) -> str:
    """JSON of a column, five times as fast as the standard library's; by that where orjson takes less (long integers,
    keys that are no text)."""
    try:
        return orjson.dumps(value).decode()
    except TypeError:
        return json.dumps(value)
