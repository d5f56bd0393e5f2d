"""Connections outside of the pool: the address is read as SQLAlchemy reads it."""

from collections.abc import Callable
from typing import Any

import asyncpg
import pytest
from sqlalchemy.engine import make_url

from services.kit import postgres
from services.kit.outbox import _Leadership


async def test_the_relay_leads_over_an_address_with_arguments(
    postgres_url: str, make_context: Callable[..., Any]
) -> None:
    context = await make_context(f"{postgres_url}?ssl=disable&prepared_statement_cache_size=0")
    async with _Leadership(context):
        pass


async def test_arguments_of_an_address_are_heeded(postgres_url: str) -> None:
    """The tests' server has no certificate."""
    with pytest.raises((ConnectionError, asyncpg.PostgresError), match=r"SSL|ssl"):
        await postgres.connect(make_url(f"{postgres_url}?ssl=require"), 5)
