"""Identity's first tables: accounts, clients, sessions, tokens, keys; the kit's tables."""

from typing import Any

import sqlalchemy as sa
from alembic import op

from services.kit.columns import JsonColumn, UtcDateTime
from services.kit.migrations import v1

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def only(condition: str) -> dict[str, Any]:
    """A partial index on both databases."""
    return {"sqlite_where": sa.text(condition), "postgresql_where": sa.text(condition)}


def upgrade() -> None:
    v1.create(op, deliveries=True)
    op.create_table(
        "accounts",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("realm", sa.String(length=8), nullable=False),
        sa.Column("username_index", sa.String(length=64), nullable=False),
        sa.Column("person", sa.LargeBinary(), nullable=False),
        sa.Column("password_hash", sa.String(length=160), nullable=True),
        sa.Column("assurance", sa.Integer(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_accounts_username", "accounts", ["realm", "username_index"], unique=True)
    op.create_table(
        "authorization_codes",
        sa.Column("code_hash", sa.String(length=64), nullable=False),
        sa.Column("family_id", sa.String(length=32), nullable=False),
        sa.Column("client_id", sa.String(length=64), nullable=False),
        sa.Column("account_id", sa.String(length=32), nullable=False),
        sa.Column("session_id", sa.String(length=32), nullable=False),
        sa.Column("redirect_uri", sa.String(length=2000), nullable=False),
        sa.Column("scope", sa.String(length=1000), nullable=False),
        sa.Column("resources", JsonColumn, nullable=False),
        sa.Column("claims", JsonColumn, nullable=False),
        sa.Column("nonce", sa.String(length=1000), nullable=True),
        sa.Column("code_challenge", sa.String(length=43), nullable=True),
        sa.Column("dpop_jkt", sa.String(length=43), nullable=True),
        sa.Column("auth_time", UtcDateTime, nullable=False),
        sa.Column("expires_at", UtcDateTime, nullable=False),
        sa.Column("used_at", UtcDateTime, nullable=True),
        sa.PrimaryKeyConstraint("code_hash"),
    )
    op.create_index("ix_authorization_codes_expires_at", "authorization_codes", ["expires_at"], unique=False)
    op.create_table(
        "clients",
        sa.Column("client_id", sa.String(length=64), nullable=False),
        sa.Column("document", JsonColumn, nullable=False),
        sa.Column("secret_digest", sa.String(length=64), nullable=True),
        sa.Column("declared", sa.Boolean(), nullable=False),
        sa.Column("registration_token_hash", sa.String(length=64), nullable=True),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("updated_at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("client_id"),
    )
    op.create_table(
        "initial_access_tokens",
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("realm", sa.String(length=8), nullable=False),
        sa.Column("uses_left", sa.Integer(), nullable=False),
        sa.Column("expires_at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("token_hash"),
    )
    op.create_index("ix_initial_access_tokens_expires_at", "initial_access_tokens", ["expires_at"], unique=False)
    op.create_table(
        "pushed_requests",
        sa.Column("request_hash", sa.String(length=64), nullable=False),
        sa.Column("client_id", sa.String(length=64), nullable=False),
        sa.Column("parameters", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", UtcDateTime, nullable=False),
        sa.Column("opened", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("request_hash"),
    )
    op.create_index("ix_pushed_requests_expires_at", "pushed_requests", ["expires_at"], unique=False)
    op.create_table(
        "consents",
        sa.Column("account_id", sa.String(length=32), nullable=False),
        sa.Column("client_id", sa.String(length=64), nullable=False),
        sa.Column("scopes", JsonColumn, nullable=False),
        sa.Column("claims", JsonColumn, nullable=False),
        sa.Column("resources", JsonColumn, nullable=False),
        sa.Column("given_at", UtcDateTime, nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["accounts.id"],
        ),
        sa.PrimaryKeyConstraint("account_id", "client_id"),
    )
    op.create_table(
        "enrolments",
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("account_id", sa.String(length=32), nullable=False),
        sa.Column("expires_at", UtcDateTime, nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["accounts.id"],
        ),
        sa.PrimaryKeyConstraint("token_hash"),
    )
    op.create_index("ix_enrolments_expires_at", "enrolments", ["expires_at"], unique=False)
    op.create_table(
        "revoked_tokens",
        sa.Column("token_id", sa.String(length=100), nullable=False),
        sa.Column("expires_at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("token_id"),
    )
    op.create_index("ix_revoked_tokens_expires_at", "revoked_tokens", ["expires_at"], unique=False)
    op.create_table(
        "sign_in_failures",
        sa.Column("key", sa.String(length=80), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("since", UtcDateTime, nullable=False),
        sa.Column("locked_until", UtcDateTime, nullable=True),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_index("ix_sign_in_failures_since", "sign_in_failures", ["since"], unique=False)
    op.create_table(
        "signing_keys",
        sa.Column("kid", sa.String(length=64), nullable=False),
        sa.Column("algorithm", sa.String(length=8), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("public", JsonColumn, nullable=False),
        sa.Column("private", sa.LargeBinary(), nullable=False),
        sa.Column("published_at", UtcDateTime, nullable=False),
        sa.Column("signing_at", UtcDateTime, nullable=True),
        sa.Column("retired_at", UtcDateTime, nullable=True),
        sa.PrimaryKeyConstraint("kid"),
    )
    op.create_index(
        "ix_signing_keys_published", "signing_keys", ["algorithm"], unique=True, **only("state = 'published'")
    )
    op.create_index("ix_signing_keys_signing", "signing_keys", ["algorithm"], unique=True, **only("state = 'signing'"))
    op.create_table(
        "token_families",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("client_id", sa.String(length=64), nullable=False),
        sa.Column("account_id", sa.String(length=32), nullable=False),
        sa.Column("session_id", sa.String(length=32), nullable=False),
        sa.Column("scope", sa.String(length=1000), nullable=False),
        sa.Column("resources", JsonColumn, nullable=False),
        sa.Column("claims", JsonColumn, nullable=False),
        sa.Column("binding", JsonColumn, nullable=False),
        sa.Column("auth_time", UtcDateTime, nullable=False),
        sa.Column("expires_at", UtcDateTime, nullable=False),
        sa.Column("revoked_at", UtcDateTime, nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_token_families_expires_at", "token_families", ["expires_at"], unique=False)
    op.create_index("ix_token_families_session_id", "token_families", ["session_id"], unique=False)
    op.create_table(
        "used_assertions",
        sa.Column("assertion_hash", sa.String(length=64), nullable=False),
        sa.Column("expires_at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("assertion_hash"),
    )
    op.create_index("ix_used_assertions_expires_at", "used_assertions", ["expires_at"], unique=False)
    op.create_table(
        "account_grants",
        sa.Column("account_id", sa.String(length=32), nullable=False),
        sa.Column("organisation", sa.String(length=128), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("granted_at", UtcDateTime, nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["accounts.id"],
        ),
        sa.PrimaryKeyConstraint("account_id", "organisation", "role"),
    )
    op.create_table(
        "refresh_tokens",
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("family_id", sa.String(length=32), nullable=False),
        sa.Column("successor_hash", sa.String(length=64), nullable=True),
        sa.Column("used_at", UtcDateTime, nullable=True),
        sa.Column("replayed_at", UtcDateTime, nullable=True),
        sa.ForeignKeyConstraint(["family_id"], ["token_families.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("token_hash"),
    )
    op.create_index("ix_refresh_tokens_family_id", "refresh_tokens", ["family_id"], unique=False)
    op.create_table(
        "sso_sessions",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("secret_hash", sa.String(length=64), nullable=False),
        sa.Column("account_id", sa.String(length=32), nullable=False),
        sa.Column("realm", sa.String(length=8), nullable=False),
        sa.Column("auth_time", UtcDateTime, nullable=False),
        sa.Column("acr", sa.String(length=64), nullable=False),
        sa.Column("amr", sa.String(length=64), nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("last_seen_at", UtcDateTime, nullable=False),
        sa.Column("expires_at", UtcDateTime, nullable=False),
        sa.Column("ended_at", UtcDateTime, nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["accounts.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("secret_hash"),
    )
    op.create_index("ix_sso_sessions_account_id", "sso_sessions", ["account_id"], unique=False)
    op.create_index("ix_sso_sessions_ended", "sso_sessions", ["ended_at"], unique=False, **only("ended_at IS NOT NULL"))
    op.create_index("ix_sso_sessions_live", "sso_sessions", ["last_seen_at"], unique=False, **only("ended_at IS NULL"))
    op.create_table(
        "sso_session_clients",
        sa.Column("session_id", sa.String(length=32), nullable=False),
        sa.Column("client_id", sa.String(length=64), nullable=False),
        sa.Column("joined_at", UtcDateTime, nullable=False),
        sa.ForeignKeyConstraint(["session_id"], ["sso_sessions.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("session_id", "client_id"),
    )


def downgrade() -> None:
    for name in (
        "sso_session_clients",
        "sso_sessions",
        "refresh_tokens",
        "account_grants",
        "consents",
        "enrolments",
        "pushed_requests",
        "initial_access_tokens",
        "used_assertions",
        "token_families",
        "signing_keys",
        "sign_in_failures",
        "revoked_tokens",
        "clients",
        "authorization_codes",
        "accounts",
    ):
        op.drop_table(name)
    v1.drop(op, deliveries=True)
