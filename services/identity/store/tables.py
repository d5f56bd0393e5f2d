"""Tables of identity. Secrets are stored as fingerprints, names and private keys encrypted."""

from datetime import datetime
from typing import Any

from sqlalchemy import Column, Index, text
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel

from services.kit.columns import JsonColumn, SealedBytes, UtcDateTime
from services.kit.db import kit_tables


class Table(SQLModel, registry=registry()):
    """Base of identity's tables: a registry of its own."""


class AccountRow(Table, table=True):
    """People, by realm; user name and name encrypted, found by a blind index. `version` counts the account's events.

    Without a password hash nobody signs in by password: the account waits for its enrolment.
    """

    __tablename__ = "accounts"
    id: str = Field(primary_key=True, max_length=32)
    realm: str = Field(max_length=8)
    username_index: str = Field(max_length=64)
    person: bytes = Field(sa_column=Column(SealedBytes, nullable=False))
    password_hash: str | None = Field(default=None, max_length=160)
    assurance: int
    enabled: bool
    version: int
    created_at: datetime = Field(sa_type=UtcDateTime)
    __table_args__ = (Index("ix_accounts_username", "realm", "username_index", unique=True),)


class GrantRow(Table, table=True):
    """Roles of staff at organisations."""

    __tablename__ = "account_grants"
    account_id: str = Field(primary_key=True, max_length=32, foreign_key="accounts.id")
    organisation: str = Field(primary_key=True, max_length=128)
    role: str = Field(primary_key=True, max_length=16)
    granted_at: datetime = Field(sa_type=UtcDateTime)


class FailureRow(Table, table=True):
    """Failed sign-ins by account and by address, shared by all replicas."""

    __tablename__ = "sign_in_failures"
    key: str = Field(primary_key=True, max_length=80)
    failures: int
    since: datetime = Field(sa_type=UtcDateTime, index=True)
    locked_until: datetime | None = Field(default=None, sa_type=UtcDateTime)


class ClientRow(Table, table=True):
    """Clients as declared or registered. Of the secret only a keyed digest, of the registration access token only a
    fingerprint; `declared` tells the settings' clients from registered ones.
    """

    __tablename__ = "clients"
    client_id: str = Field(primary_key=True, max_length=64)
    document: dict[str, Any] = Field(sa_column=Column(JsonColumn, nullable=False))
    secret_digest: str | None = Field(default=None, max_length=64)
    declared: bool
    registration_token_hash: str | None = Field(default=None, max_length=64)
    enabled: bool
    updated_at: datetime = Field(sa_type=UtcDateTime)


class InitialTokenRow(Table, table=True):
    """Initial access tokens of dynamic registration (RFC 7591 §1.2), by fingerprint."""

    __tablename__ = "initial_access_tokens"
    token_hash: str = Field(primary_key=True, max_length=64)
    realm: str = Field(max_length=8)
    uses_left: int
    expires_at: datetime = Field(sa_type=UtcDateTime, index=True)


class PushedRow(Table, table=True):
    """Pushed authorization requests (RFC 9126), by fingerprint of the request URI; the parameters encrypted. `opened`:
    a browser has come with it, and its life counts from then.
    """

    __tablename__ = "pushed_requests"
    request_hash: str = Field(primary_key=True, max_length=64)
    client_id: str = Field(max_length=64)
    parameters: bytes = Field(sa_column=Column(SealedBytes, nullable=False))
    expires_at: datetime = Field(sa_type=UtcDateTime, index=True)
    opened: bool


class ConsentRow(Table, table=True):
    """What people have agreed to tell a client (OpenID Connect Core §3.1.2.4)."""

    __tablename__ = "consents"
    account_id: str = Field(primary_key=True, max_length=32, foreign_key="accounts.id")
    client_id: str = Field(primary_key=True, max_length=64)
    scopes: list[str] = Field(sa_column=Column(JsonColumn, nullable=False))
    claims: list[str] = Field(sa_column=Column(JsonColumn, nullable=False))
    resources: list[str] = Field(sa_column=Column(JsonColumn, nullable=False))
    given_at: datetime = Field(sa_type=UtcDateTime)


class EnrolmentRow(Table, table=True):
    """One-time links by which somebody sets the password of an account, by fingerprint."""

    __tablename__ = "enrolments"
    token_hash: str = Field(primary_key=True, max_length=64)
    account_id: str = Field(max_length=32, foreign_key="accounts.id")
    expires_at: datetime = Field(sa_type=UtcDateTime, index=True)


class SessionRow(Table, table=True):
    """SSO sessions. `id` is the `sid` of tokens; `secret_hash` is the fingerprint of the cookie."""

    __tablename__ = "sso_sessions"
    id: str = Field(primary_key=True, max_length=32)
    secret_hash: str = Field(max_length=64, unique=True)
    account_id: str = Field(max_length=32, foreign_key="accounts.id", index=True)
    realm: str = Field(max_length=8)
    auth_time: datetime = Field(sa_type=UtcDateTime)
    acr: str = Field(max_length=64)
    amr: str = Field(max_length=64)
    created_at: datetime = Field(sa_type=UtcDateTime)
    last_seen_at: datetime = Field(sa_type=UtcDateTime)
    expires_at: datetime = Field(sa_type=UtcDateTime)
    ended_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    version: int
    # The worker that ends idle sessions looks only at live ones; pruning only at ended ones.
    __table_args__ = (
        Index(
            "ix_sso_sessions_live",
            "last_seen_at",
            sqlite_where=text("ended_at IS NULL"),
            postgresql_where=text("ended_at IS NULL"),
        ),
        Index(
            "ix_sso_sessions_ended",
            "ended_at",
            sqlite_where=text("ended_at IS NOT NULL"),
            postgresql_where=text("ended_at IS NOT NULL"),
        ),
    )


