"""The catalogue's tables, one module a group of them."""

from services.catalog.store.tables import life, registers, search
from services.catalog.store.tables.base import Table
from services.kit.db import kit_tables

__all__ = ["life", "registers", "search"]  # imported for the tables that they declare

metadata = Table.metadata
TABLES = kit_tables(metadata)

organisations = metadata.tables["organisations"]
organisation_versions = metadata.tables["organisation_versions"]
forms = metadata.tables["forms"]
items = metadata.tables["items"]
item_versions = metadata.tables["item_versions"]
item_periods = metadata.tables["item_periods"]
item_aliases = metadata.tables["item_aliases"]
revisions = metadata.tables["revisions"]
realignments = metadata.tables["realignments"]
transitions = metadata.tables["transitions"]
appeals = metadata.tables["appeals"]
register_entries = metadata.tables["register_entries"]
register_versions = metadata.tables["register_versions"]
register_supplies = metadata.tables["register_supplies"]
item_links = metadata.tables["item_links"]
corrections = metadata.tables["corrections"]
imports = metadata.tables["imports"]
synonyms = metadata.tables["synonyms"]
search_misses = metadata.tables["search_misses"]
search_documents = metadata.tables["search_documents"]
search_queue = metadata.tables["search_queue"]
search_names = metadata.tables["search_names"]
search_words = metadata.tables["search_words"]
search_keys = metadata.tables["search_keys"]
search_state = metadata.tables["search_state"]
