"""Signing keys: published before they sign, kept published after, so that no verification ever fails (item 12)."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any


class KeyState(StrEnum):
    """published → signing → retired. A retired key leaves the JWKS when the last token it signed has expired, and is
    kept for a session's life after that: clients send old ID tokens as hints.
    """

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


@dataclass(frozen=True, slots=True)
class Keeping:
    """How long a key is kept once it signs no more: `token` is the longest life of a token, `session` of a session."""

    token: timedelta
    session: timedelta

    def published(self, key: SigningKey, now: datetime) -> bool:
        """Whether the key is in the JWKS: for twice the life of its last token, for clocks and caches."""
        return key.retired_at is None or now < key.retired_at + 2 * self.token

    def over(self, key: SigningKey, now: datetime) -> bool:
        """Whether no hint of a living session can need the key (RP-Initiated Logout §2: expired ones serve too)."""
        return key.retired_at is not None and now >= key.retired_at + 2 * self.token + self.session


def seconds_to_ripen(key: SigningKey, now: datetime, published_for: timedelta) -> int:
    """How many seconds a published key has still to wait before every verifier may be expected to know it."""
    return max(0, int((key.published_at + published_for - now).total_seconds()))


def due(key: SigningKey, now: datetime, rotation: timedelta) -> bool:
    """Whether the signing key has signed for long enough."""
    return key.state is KeyState.SIGNING and key.signing_at is not None and now - key.signing_at >= rotation
