"""The eight steps of a case, and what people meet on the way, against the running platform in a real browser."""
