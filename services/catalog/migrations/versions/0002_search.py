"""What is found by: documents, vocabulary, synonyms, what was searched for in vain."""

import sqlalchemy as sa
from alembic import op

from services.catalog.migrations import fulltext
from services.kit.columns import BigId

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:

    op.create_table(
        "search_documents",
        sa.Column("id", BigId, nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("tier", sa.Integer(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("name_key", sa.String(), nullable=False),
        sa.Column("facets", sa.String(), nullable=False),
        sa.Column("words", sa.String(), nullable=False),
        sa.Column("summary", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("code"),
    )
    op.create_table(
        "search_keys",
        sa.Column("key", sa.String(length=50), nullable=False),
        sa.Column("word", sa.String(length=50), nullable=False),
        sa.PrimaryKeyConstraint("key", "word"),
    )
    op.create_table(
        "search_misses",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("words", sa.String(length=100), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("day", "words"),
    )
    op.create_table(
        "search_names",
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("name_key", sa.String(length=200), nullable=False),
        sa.Column("english_key", sa.String(length=200), nullable=False),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("pinyin", sa.String(length=700), nullable=False),
        sa.Column("initials", sa.String(length=100), nullable=False),
        sa.Column("is_read", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_index("ix_search_names_is_read", "search_names", ["is_read"], unique=False)
    op.create_index("ix_search_names_place", "search_names", ["place", "name"], unique=False)
    op.create_table(
        "search_queue",
        sa.Column("id", BigId, nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "search_state",
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("value", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "search_words",
        sa.Column("word", sa.String(length=50), nullable=False),
        sa.Column("pinyin", sa.String(length=100), nullable=False),
        sa.Column("initials", sa.String(length=50), nullable=False),
        sa.Column("names", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("word"),
    )
    op.create_index("ix_search_words_initials", "search_words", ["initials"], unique=False)
    op.create_index("ix_search_words_pinyin", "search_words", ["pinyin"], unique=False)
    op.create_table(
        "synonyms",
        sa.Column("word", sa.String(length=50), nullable=False),
        sa.Column("means", sa.String(length=50), nullable=False),
        sa.PrimaryKeyConstraint("word", "means"),
    )
    fulltext.create(op)


def downgrade() -> None:
    fulltext.drop(op)

    op.drop_table("synonyms")
    op.drop_index("ix_search_words_pinyin", table_name="search_words")
    op.drop_index("ix_search_words_initials", table_name="search_words")
    op.drop_table("search_words")
    op.drop_table("search_state")
    op.drop_table("search_queue")
    op.drop_index("ix_search_names_place", table_name="search_names")
    op.drop_index("ix_search_names_is_read", table_name="search_names")
    op.drop_table("search_names")
    op.drop_table("search_misses")
    op.drop_table("search_keys")
    op.drop_table("search_documents")
