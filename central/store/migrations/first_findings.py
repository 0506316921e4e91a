"""The tables of findings as the first schema has them: a part of `r0001_first`."""

import sqlalchemy as sa
from alembic import op


def create() -> None:
    op.create_table(
        "finding",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("tbl", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("case_key", sa.Text(), nullable=False),
        sa.Column("before_epoch", sa.LargeBinary(), nullable=True),
        sa.Column("before_seq", sa.BigInteger(), nullable=True),
        sa.Column("after_epoch", sa.LargeBinary(), nullable=False),
        sa.Column("after_seq", sa.BigInteger(), nullable=False),
        sa.Column("still_at", sa.BigInteger(), nullable=True),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=True),
        sa.Column("words", sa.LargeBinary(), nullable=False),
        sa.Column("found_wall", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("decided_by", sa.Text(), nullable=True),
        sa.Column("decided_why", sa.LargeBinary(), nullable=True),
        sa.Column("decided_wall", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_finding")),
        sa.UniqueConstraint(
            "site", "code", "tbl", "key", "place", name=op.f("uq_finding_site_code_tbl_key_place")
        ),
    )
    op.create_index("ix_finding_case", "finding", ["site", "case_key"], unique=False)
    op.create_table(
        "clue",
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("org", sa.Text(), nullable=False),
        sa.Column("item", sa.Text(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("decided_by", sa.Text(), nullable=False),
        sa.Column("decided_why", sa.LargeBinary(), nullable=False),
        sa.Column("decided_wall", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("site", "kind", "subject", name=op.f("pk_clue")),
    )
    op.create_table(
        "kept_time",
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("tbl", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("site", "tbl", name=op.f("pk_kept_time")),
    )
    op.create_table(
        "late_entry",
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("tbl", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("field", sa.Text(), nullable=False),
        sa.Column("case_key", sa.Text(), nullable=False),
        sa.Column("stated_at", sa.BigInteger(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("site", "tbl", "key", "field", name=op.f("pk_late_entry")),
    )
    op.create_index("ix_late_entry_size", "late_entry", ["site", "size"], unique=False)
    op.create_table(
        "tolerance",
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("backdate", sa.BigInteger(), nullable=False),
        sa.Column("change", sa.BigInteger(), nullable=False),
        sa.Column("silent", sa.BigInteger(), nullable=False),
        sa.Column("late", sa.BigInteger(), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("why", sa.LargeBinary(), nullable=False),
        sa.Column("set_wall", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("site", name=op.f("pk_tolerance")),
    )
