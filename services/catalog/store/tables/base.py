"""The catalogue's own registry of tables."""

from sqlalchemy.orm import registry
from sqlmodel import SQLModel


class Table(SQLModel, registry=registry()):
    """Base of the catalogue's tables: a registry of its own."""
