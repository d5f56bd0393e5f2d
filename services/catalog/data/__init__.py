"""Reference data that the catalogue ships: the table of administrative divisions and how it was derived."""
