"""The tables of the ratings as the first schema has them: a part of `r0001_first`."""

import sqlalchemy as sa
from alembic import op


def create() -> None:
    op.create_table(
        "rating",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        *(
            sa.Column(name, sa.Text(), nullable=False)
            for name in ("number", "site", "case_key", "window", "org", "item")
        ),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("text", sa.LargeBinary(), nullable=False),
        sa.Column("source", sa.LargeBinary(), nullable=False),
        sa.Column("flags", sa.Text(), nullable=False),
        sa.Column("has_phone", sa.Boolean(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("is_aside", sa.Boolean(), nullable=False),
        sa.Column("due_day", sa.Text(), nullable=True),
        sa.Column("next_check_at", sa.BigInteger(), nullable=True),
        sa.Column("entries", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rating")),
        sa.UniqueConstraint("number", name=op.f("uq_rating_number")),
    )
    op.create_index("ix_rating_day", "rating", ["day"], unique=False)
    waits = sa.text("next_check_at IS NOT NULL")
    op.create_index(
        "ix_rating_next",
        "rating",
        ["next_check_at"],
        unique=False,
        sqlite_where=waits,
        postgresql_where=waits,
    )
    op.create_table(
        "rating_event",
        sa.Column("rating", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("day", "who", "event", "after")),
        sa.Column("reason", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("rating", "number", name=op.f("pk_rating_event")),
    )
    op.create_table(
        "rating_window",
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("code", "site", "name", "org")),
        sa.Column("is_open", sa.Boolean(), nullable=False),
        sa.Column("is_told", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_rating_window")),
    )
