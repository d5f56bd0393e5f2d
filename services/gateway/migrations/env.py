"""Alembic's entry: the kit runs the chain."""

from services.gateway.store import metadata
from services.kit import migrations

migrations.run(metadata)
