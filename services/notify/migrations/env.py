"""Alembic's entry: the kit runs the chain."""

from services.kit import migrations
from services.notify.store import metadata

migrations.run(metadata)
