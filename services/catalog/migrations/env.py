"""Alembic's entry: the kit runs the chain."""

from services.catalog.store import metadata
from services.kit import migrations

migrations.run(metadata)
