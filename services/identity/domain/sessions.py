"""Single sign-on sessions: when one is alive, when a sign-in is needed."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal

from services.identity.domain.clients import Realm

ACR = "urn:tongban:acr:password"
"""Authentication context of a password (OpenID Connect Core §2, `acr`)."""
AMR = ("pwd",)
"""RFC 8176 §2."""
TOUCH = timedelta(seconds=30)
"""A session's last use is written at most this often."""
EndReason = Literal["signed_out", "idle", "expired", "replaced", "revoked"]


@dataclass(frozen=True, slots=True)
class Limits:
    """How long sessions live: without use, and at most."""

    idle: timedelta
    absolute: timedelta


@dataclass(frozen=True, slots=True)
class SsoSession:
    """One browser's sign-in to one realm. `id` is the `sid` of its tokens; the cookie holds another, secret value."""

    id: str
    account_id: str
    realm: Realm
    auth_time: datetime
    acr: str
    amr: tuple[str, ...]
    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime
    ended_at: datetime | None
    version: int

    def alive(self, now: datetime, limits: Limits) -> bool:
        """Not ended, not idle for too long, not too old."""
        return self.ended_at is None and self.end_reason(now, limits) is None

    def end_reason(self, now: datetime, limits: Limits) -> EndReason | None:
        """Why time has ended the session, None where it has not."""
        if now >= self.expires_at:
            return "expired"
        if now >= self.last_seen_at + limits.idle:
            return "idle"
        return None

    def needs_touch(self, now: datetime) -> bool:
        """Whether the present use is worth writing down."""
        return now - self.last_seen_at >= TOUCH


class Next(StrEnum):
    """What the authorization endpoint does with a valid request."""

    CODE = "code"
    SIGN_IN = "sign_in"
    CHOOSE = "choose"
    CONSENT = "consent"


def next_step(
    session: SsoSession | None,
    now: datetime,
    *,
    prompts: tuple[str, ...],
    max_age: int | None,
    meant: bool,
    consented: bool,
) -> Next:
    """Code at once, sign in, choose an account, or agree (OpenID Connect Core §3.1.2.1 and §3.1.2.4: prompt, max_age,
    id_token_hint, consent).

    `session` is alive or None; `meant`: the request is about its person, or about anybody; `consented`: all that is
    asked for has been agreed to before.
    """
    if session is None or "login" in prompts:
        return Next.SIGN_IN
    # Core §3.1.2.1: zero is the same as prompt=login, however quickly the request comes.
    if max_age is not None and (not max_age or now - session.auth_time > timedelta(seconds=max_age)):
        return Next.SIGN_IN
    if not meant:
        return Next.SIGN_IN
    if "select_account" in prompts:
        return Next.CHOOSE
    return Next.CODE if consented and "consent" not in prompts else Next.CONSENT
