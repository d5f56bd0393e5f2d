"""The catalogue's first tables: organisations, forms, items with versions and terms; the kit's tables."""

import sqlalchemy as sa
from alembic import op

from services.kit.columns import JsonColumn, UtcDateTime
from services.kit.migrations import v1

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    v1.create(op)
    op.create_table(
        "forms",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("form", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("digest"),
    )
    op.create_table(
        "organisations",
        sa.Column("id", sa.String(length=128), nullable=False),
        sa.Column("name_zh", sa.String(length=200), nullable=False),
        sa.Column("name_en", sa.String(length=200), nullable=True),
        sa.Column("division", sa.String(length=12), nullable=False),
        sa.Column("uscc", sa.String(length=18), nullable=True),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("updated_at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_organisations_division", "organisations", ["division"], unique=False)
    op.create_table(
        "items",
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("organisation_id", sa.String(length=128), nullable=False),
        sa.Column("division", sa.String(length=12), nullable=False),
        sa.Column("item_type", sa.String(length=2), nullable=False),
        sa.Column("for_person", sa.Boolean(), nullable=False),
        sa.Column("for_company", sa.Boolean(), nullable=False),
        sa.Column("name_key", sa.String(), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("published_at", UtcDateTime, nullable=False),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisations.id"]),
        sa.PrimaryKeyConstraint("code"),
    )
    op.create_index("ix_items_division", "items", ["division"], unique=False)
    op.create_index("ix_items_organisation_id", "items", ["organisation_id"], unique=False)
    op.create_index("ix_items_rank_code", "items", ["rank", "code"], unique=False)
    op.create_table(
        "item_terms",
        sa.Column("term", sa.String(length=32), nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("weight", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["code"], ["items.code"]),
        sa.PrimaryKeyConstraint("term", "code"),
    )
    op.create_index("ix_item_terms_code", "item_terms", ["code"], unique=False)
    op.create_table(
        "item_versions",
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("document", JsonColumn, nullable=False),
        sa.Column("form_digest", sa.String(length=64), nullable=False),
        sa.Column("provenance", sa.String(length=16), nullable=False),
        sa.Column("published_at", UtcDateTime, nullable=False),
        sa.ForeignKeyConstraint(["code"], ["items.code"]),
        sa.ForeignKeyConstraint(["form_digest"], ["forms.digest"]),
        sa.PrimaryKeyConstraint("code", "version"),
    )


def downgrade() -> None:
    op.drop_table("item_versions")
    op.drop_index("ix_item_terms_code", table_name="item_terms")
    op.drop_table("item_terms")
    op.drop_index("ix_items_rank_code", table_name="items")
    op.drop_index("ix_items_organisation_id", table_name="items")
    op.drop_index("ix_items_division", table_name="items")
    op.drop_table("items")
    op.drop_index("ix_organisations_division", table_name="organisations")
    op.drop_table("organisations")
    op.drop_table("forms")
    v1.drop(op)
