"""Identifiers."""

import os
import time


def new_id() -> str:
    """A UUIDv7 as 32 hex characters (RFC 9562 §5.7): unguessable in 74 bits, sorts by creation time (ms)."""
    value = (time.time_ns() // 1_000_000) << 80 | int.from_bytes(os.urandom(10))
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return f"{value:032x}"
