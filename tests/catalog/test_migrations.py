"""The migrations make what the store declares, on both databases."""

from services.catalog.settings import CatalogSettings
from services.catalog.store.tables import metadata
from tests.kit.migrations import assert_migrations_match


async def test_the_migrations_make_what_the_store_declares(database_url: str) -> None:
    await assert_migrations_match(CatalogSettings, metadata, database_url, besides="fulltext")
