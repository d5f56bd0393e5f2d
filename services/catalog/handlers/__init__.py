"""Use cases of the catalogue, each one unit of work."""
