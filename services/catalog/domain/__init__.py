"""The catalogue's rules: codes, divisions, forms, items, search terms, import rows. No database, no async."""
