"""The first tables: messages, preferences, subscriptions with secrets; the kit's tables, those of deliveries too."""

import sqlalchemy as sa
from alembic import op

from services.kit.columns import BigId, JsonColumn, UtcDateTime
from services.kit.migrations import v1

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    v1.create(op, deliveries=True)
    op.create_table(
        "messages",
        sa.Column("position", BigId, autoincrement=True, nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("account_id", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("parameters", JsonColumn, nullable=False),
        sa.Column("case_id", sa.String(length=64), nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("read_at", UtcDateTime, nullable=True),
        sa.PrimaryKeyConstraint("position"),
        sa.UniqueConstraint("id"),
    )
    op.create_index("ix_messages_account", "messages", ["account_id", "position"])
    op.create_index("ix_messages_unread", "messages", ["account_id", "read_at"])
    op.create_table(
        "preferences",
        sa.Column("account_id", sa.String(length=64), nullable=False),
        sa.Column("language", sa.String(length=16), nullable=False),
        sa.Column("changed_at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("account_id"),
    )
    op.create_table(
        "subscriptions",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("organisation", sa.String(length=128), nullable=False),
        sa.Column("types", JsonColumn, nullable=False),
        sa.Column("filters", JsonColumn, nullable=False),
        sa.Column("sink", sa.String(length=2000), nullable=False),
        sa.Column("max_in_flight", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=True),
        sa.Column("owner", sa.String(length=64), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("changed_at", UtcDateTime, nullable=False),
        sa.Column("agreed", sa.Boolean(), nullable=False),
        sa.Column("wished", sa.String(length=16), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_subscriptions_organisation", "subscriptions", ["organisation", "id"])
    op.create_index("ix_subscriptions_status", "subscriptions", ["status"])
    op.create_table(
        "subscription_secrets",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("subscription_id", sa.String(length=32), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("expires_at", UtcDateTime, nullable=True),
        sa.ForeignKeyConstraint(["subscription_id"], ["subscriptions.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_subscription_secrets_subscription_id", "subscription_secrets", ["subscription_id"])


def downgrade() -> None:
    for table in ("subscription_secrets", "subscriptions", "preferences", "messages"):
        op.drop_table(table)
    v1.drop(op, deliveries=True)
