"""Tables of identity and every statement on them, all Core."""

from services.identity.store.tables import TABLES, Table
from services.identity.store.work import Work

__all__ = ["TABLES", "Table", "Work"]
