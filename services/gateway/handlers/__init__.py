"""Use cases of the gateway: browser sessions and their tokens."""
