"""Sealing anew what an older data key protects: the second half of changing a data key.

`Crypto.rotate` makes the new key; once it is written with, `reseal` goes through every `SealedBytes` column of the
service in small batches and seals what still names an older key by the new one. It may run beside the working service,
be stopped anywhere and be started again. Files in the storage keep the key that they were written with.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import Column, Table, func, select, tuple_, update

from services.kit.columns import SealedBytes, sealed_place
from services.kit.crypto import Crypto, CryptoError
from services.kit.telemetry import cause_of, log

if TYPE_CHECKING:
    from services.kit.service import Context

BATCH_ROWS = 200
MOST_ROUNDS = 5


@dataclass(slots=True)
class Resealed:
    """What was done: fields sealed anew, fields that could not be read, fields that name an older key still."""

    renewed: int = 0
    unreadable: int = 0
    left: int = 0


def sealed_columns(tables: Sequence[Table]) -> Iterator[Column[Any]]:
    """Every column that holds ciphertext."""
    return (column for table in tables for column in table.columns if isinstance(column.type, SealedBytes))


async def reseal(context: "Context") -> Resealed:
    """Seal every field of the service by its active data key. Raises UnknownKey when none is loaded."""
    crypto = context.crypto
    done = Resealed()
    if crypto is None:
        return done
    columns = list(sealed_columns(context.tables.outbox.metadata.sorted_tables))
    # A process that began to write before the key became active may commit behind a round: go round until all is done.
    for _ in range(MOST_ROUNDS):
        done.left = done.unreadable = 0
        for column in columns:
            await _reseal_column(context, crypto, column, done)
        if not done.left:
            break
    return done


async def _reseal_column(context: "Context", crypto: Crypto, column: Column[Any], done: Resealed) -> None:
    table = column.table
    assert isinstance(table, Table)
    key = list(table.primary_key.columns)
    # The id of the data key is bytes 2 to 5 of a field: the database finds the old ones.
    old = column.is_not(None) & (func.substr(column, 2, 4) != bytes.fromhex(crypto.active_key))
    statement = select(*key, column).where(old).order_by(*key).limit(BATCH_ROWS)
    after: tuple[Any, ...] | None = None
    while True:
        batch = statement if after is None else statement.where(tuple_(*key) > after)
        async with context.database.writing(), context.database.engine.begin() as connection:
            rows = (await connection.execute(batch)).all()
            for *values, blob in rows:
                try:
                    renewed = crypto.renewed(blob, sealed_place(table.name, column.name, *values))
                except CryptoError as error:
                    done.unreadable += 1
                    log.error("crypto.unreadable", table=table.name, column=column.name, cause=cause_of(error))
                    continue
                same = [part == value for part, value in zip(key, values, strict=True)]
                # Only if it is still what was read: the service may have written it meanwhile.
                result = await connection.execute(update(table).where(*same, column == blob).values({column: renewed}))
                done.renewed += result.rowcount
                done.left += 1
        if len(rows) < BATCH_ROWS:
            return
        after = tuple(rows[-1][:-1])
