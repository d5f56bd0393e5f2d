"""The harness itself: the servers are real, and tests that share them do not meet."""

import asyncpg
import pytest
from aiokafka.admin import AIOKafkaAdminClient
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine


async def test_database_is_new_and_takes_statements(database_url: str) -> None:
    engine = create_async_engine(database_url)
    async with engine.begin() as connection:
        await connection.execute(text("CREATE TABLE only_here (id integer)"))
        await connection.execute(text("INSERT INTO only_here VALUES (7)"))
        assert (await connection.execute(text("SELECT id FROM only_here"))).scalar_one() == 7
    await engine.dispose()


@pytest.mark.parametrize("again", range(2))
async def test_postgresql_databases_are_apart(postgres_url: str, again: int) -> None:
    connection = await asyncpg.connect(postgres_url.replace("+asyncpg", ""))
    await connection.execute("CREATE TABLE only_here (id integer)")
    await connection.close()


async def test_kafka_answers_with_one_broker(kafka: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    try:
        assert len((await admin.describe_cluster())["brokers"]) == 1
    finally:
        await admin.close()
