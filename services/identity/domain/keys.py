"""Signing keys: published before they sign, kept published after, so that no verification ever fails (item 12)."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any


class KeyState(StrEnum):
    """published → signing → retired; a retired key leaves the JWKS when the last token it signed has expired."""

    PUBLISHED = "published"
    SIGNING = "signing"
    RETIRED = "retired"


@dataclass(frozen=True, slots=True)
class SigningKey:
    """What is known of a key apart from its private part."""

    kid: str
    algorithm: str
    state: KeyState
    public: dict[str, Any]
    published_at: datetime
    signing_at: datetime | None
    retired_at: datetime | None


def keep_until(key: SigningKey, longest_token: timedelta) -> datetime | None:
    """Until when a retired key stays in the JWKS: twice the longest life, for clocks and caches; None: no end yet."""
    return key.retired_at + 2 * longest_token if key.retired_at is not None else None


def seconds_to_ripen(key: SigningKey, now: datetime, published_for: timedelta) -> int:
    """How many seconds a published key has still to wait before every verifier may be expected to know it."""
    return max(0, int((key.published_at + published_for - now).total_seconds()))


def due(key: SigningKey, now: datetime, rotation: timedelta) -> bool:
    """Whether the signing key has signed for long enough."""
    return key.state is KeyState.SIGNING and key.signing_at is not None and now - key.signing_at >= rotation
