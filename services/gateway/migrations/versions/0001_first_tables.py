"""The gateway's first tables: browser sessions, used logout tokens, held forms; the kit's tables."""

import sqlalchemy as sa
from alembic import op

from services.kit.columns import UtcDateTime
from services.kit.migrations import v1

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    v1.create(op)
    op.create_table(
        "held_forms",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("subject", sa.String(length=64), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_held_forms_expires_at", "held_forms", ["expires_at"], unique=False)
    op.create_table(
        "sessions",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("surface", sa.String(length=20), nullable=False),
        sa.Column("subject", sa.String(length=64), nullable=False),
        sa.Column("provider_sid", sa.String(length=128), nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("seen_at", UtcDateTime, nullable=False),
        sa.Column("ends_at", UtcDateTime, nullable=False),
        sa.Column("idle_seconds", sa.Integer(), nullable=False),
        sa.Column("absolute_seconds", sa.Integer(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("tokens_version", sa.Integer(), nullable=False),
        sa.Column("refreshing_until", UtcDateTime, nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_sessions_ends_at", "sessions", ["ends_at"], unique=False)
    op.create_index("ix_sessions_provider_sid", "sessions", ["provider_sid"], unique=False)
    op.create_table(
        "used_logout_tokens",
        sa.Column("id", sa.String(length=255), nullable=False),
        sa.Column("surface", sa.String(length=20), nullable=False),
        sa.Column("expires_at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("id", "surface"),
    )
    op.create_index("ix_used_logout_tokens_expires_at", "used_logout_tokens", ["expires_at"], unique=False)


def downgrade() -> None:
    op.drop_table("used_logout_tokens")
    op.drop_table("sessions")
    op.drop_table("held_forms")
    v1.drop(op)