class SessionClientRow(Table, table=True):
    """Which clients took part in a session: they hear of its end."""

    __tablename__ = "sso_session_clients"
    session_id: str = Field(primary_key=True, max_length=32, foreign_key="sso_sessions.id", ondelete="CASCADE")
    client_id: str = Field(primary_key=True, max_length=64)
    joined_at: datetime = Field(sa_type=UtcDateTime)


class CodeRow(Table, table=True):
    """Authorization codes, by fingerprint. `family_id` is the family that the code's tokens will form."""

    __tablename__ = "authorization_codes"
    code_hash: str = Field(primary_key=True, max_length=64)
    family_id: str = Field(max_length=32)
    client_id: str = Field(max_length=64)
    account_id: str = Field(max_length=32)
    session_id: str = Field(max_length=32)
    redirect_uri: str = Field(max_length=2000)
    scope: str = Field(max_length=1000)
    resources: list[str] = Field(sa_column=Column(JsonColumn, nullable=False))
    claims: dict[str, Any] = Field(sa_column=Column(JsonColumn, nullable=False))
    nonce: str | None = Field(default=None, max_length=1000)
    code_challenge: str | None = Field(default=None, max_length=43)
    dpop_jkt: str | None = Field(default=None, max_length=43)
    auth_time: datetime = Field(sa_type=UtcDateTime)
    expires_at: datetime = Field(sa_type=UtcDateTime, index=True)
    used_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class FamilyRow(Table, table=True):
    """Token families: all tokens that one sign-in gave to one client."""

    __tablename__ = "token_families"
    id: str = Field(primary_key=True, max_length=32)
    client_id: str = Field(max_length=64)
    account_id: str = Field(max_length=32)
    session_id: str = Field(max_length=32, index=True)
    scope: str = Field(max_length=1000)
    resources: list[str] = Field(sa_column=Column(JsonColumn, nullable=False))
    claims: dict[str, Any] = Field(sa_column=Column(JsonColumn, nullable=False))
    binding: dict[str, str] = Field(sa_column=Column(JsonColumn, nullable=False))
    auth_time: datetime = Field(sa_type=UtcDateTime)
    expires_at: datetime = Field(sa_type=UtcDateTime, index=True)
    revoked_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class RefreshRow(Table, table=True):
    """Refresh tokens, by fingerprint. `replayed_at`: when a lost reply was made good."""

    __tablename__ = "refresh_tokens"
    token_hash: str = Field(primary_key=True, max_length=64)
    family_id: str = Field(max_length=32, foreign_key="token_families.id", ondelete="CASCADE", index=True)
    successor_hash: str | None = Field(default=None, max_length=64)
    used_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    replayed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class RevokedRow(Table, table=True):
    """Access tokens revoked one by one, until they expire."""

    __tablename__ = "revoked_tokens"
    token_id: str = Field(primary_key=True, max_length=100)
    expires_at: datetime = Field(sa_type=UtcDateTime, index=True)


class AssertionRow(Table, table=True):
    """Client assertions that were used, until they expire (RFC 7523 §3 point 7)."""

    __tablename__ = "used_assertions"
    assertion_hash: str = Field(primary_key=True, max_length=64)
    expires_at: datetime = Field(sa_type=UtcDateTime, index=True)


class KeyRow(Table, table=True):
    """Signing keys; the private part is encrypted."""

    __tablename__ = "signing_keys"
    kid: str = Field(primary_key=True, max_length=64)
    algorithm: str = Field(max_length=8)
    state: str = Field(max_length=12)
    public: dict[str, Any] = Field(sa_column=Column(JsonColumn, nullable=False))
    private: bytes = Field(sa_column=Column(SealedBytes, nullable=False))
    published_at: datetime = Field(sa_type=UtcDateTime)
    signing_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    retired_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    # One key of an algorithm signs, one waits: replicas that start together cannot make two.
    __table_args__ = tuple(
        Index(
            f"ix_signing_keys_{state}",
            "algorithm",
            unique=True,
            sqlite_where=text(f"state = '{state}'"),
            postgresql_where=text(f"state = '{state}'"),
        )
        for state in ("signing", "published")
    )


TABLES = kit_tables(Table.metadata, with_deliveries=True)


def table(row: type[Table]) -> Any:
    """The Core table of a row class."""
    return row.__table__  # type: ignore[attr-defined]


ACCOUNTS = table(AccountRow)
GRANTS = table(GrantRow)
FAILURES = table(FailureRow)
CLIENTS = table(ClientRow)
INITIAL_TOKENS = table(InitialTokenRow)
PUSHED = table(PushedRow)
CONSENTS = table(ConsentRow)
ENROLMENTS = table(EnrolmentRow)
SESSIONS = table(SessionRow)
SESSION_CLIENTS = table(SessionClientRow)
CODES = table(CodeRow)
FAMILIES = table(FamilyRow)
REFRESH = table(RefreshRow)
REVOKED = table(RevokedRow)
ASSERTIONS = table(AssertionRow)
KEYS = table(KeyRow)
