"""DPoP proofs that were used (RFC 9449 §11.1), in the service's database: one use, on whichever replica.

In the database rather than in memory, where a second replica would take a proof again. Only requests with bound tokens
pay for it, and a row lives for as long as its proof could be taken: two minutes.
"""

import asyncio
import hashlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sqlalchemy import Column, MetaData, String, Table, delete, select

from services.kit.columns import UtcDateTime
from services.kit.dpop import Proof, Wanted

if TYPE_CHECKING:
    from services.kit.db import UnitOfWork
    from services.kit.service import Context

BATCH_ROWS = 500
PAUSE_SECONDS = 60
SPARE_SECONDS = 60
"""Kept for this much longer: replicas' clocks differ."""


def used_proofs_table(metadata: MetaData) -> Table:
    """Used proofs, by digest of key and `jti`."""
    return Table(
        "used_proofs",
        metadata,
        Column("proof_hash", String(64), primary_key=True),
        Column("expires_at", UtcDateTime, nullable=False, index=True),
    )


async def first_use(work: "UnitOfWork", proof: Proof, wanted: Wanted) -> bool:
    """Note a proof whose rules hold; True for exactly one of any number of parallel calls."""
    table = work.context.tables.used_proofs
    digest = hashlib.sha256(f"{proof.jkt}\0{proof.claims['jti']}".encode()).hexdigest()
    expires = datetime.fromtimestamp(float(proof.claims["iat"]) + wanted.seconds + SPARE_SECONDS, UTC)
    row = {"proof_hash": digest, "expires_at": expires}
    return bool(await work.insert_ignore(table, [row], table.c.proof_hash))


async def prune(context: "Context") -> int:
    """Remove proofs that nobody would take any more, a batch at a time. How many."""
    table, pruned = context.tables.used_proofs, 0
    while True:
        old = select(table.c.proof_hash).where(table.c.expires_at < context.clock()).limit(BATCH_ROWS)
        async with context.database.reading() as connection:
            rows = list((await connection.execute(old)).scalars())
        if rows:
            await context.database.execute(delete(table).where(table.c.proof_hash.in_(rows)))
        pruned += len(rows)
        if len(rows) < BATCH_ROWS:
            return pruned


class ProofPruner:
    """The worker that forgets them."""

    name = "proofs"

    def __init__(self, context: "Context") -> None:
        self._context = context

    async def run(self) -> None:
        """Prune once a minute until cancelled."""
        while True:
            await prune(self._context)
            await asyncio.sleep(PAUSE_SECONDS)

    async def health(self) -> str | None:
        return None
