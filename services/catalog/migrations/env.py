"""Alembic's entry: the kit runs the chain."""

from services.catalog.store.tables import metadata
from services.kit import migrations

migrations.run(metadata)
