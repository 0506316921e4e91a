"""The tables of the consultations as the first schema has them: a part of `r0001_first`."""

import sqlalchemy as sa
from alembic import op


def create() -> None:
    op.create_table(
        "consult",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("number", "item_code")),
        *(
            sa.Column(name, sa.LargeBinary(), nullable=False)
            for name in ("text", "answer", "question", "reply")
        ),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("due_day", sa.Text(), nullable=True),
        sa.Column("next_check_at", sa.BigInteger(), nullable=True),
        sa.Column("entries", sa.Integer(), nullable=False),
        sa.Column("told", sa.Integer(), nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consult")),
        sa.UniqueConstraint("number", name=op.f("uq_consult_number")),
    )
    op.create_index("ix_consult_state", "consult", ["state", "id"], unique=False)
    waits = sa.text("next_check_at IS NOT NULL")
    op.create_index(
        "ix_consult_next",
        "consult",
        ["next_check_at"],
        unique=False,
        sqlite_where=waits,
        postgresql_where=waits,
    )
    op.create_table(
        "consult_event",
        sa.Column("consult", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("day", "who", "event")),
        sa.Column("reason", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("consult", "number", name=op.f("pk_consult_event")),
    )
