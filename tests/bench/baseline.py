"""The lean baseline: bare Starlette, asyncpg and aiokafka doing the same rows, one transaction a request.

`python -m tests.bench.baseline api|effects` with BENCH_DATABASE, BENCH_KAFKA, BENCH_PREFIX, BENCH_PORT, BENCH_KEYS. It
checks the token and the schema, encrypts the answers, writes case, step, task, idempotency, audit and outbox rows; a
loop relays; the other process reads into inbox and effects. Nothing else: no limits, traces, metrics, locks or parking.
"""

import asyncio
import json
import os
import sys
import time
from datetime import UTC, date, datetime
from typing import Any

import asyncpg
import orjson
import uvicorn
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.partitioner import murmur2
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from joserfc import jwt
from joserfc.jwk import KeySet
from jsonschema import Draft202012Validator
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from services.kit.ids import new_id

PARTITIONS = 6
TABLES = """
CREATE TABLE cases (id text PRIMARY KEY, number text UNIQUE, version int, status text, item_code text,
  item_version int, organisation text, division text, applicant text, applicant_sealed bytea, applicant_index text,
  channel text, answers_sealed bytea, submitted_at timestamptz, updated_at timestamptz);
CREATE INDEX ON cases (applicant, id); CREATE INDEX ON cases (organisation, status, id);
CREATE INDEX ON cases (applicant_index);
CREATE TABLE steps (case_id text, version int, event text, at timestamptz, actor text, PRIMARY KEY (case_id, version));
CREATE TABLE tasks (case_id text, case_version int, role text, organisation text, due_on date, opened_at timestamptz,
  closed_at timestamptz, PRIMARY KEY (case_id, case_version));
CREATE INDEX ON tasks (organisation, role, due_on, case_id) WHERE closed_at IS NULL;
CREATE TABLE idempotency (caller text, key text, fingerprint text, answer bytea, created_at timestamptz,
  PRIMARY KEY (caller, key));
CREATE TABLE audit (id bigserial PRIMARY KEY, at timestamptz, actor text, action text, object_id text, trace_id text);
CREATE TABLE outbox (id bigserial PRIMARY KEY, topic text, key text, headers bytea, value bytea,
  created_at timestamptz);
CREATE TABLE inbox (event_id text PRIMARY KEY, done_at timestamptz);
CREATE TABLE effects (id bigserial PRIMARY KEY, event_id text, key text, at timestamptz);
"""
INSERTS = (
    "INSERT INTO cases VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14,$15)",
    "INSERT INTO steps VALUES ($1,$2,$3,$4,$5)",
    "INSERT INTO tasks VALUES ($1,$2,$3,$4,$5,$6,$7)",
    "INSERT INTO audit (at,actor,action,object_id,trace_id) VALUES ($1,$2,$3,$4,$5)",
    "INSERT INTO outbox (topic,key,headers,value,created_at) VALUES ($1,$2,$3,$4,$5)",
)


