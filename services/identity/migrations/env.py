"""Alembic's entry: the kit runs the chain."""

from services.identity.store.tables import Table
from services.kit import migrations

migrations.run(Table.metadata)
