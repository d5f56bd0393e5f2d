"""The migrations make what the store declares, on both databases."""

from services.identity.settings import IdentitySettings
from services.identity.store.tables import Table
from tests.kit.migrations import assert_migrations_match


async def test_the_migrations_make_what_the_store_declares(database_url: str) -> None:
    await assert_migrations_match(IdentitySettings, Table.metadata, database_url)