class Api:
    """The HTTP side and its relay."""

    def __init__(self) -> None:
        self.topic = os.environ["BENCH_PREFIX"] + "cases.events"
        self.keys = KeySet.import_key_set(json.loads(os.environ["BENCH_KEYS"]))
        self.schema = Draft202012Validator(json.loads(os.environ["BENCH_SCHEMA"]))
        self.cipher = AESGCM(os.urandom(32))
        self.seen: dict[str, dict[str, Any]] = {}
        self.wake = asyncio.Event()
        self.number = 0

    def _claims(self, token: str) -> dict[str, Any]:
        claims = self.seen.get(token)
        if claims is None:
            claims = self.seen[token] = jwt.decode(token, self.keys, algorithms=["ES256"]).claims
        if claims["exp"] < time.time() or claims["aud"] != "urn:tongban:cases":
            raise PermissionError
        return claims

    def _seal(self, value: bytes) -> bytes:
        nonce = os.urandom(12)
        return nonce + self.cipher.encrypt(nonce, value, b"cases")

    async def submit(self, request: Request) -> Response:
        who = self._claims(request.headers["authorization"][7:])
        body = orjson.loads(await request.body())
        self.schema.validate(body["answers"])
        self.number += 1
        now = datetime.now(UTC)
        case, key = new_id(), request.headers["idempotency-key"]
        sealed = self._seal(orjson.dumps(body["answers"]))
        name = self._seal(who["name"].encode())
        event = orjson.dumps({"case_id": case, "status": "submitted", "item": body["item_code"], "at": now})
        headers = orjson.dumps([["ce_id", new_id()], ["ce_type", "submitted"], ["ce_subject", case]])
        org, division = "organisation", "511602000000"
        number = f"511602-20261123-{self.number:06}"
        rows = (
            (case, number, 1, "submitted", body["item_code"], 1, org, division, who["sub"], name, who["sub"], "portal",
             sealed, now, now),
            (case, 1, "submitted", now, who["sub"]),
            (case, 1, "intake", org, date(2026, 12, 1), now, None),
            (now, who["sub"], "submit", case, ""),
            (self.topic, case, headers, event, now),
        )  # fmt: skip
        async with self.pool.acquire() as connection, connection.transaction():
            new = await connection.fetchval(
                "INSERT INTO idempotency VALUES ($1,$2,$3,$4,$5) ON CONFLICT DO NOTHING RETURNING key",
                who["sub"], key, case, case.encode(), now,
            )  # fmt: skip
            if new is None:
                return Response(status_code=409)
            for statement, row in zip(INSERTS, rows, strict=True):
                await connection.execute(statement, *row)
        self.wake.set()
        return Response(orjson.dumps({"id": case, "number": number}), 201, media_type="application/json")

    async def relay(self) -> None:
        producer = AIOKafkaProducer(
            bootstrap_servers=os.environ["BENCH_KAFKA"], acks="all", enable_idempotence=True, max_batch_size=512 * 1024
        )
        await producer.start()
        while True:
            self.wake.clear()
            rows = await self.pool.fetch("SELECT id,key,headers,value FROM outbox ORDER BY id LIMIT 1000")
            if not rows:
                try:
                    async with asyncio.timeout(1):
                        await self.wake.wait()
                except TimeoutError:
                    pass
                continue
            batches: dict[int, Any] = {}
            for row in rows:
                partition = (murmur2(row["key"].encode()) & 0x7FFFFFFF) % PARTITIONS
                batch = batches.setdefault(partition, producer.create_batch())
                headers = [(n, v.encode()) for n, v in orjson.loads(row["headers"])]
                batch.append(key=row["key"].encode(), value=row["value"], timestamp=None, headers=headers)
            sent = [await producer.send_batch(b, self.topic, partition=p) for p, b in batches.items()]
            await asyncio.gather(*sent)
            await self.pool.execute("DELETE FROM outbox WHERE id = ANY($1)", [row["id"] for row in rows])

    async def run(self) -> None:
        self.pool = await asyncpg.create_pool(os.environ["BENCH_DATABASE"], min_size=10, max_size=10)
        app = Starlette(routes=[Route("/cases", self.submit, methods=["POST"]), Route("/livez", _live)])
        config = uvicorn.Config(app, port=int(os.environ["BENCH_PORT"]), access_log=False, log_level="warning")
        await asyncio.gather(uvicorn.Server(config).serve(), self.relay())


async def _live(_: Request) -> Response:
    return Response("ok")


async def effects() -> None:
    """The reader: inbox and effect rows of each fetched batch in one transaction."""
    pool = await asyncpg.create_pool(os.environ["BENCH_DATABASE"], min_size=2, max_size=2)
    consumer = AIOKafkaConsumer(
        os.environ["BENCH_PREFIX"] + "cases.events",
        bootstrap_servers=os.environ["BENCH_KAFKA"],
        group_id=os.environ["BENCH_PREFIX"] + "effects",
        auto_offset_reset="earliest",
        enable_auto_commit=False,
    )
    await consumer.start()
    while True:
        fetched = await consumer.getmany(timeout_ms=500, max_records=500)
        records = [record for found in fetched.values() for record in found]
        if not records:
            continue
        now = datetime.now(UTC)
        ids = [dict(record.headers)["ce_id"].decode() for record in records]
        async with pool.acquire() as connection, connection.transaction():
            new = await connection.fetch(
                "INSERT INTO inbox SELECT unnest($1::text[]), $2 ON CONFLICT DO NOTHING RETURNING event_id", ids, now
            )
            fresh = {row["event_id"] for row in new}
            rows = [(i, r.key.decode(), now) for i, r in zip(ids, records, strict=True) if i in fresh]
            await connection.executemany("INSERT INTO effects (event_id,key,at) VALUES ($1,$2,$3)", rows)
        await consumer.commit()


if __name__ == "__main__":
    import uvloop

    uvloop.run(Api().run() if sys.argv[1] == "api" else effects())
