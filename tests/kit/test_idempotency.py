"""Idempotency-Key: one effect, one answer, nothing readable kept, nothing kept for ever."""

import hashlib
from datetime import timedelta
from typing import Any

import orjson
import pytest
from sqlalchemy import func, select

from services.kit.crypto import Crypto
from services.kit.idempotency import BATCH_ROWS, KEEP_DAYS, KeyReused, Pruner, once
from services.kit.service import Context
from tests.kit.conftest import MASTER, work

REQUEST = {"phone": "13800000000"}


async def _once(context: Context, key: str, request: Any = None) -> tuple[Any, bool]:
    async def act() -> str:
        return "made"

    async with work(context) as unit:
        return await once(unit, caller="c", key=key, request=request or REQUEST, act=act, keep=str)


async def test_the_same_request_gets_the_same_answer_and_another_none(context: Context) -> None:
    assert await _once(context, "k") == ("made", False)
    assert await _once(context, "k") == ("made", True)
    with pytest.raises(KeyReused):
        await _once(context, "k", {"phone": "13900000000"})


async def test_what_was_asked_cannot_be_found_out_by_trying(make_context: Any, database_url: str) -> None:
    context = await make_context(database_url, master_key=MASTER)
    context.crypto = Crypto(context)
    await context.crypto.load()
    await _once(context, "k")
    assert (await _once(context, "k"))[1]
    async with work(context) as unit:
        kept = (await unit.execute(select(context.tables.idempotency.c.fingerprint))).scalar_one()
    assert kept != hashlib.sha256(orjson.dumps(REQUEST)).hexdigest()


async def test_old_answers_are_forgotten(context: Context) -> None:
    now, old = context.clock(), context.clock() - timedelta(days=KEEP_DAYS, seconds=1)
    context.clock = lambda: old
    table = context.tables.idempotency
    async with work(context) as unit:
        for number in range(BATCH_ROWS + 1):
            row = {"caller": "c", "key": f"{number}", "fingerprint": "", "answer": b"1", "created_at": old}
            unit.add(table, row)
    context.clock = lambda: now
    await _once(context, "young")
    assert await Pruner(context).prune() == BATCH_ROWS + 1
    assert await Pruner(context).prune() == 0
    async with work(context) as unit:
        assert (await unit.execute(select(func.count()).select_from(table))).scalar_one() == 1
    assert (await _once(context, "young"))[1]
