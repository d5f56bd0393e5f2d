"""Codes, refresh tokens and the families they form; only hashes of them are ever stored."""

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from services.identity.domain.sessions import SsoSession

CONCURRENT = timedelta(seconds=1)
"""A used refresh token that comes again this soon is a parallel request of the same client: refused, nothing ended."""


def new_secret() -> str:
    """256 random bits in 43 URL-safe characters."""
    return secrets.token_urlsafe(32)


def fingerprint(secret: str) -> str:
    """What is stored of a code, token or cookie: SHA-256 in hex. Enough, since the secrets have full entropy."""
    return hashlib.sha256(secret.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class AuthorizationCode:
    """One issued code (RFC 6749 §4.1.2) and all that its tokens will say.

    `claims`: the `claims` parameter as parsed (OpenID Connect Core §5.5). `dpop_jkt`: thumbprint of the only key that
    may redeem it (RFC 9449 §10).
    """

    code_hash: str
    family_id: str
    client_id: str
    account_id: str
    session_id: str
    redirect_uri: str
    scope: str
    resources: tuple[str, ...]
    claims: Mapping[str, Any]
    nonce: str | None
    code_challenge: str | None
    dpop_jkt: str | None
    auth_time: datetime
    expires_at: datetime
    used_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Family:
    """All tokens that one sign-in gave to one client. They live and die together (RFC 9700 §4.14.2).

    `binding`: what the family's refresh tokens are bound to, as the `cnf` claim has it (RFC 9449 §6, RFC 8705 §3).
    """

    id: str
    client_id: str
    account_id: str
    session_id: str
    scope: str
    resources: tuple[str, ...]
    claims: Mapping[str, Any]
    binding: Mapping[str, str]
    auth_time: datetime
    expires_at: datetime
    revoked_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """One refresh token; `used_at` once it was exchanged for its successor."""

    token_hash: str
    family_id: str
    successor_hash: str | None
    used_at: datetime | None
    replayed_at: datetime | None
    successor_used: bool


@dataclass(frozen=True, slots=True)
class Presented:
    """A refresh token as presented, with all that decides on it."""

    token: RefreshToken
    family: Family
    session: SsoSession


class Reuse(StrEnum):
    """What a refresh token's presentation means."""

    FIRST = "first"
    CONCURRENT = "concurrent"
    LOST_REPLY = "lost_reply"
    STOLEN = "stolen"


def judge_refresh(token: RefreshToken, now: datetime, grace: timedelta) -> Reuse:
    """Tell first use, a parallel double, a repeat after a lost reply, and theft (RFC 9700 §4.14.2).

    A lost reply is believed once, within `grace` (zero: never), and only while the successor was never used: then the
    client cannot have had the reply. The successor given first dies with it, so that one token of a family is alive.
    """
    if token.used_at is None:
        return Reuse.FIRST
    if token.successor_used or token.replayed_at is not None or not grace:
        return Reuse.STOLEN
    age = now - token.used_at
    if age < min(CONCURRENT, grace):
        return Reuse.CONCURRENT
    return Reuse.LOST_REPLY if age < grace else Reuse.STOLEN


def new_token_id(family_id: str | None) -> str:
    """A `jti`. It begins with the family's id, so that a token is found dead without a row for each token."""
    return f"{family_id or '-'}.{secrets.token_urlsafe(16)}"


def family_of(token_id: str) -> str | None:
    """The family that a `jti` belongs to, None for a client's own token."""
    family, _, rest = token_id.partition(".")
    return family if rest and family != "-" else None
