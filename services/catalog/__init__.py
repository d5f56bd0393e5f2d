"""The catalogue: organisations, service items (事项) and their published versions, search, import."""
