"""The first tables: items, drafts, cases with timeline and tasks, files, accesses, numbers; the kit's tables."""

import sqlalchemy as sa
from alembic import op

from services.kit.columns import UtcDateTime
from services.kit.migrations import v1

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

RUNNING = "status NOT IN ('delivered', 'withdrawn')"


def upgrade() -> None:
    v1.create(op)
    op.create_table(
        "cases",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("number", sa.String(length=50), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(length=10), nullable=False),
        sa.Column("item_code", sa.String(length=128), nullable=False),
        sa.Column("item_version", sa.Integer(), nullable=False),
        sa.Column("item_type", sa.String(length=8), nullable=False),
        sa.Column("organisation", sa.String(length=128), nullable=False),
        sa.Column("division", sa.String(length=12), nullable=False),
        sa.Column("applicant", sa.String(length=64), nullable=False),
        sa.Column("applicant_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("applicant_index", sa.String(length=64), nullable=True),
        sa.Column("channel", sa.String(length=100), nullable=False),
        sa.Column("answers_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("submitted_at", UtcDateTime, nullable=False),
        sa.Column("received_at", UtcDateTime, nullable=False),
        sa.Column("updated_at", UtcDateTime, nullable=False),
        sa.Column("noticed_at", UtcDateTime, nullable=True),
        sa.Column("accepted_at", UtcDateTime, nullable=True),
        sa.Column("accepted_by", sa.String(length=64), nullable=True),
        sa.Column("counted_from", sa.Date(), nullable=True),
        sa.Column("reviewed_at", UtcDateTime, nullable=True),
        sa.Column("reviewed_by", sa.String(length=64), nullable=True),
        sa.Column("opinion", sa.String(length=10), nullable=True),
        sa.Column("decided_at", UtcDateTime, nullable=True),
        sa.Column("decided_by", sa.String(length=64), nullable=True),
        sa.Column("outcome", sa.String(length=10), nullable=True),
        sa.Column("delivered_at", UtcDateTime, nullable=True),
        sa.Column("withdrawn_at", UtcDateTime, nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("number"),
    )
    op.create_index("ix_cases_applicant", "cases", ["applicant", "id"], unique=False)
    op.create_index("ix_cases_applicant_index", "cases", ["applicant_index"], unique=False)
    op.create_index("ix_cases_desk", "cases", ["organisation", "status", "id"], unique=False)
    op.create_index(
        "ix_cases_running",
        "cases",
        ["item_code", "id"],
        unique=False,
        postgresql_where=sa.text(RUNNING),
        sqlite_where=sa.text(RUNNING),
    )
    op.create_table(
        "drafts",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("owner", sa.String(length=64), nullable=False),
        sa.Column("item_code", sa.String(length=128), nullable=False),
        sa.Column("item_version", sa.Integer(), nullable=True),
        sa.Column("amends", sa.String(length=32), nullable=True),
        sa.Column("case_id", sa.String(length=32), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("answers_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("channel", sa.String(length=100), nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("updated_at", UtcDateTime, nullable=False),
        sa.Column("expires_at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("amends"),
    )
    op.create_index("ix_drafts_expires_at", "drafts", ["expires_at"], unique=False)
    op.create_index("ix_drafts_owner", "drafts", ["owner", "id"], unique=False)
    op.create_table(
        "files",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("draft_id", sa.String(length=32), nullable=True),
        sa.Column("case_id", sa.String(length=32), nullable=True),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("material", sa.String(length=100), nullable=True),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("path", sa.String(length=200), nullable=False),
        sa.Column("name_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("media_type", sa.String(length=100), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_files_case_id", "files", ["case_id"], unique=False)
    op.create_index("ix_files_draft_id", "files", ["draft_id"], unique=False)
    op.create_index("ix_files_state", "files", ["state", "created_at"], unique=False)
    op.create_table(
        "item_versions",
        sa.Column("code", sa.String(length=128), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("code", "version"),
    )
    op.create_table(
        "items",
        sa.Column("code", sa.String(length=128), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("code"),
    )
    op.create_table(
        "numbers",
        sa.Column("division", sa.String(length=6), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("next", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("division", "day"),
    )
    op.create_table(
        "accesses",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("case_id", sa.String(length=32), nullable=False),
        sa.Column("at", UtcDateTime, nullable=False),
        sa.Column("officer", sa.String(length=64), nullable=False),
        sa.Column("officer_name", sa.String(length=100), nullable=True),
        sa.Column("what", sa.String(length=10), nullable=False),
        sa.Column("purpose", sa.String(length=10), nullable=False),
        sa.Column("reason_sealed", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(
            ["case_id"],
            ["cases.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_accesses_case", "accesses", ["case_id", "id"], unique=False)
    op.create_table(
        "steps",
        sa.Column("case_id", sa.String(length=32), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("event", sa.String(length=16), nullable=False),
        sa.Column("at", UtcDateTime, nullable=False),
        sa.Column("actor_kind", sa.String(length=10), nullable=False),
        sa.Column("actor", sa.String(length=64), nullable=False),
        sa.Column("actor_name", sa.String(length=100), nullable=True),
        sa.Column("words_sealed", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(
            ["case_id"],
            ["cases.id"],
        ),
        sa.PrimaryKeyConstraint("case_id", "version"),
    )
    op.create_table(
        "tasks",
        sa.Column("case_id", sa.String(length=32), nullable=False),
        sa.Column("case_version", sa.Integer(), nullable=False),
        sa.Column("role", sa.String(length=10), nullable=False),
        sa.Column("organisation", sa.String(length=128), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("opened_at", UtcDateTime, nullable=False),
        sa.Column("closed_at", UtcDateTime, nullable=True),
        sa.Column("closed_by", sa.String(length=64), nullable=True),
        sa.ForeignKeyConstraint(
            ["case_id"],
            ["cases.id"],
        ),
        sa.PrimaryKeyConstraint("case_id", "case_version"),
    )
    op.create_index(
        "ix_tasks_open",
        "tasks",
        ["organisation", "role", "due_on", "case_id"],
        unique=False,
        postgresql_where=sa.text("closed_at IS NULL"),
        sqlite_where=sa.text("closed_at IS NULL"),
    )


def downgrade() -> None:
    op.drop_index(
        "ix_tasks_open",
        table_name="tasks",
        postgresql_where=sa.text("closed_at IS NULL"),
        sqlite_where=sa.text("closed_at IS NULL"),
    )
    op.drop_table("tasks")
    op.drop_table("steps")
    op.drop_index("ix_accesses_case", table_name="accesses")
    op.drop_table("accesses")
    op.drop_table("numbers")
    op.drop_table("items")
    op.drop_table("item_versions")
    op.drop_index("ix_files_state", table_name="files")
    op.drop_index("ix_files_draft_id", table_name="files")
    op.drop_index("ix_files_case_id", table_name="files")
    op.drop_table("files")
    op.drop_index("ix_drafts_owner", table_name="drafts")
    op.drop_index("ix_drafts_expires_at", table_name="drafts")
    op.drop_table("drafts")
    op.drop_index(
        "ix_cases_running",
        table_name="cases",
        postgresql_where=sa.text(RUNNING),
        sqlite_where=sa.text(RUNNING),
    )
    op.drop_index("ix_cases_desk", table_name="cases")
    op.drop_index("ix_cases_applicant_index", table_name="cases")
    op.drop_index("ix_cases_applicant", table_name="cases")
    op.drop_table("cases")
    v1.drop(op)
