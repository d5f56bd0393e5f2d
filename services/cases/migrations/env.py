"""Alembic's entry: the kit runs the chain."""

from services.cases.store.tables import metadata
from services.kit import migrations

migrations.run(metadata)
