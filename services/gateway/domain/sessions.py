"""Browser sessions: how they begin, how long they last, what they hold. No I/O."""

import base64
import hashlib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

TOUCH_SECONDS = 20
"""A session's last use is written at most this often."""
TOKEN_SLACK_SECONDS = 30
"""An access token is replaced this long before it expires."""
SECRET = re.compile(r"[A-Za-z0-9_-]{43}")


@dataclass(frozen=True, slots=True)
class AccessToken:
    """An access token for one service and when it expires (UTC)."""

    value: str
    expires_at: datetime

    def fresh(self, now: datetime) -> bool:
        return self.expires_at - timedelta(seconds=TOKEN_SLACK_SECONDS) > now


@dataclass(frozen=True, slots=True)
class Tokens:
    """What the provider gave: kept encrypted, never sent to a browser."""

    id_token: str
    refresh_token: str
    access: Mapping[str, AccessToken] = field(default_factory=dict)

    def packed(self) -> dict[str, Any]:
        """As JSON values."""
        access = {audience: [t.value, t.expires_at.isoformat()] for audience, t in self.access.items()}
        return {"id_token": self.id_token, "refresh_token": self.refresh_token, "access": access}

    @classmethod
    def unpacked(cls, values: Mapping[str, Any]) -> "Tokens":
        access = {a: AccessToken(v, datetime.fromisoformat(e)) for a, (v, e) in values["access"].items()}
        return cls(values["id_token"], values["refresh_token"], access)

    def with_access(self, audience: str, token: AccessToken, refresh_token: str | None, now: datetime) -> "Tokens":
        """These tokens with one access token replaced; expired ones are dropped."""
        kept = {a: t for a, t in self.access.items() if t.expires_at > now}
        return replace(self, refresh_token=refresh_token or self.refresh_token, access={**kept, audience: token})


@dataclass(frozen=True, slots=True)
class Session:
    """One browser signed in at one surface. `id` is the digest of the cookie's secret; the secret is not kept."""

    id: str
    surface: str
    subject: str
    name: str
    provider_sid: str
    created_at: datetime
    seen_at: datetime
    idle_seconds: int
    absolute_seconds: int
    tokens: Tokens

    @property
    def ends_at(self) -> datetime:
        """When it ends if nothing is done."""
        idle = self.seen_at + timedelta(seconds=self.idle_seconds)
        return min(idle, self.created_at + timedelta(seconds=self.absolute_seconds))

    def live(self, now: datetime) -> bool:
        return now < self.ends_at

    def extendable(self, now: datetime) -> bool:
        """Whether using it moves its end: not when the absolute end is nearer than the idle one."""
        absolute = self.created_at + timedelta(seconds=self.absolute_seconds)
        return absolute > now + timedelta(seconds=self.idle_seconds)


def new_secret() -> str:
    """256 random bits for a cookie."""
    return base64.urlsafe_b64encode(os.urandom(32)).decode().rstrip("=")


def session_id(secret: str) -> str:
    """The id under which a session is kept: whoever reads the table cannot make a cookie from it."""
    return hashlib.sha256(secret.encode()).hexdigest()


def safe_next(value: str) -> str:
    """Where a sign-in may lead back to: a path of this origin, never elsewhere."""
    ok = value.startswith("/") and not value.startswith(("//", "/\\")) and len(value) < 2000
    return value if ok and re.fullmatch(r"[!-\[\]-~]*", value) else "/"
