"""The API edge of the gateway."""
