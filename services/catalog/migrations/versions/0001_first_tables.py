"""The catalogue's first tables, and the kit's."""

import sqlalchemy as sa
from alembic import op

from services.kit.columns import BigId, JsonColumn, UtcDateTime
from services.kit.migrations import v1

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    v1.create(op)

    op.create_table(
        "appeals",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("revision_id", sa.String(length=32), nullable=True),
        sa.Column("rule", sa.String(length=64), nullable=False),
        sa.Column("field", sa.String(length=200), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("author", sa.String(length=128), nullable=False),
        sa.Column("author_name", sa.String(length=100), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("decided_by", sa.String(length=128), nullable=True),
        sa.Column("decision", sa.String(), nullable=True),
        sa.Column("until", sa.Date(), nullable=True),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("decided_at", UtcDateTime, nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_appeals_code", "appeals", ["code"], unique=False)
    op.create_index("ix_appeals_state", "appeals", ["state"], unique=False)
    op.create_table(
        "corrections",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("register_name", sa.String(length=16), nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("source", sa.String(length=128), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("organisation_id", sa.String(length=128), nullable=False),
        sa.Column("author", sa.String(length=128), nullable=False),
        sa.Column("author_name", sa.String(length=100), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("item_code", sa.String(length=64), nullable=True),
        sa.Column("answer", sa.String(), nullable=True),
        sa.Column("answered_by", sa.String(length=128), nullable=True),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("updated_at", UtcDateTime, nullable=False),
        sa.Column("due_at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_corrections_organisation_id", "corrections", ["organisation_id"], unique=False)
    op.create_index("ix_corrections_source", "corrections", ["source", "state", "id"], unique=False)
    op.create_table(
        "forms",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("form", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("digest"),
    )
    op.create_table(
        "imports",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("file_digest", sa.String(length=64), nullable=False),
        sa.Column("source", sa.String(length=200), nullable=False),
        sa.Column("mode", sa.String(length=16), nullable=False),
        sa.Column("actor", sa.String(length=128), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("report", JsonColumn, nullable=False),
        sa.Column("started_at", UtcDateTime, nullable=False),
        sa.Column("finished_at", UtcDateTime, nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_imports_file_digest", "imports", ["file_digest"], unique=False)
    op.create_table(
        "item_aliases",
        sa.Column("alias", sa.String(length=64), nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("since", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("alias"),
    )
    op.create_index("ix_item_aliases_code", "item_aliases", ["code"], unique=False)
    op.create_table(
        "item_periods",
        sa.Column("id", BigId, nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("valid_from", UtcDateTime, nullable=False),
        sa.Column("valid_to", UtcDateTime, nullable=True),
        sa.Column("known_from", UtcDateTime, nullable=False),
        sa.Column("known_to", UtcDateTime, nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_item_periods_code", "item_periods", ["code", "known_to"], unique=False)
    op.create_table(
        "organisation_versions",
        sa.Column("id", sa.String(length=128), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("document", JsonColumn, nullable=False),
        sa.Column("actor", sa.String(length=128), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("id", "version"),
    )
    op.create_table(
        "organisations",
        sa.Column("id", sa.String(length=128), nullable=False),
        sa.Column("name_zh", sa.String(length=200), nullable=False),
        sa.Column("division", sa.String(length=12), nullable=False),
        sa.Column("parent", sa.String(length=128), nullable=True),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("document", JsonColumn, nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("updated_at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_organisations_division", "organisations", ["division"], unique=False)
    op.create_index("ix_organisations_parent", "organisations", ["parent"], unique=False)
    op.create_table(
        "realignments",
        sa.Column("base", sa.String(length=64), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("after", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("base"),
    )
    op.create_table(
        "register_entries",
        sa.Column("register_name", sa.String(length=16), nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("name_key", sa.String(length=200), nullable=False),
        sa.Column("source", sa.String(length=128), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("document", JsonColumn, nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("updated_at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("register_name", "code"),
        sa.UniqueConstraint("register_name", "name_key", name="uq_register_entries_name_key"),
    )
    op.create_index("ix_register_entries_source", "register_entries", ["source"], unique=False)
    op.create_table(
        "register_supplies",
        sa.Column("element", sa.String(length=64), nullable=False),
        sa.Column("register_name", sa.String(length=16), nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("element", "register_name", "code"),
    )
    op.create_index("ix_register_supplies_entry", "register_supplies", ["register_name", "code"], unique=False)
    op.create_table(
        "register_versions",
        sa.Column("register_name", sa.String(length=16), nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("document", JsonColumn, nullable=False),
        sa.Column("actor", sa.String(length=128), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("register_name", "code", "version"),
    )
    op.create_table(
        "transitions",
        sa.Column("id", BigId, nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("revision_id", sa.String(length=32), nullable=True),
        sa.Column("item_version", sa.Integer(), nullable=True),
        sa.Column("act", sa.String(length=32), nullable=False),
        sa.Column("actor", sa.String(length=128), nullable=False),
        sa.Column("actor_name", sa.String(length=100), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_transitions_code", "transitions", ["code", "id"], unique=False)
    op.create_table(
        "items",
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("base", sa.String(length=64), nullable=True),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("status_reason", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("organisation_id", sa.String(length=128), nullable=False),
        sa.Column("division", sa.String(length=12), nullable=False),
        sa.Column("item_type", sa.String(length=2), nullable=False),
        sa.Column("for_person", sa.Boolean(), nullable=False),
        sa.Column("for_company", sa.Boolean(), nullable=False),
        sa.Column("online_depth", sa.Integer(), nullable=True),
        sa.Column("provenance", sa.String(length=16), nullable=False),
        sa.Column("name_key", sa.String(), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("uses", sa.BigInteger(), nullable=False),
        sa.Column("published_at", UtcDateTime, nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.id"],
        ),
        sa.PrimaryKeyConstraint("code"),
    )
    op.create_index("ix_items_base", "items", ["base"], unique=False)
    op.create_index("ix_items_division", "items", ["division"], unique=False)
    op.create_index("ix_items_organisation_id", "items", ["organisation_id"], unique=False)
    op.create_index("ix_items_rank_code", "items", ["rank", "code"], unique=False)
    op.create_table(
        "revisions",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("open_code", sa.String(length=64), nullable=True),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("from_version", sa.Integer(), nullable=False),
        sa.Column("organisation_id", sa.String(length=128), nullable=False),
        sa.Column("document", JsonColumn, nullable=False),
        sa.Column("form_digest", sa.String(length=64), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("provenance", sa.String(length=16), nullable=False),
        sa.Column("author", sa.String(length=128), nullable=False),
        sa.Column("author_name", sa.String(length=100), nullable=False),
        sa.Column("reviewer", sa.String(length=128), nullable=True),
        sa.Column("reviewer_name", sa.String(length=100), nullable=True),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("effective_at", UtcDateTime, nullable=True),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("updated_at", UtcDateTime, nullable=False),
        sa.ForeignKeyConstraint(
            ["form_digest"],
            ["forms.digest"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("open_code", name="uq_revisions_open_code"),
    )
    op.create_index("ix_revisions_code", "revisions", ["code"], unique=False)
    op.create_index("ix_revisions_organisation_id", "revisions", ["organisation_id"], unique=False)
    op.create_index("ix_revisions_state", "revisions", ["state", "effective_at", "id"], unique=False)
    op.create_table(
        "item_links",
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("link", sa.String(length=16), nullable=False),
        sa.Column("target", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["code"],
            ["items.code"],
        ),
        sa.PrimaryKeyConstraint("code", "link", "target"),
    )
    op.create_index("ix_item_links_target", "item_links", ["link", "target"], unique=False)
    op.create_table(
        "item_versions",
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("document", JsonColumn, nullable=False),
        sa.Column("form_digest", sa.String(length=64), nullable=False),
        sa.Column("provenance", sa.String(length=16), nullable=False),
        sa.Column("revision_id", sa.String(length=32), nullable=True),
        sa.Column("published_at", UtcDateTime, nullable=False),
        sa.ForeignKeyConstraint(
            ["code"],
            ["items.code"],
        ),
        sa.ForeignKeyConstraint(
            ["form_digest"],
            ["forms.digest"],
        ),
        sa.PrimaryKeyConstraint("code", "version"),
    )


def downgrade() -> None:

    op.drop_table("item_versions")
    op.drop_index("ix_item_links_target", table_name="item_links")
    op.drop_table("item_links")
    op.drop_index("ix_revisions_state", table_name="revisions")
    op.drop_index("ix_revisions_organisation_id", table_name="revisions")
    op.drop_index("ix_revisions_code", table_name="revisions")
    op.drop_table("revisions")
    op.drop_index("ix_items_rank_code", table_name="items")
    op.drop_index("ix_items_organisation_id", table_name="items")
    op.drop_index("ix_items_division", table_name="items")
    op.drop_index("ix_items_base", table_name="items")
    op.drop_table("items")
    op.drop_index("ix_transitions_code", table_name="transitions")
    op.drop_table("transitions")
    op.drop_table("register_versions")
    op.drop_index("ix_register_supplies_entry", table_name="register_supplies")
    op.drop_table("register_supplies")
    op.drop_index("ix_register_entries_source", table_name="register_entries")
    op.drop_table("register_entries")
    op.drop_table("realignments")
    op.drop_index("ix_organisations_parent", table_name="organisations")
    op.drop_index("ix_organisations_division", table_name="organisations")
    op.drop_table("organisations")
    op.drop_table("organisation_versions")
    op.drop_index("ix_item_periods_code", table_name="item_periods")
    op.drop_table("item_periods")
    op.drop_index("ix_item_aliases_code", table_name="item_aliases")
    op.drop_table("item_aliases")
    op.drop_index("ix_imports_file_digest", table_name="imports")
    op.drop_table("imports")
    op.drop_table("forms")
    op.drop_index("ix_corrections_source", table_name="corrections")
    op.drop_index("ix_corrections_organisation_id", table_name="corrections")
    op.drop_table("corrections")
    op.drop_index("ix_appeals_state", table_name="appeals")
    op.drop_index("ix_appeals_code", table_name="appeals")
    op.drop_table("appeals")
    v1.drop(op)
