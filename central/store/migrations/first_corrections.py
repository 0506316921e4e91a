"""The tables of the corrections as the first schema has them: a part of `r0001_first`."""

import sqlalchemy as sa
from alembic import op


def create() -> None:
    _correction()
    op.create_table(
        "correction_light",
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("case_key", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("cycle", sa.BigInteger(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("correction", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint(
            "site", "case_key", "subject", "cycle", "event", name=op.f("pk_correction_light")
        ),
    )
    op.create_index("ix_correction_light", "correction_light", ["correction"], unique=False)
    op.create_table(
        "correction_event",
        sa.Column("correction", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("wall", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.Text(), nullable=False),
        *(
            sa.Column(name, sa.Text(), nullable=False)
            for name in ("who", "role", "event", "before", "after", "code")
        ),
        sa.Column("reason", sa.LargeBinary(), nullable=False),
        sa.Column("paper", sa.LargeBinary(), nullable=False),
        sa.Column("calendar", sa.Integer(), nullable=False),
        sa.Column("files", sa.LargeBinary(), nullable=False),
        sa.Column("chain", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("correction", "number", name=op.f("pk_correction_event")),
    )
    op.create_table(
        "correction_paper",
        sa.Column("correction", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("cycle", sa.Integer(), nullable=False),
        sa.Column("drafter", sa.Text(), nullable=False),
        sa.Column("reason", sa.LargeBinary(), nullable=False),
        sa.Column("measures", sa.LargeBinary(), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("code", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("correction", "kind", "cycle", name=op.f("pk_correction_paper")),
    )
    op.create_index(
        "ix_correction_paper_unsigned",
        "correction_paper",
        ["correction"],
        unique=False,
        sqlite_where=sa.text("code IS NULL"),
        postgresql_where=sa.text("code IS NULL"),
    )


def _correction() -> None:
    op.create_table(
        "correction",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("case_key", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("cycle", sa.BigInteger(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("follows", sa.BigInteger(), nullable=False),
        sa.Column("org", sa.Text(), nullable=True),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("batch", sa.BigInteger(), nullable=False),
        sa.Column("is_red", sa.Boolean(), nullable=False),
        sa.Column("issuer", sa.Text(), nullable=False),
        sa.Column("copies", sa.LargeBinary(), nullable=False),
        sa.Column("snapshot", sa.LargeBinary(), nullable=False),
        sa.Column("graver", sa.LargeBinary(), nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("is_open", sa.Boolean(), nullable=False),
        sa.Column("due_day", sa.Text(), nullable=True),
        sa.Column("calendar_version", sa.Integer(), nullable=False),
        sa.Column("next_check_at", sa.BigInteger(), nullable=True),
        sa.Column("entries", sa.Integer(), nullable=False),
        sa.Column("chain", sa.LargeBinary(), nullable=False),
        sa.Column("raised_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_correction")),
        sa.UniqueConstraint(
            "site",
            "case_key",
            "subject",
            "cycle",
            "event",
            "follows",
            name=op.f("uq_correction_site_case_key_subject_cycle_event_follows"),
        ),
    )
    op.create_index("ix_correction_case", "correction", ["site", "case_key"], unique=False)
    for name, column, where in (
        ("ix_correction_open", "due_day", "is_open"),
        ("ix_correction_next", "next_check_at", "next_check_at IS NOT NULL"),
    ):
        op.create_index(
            name,
            "correction",
            [column],
            unique=False,
            sqlite_where=sa.text(where),
            postgresql_where=sa.text(where),
        )
