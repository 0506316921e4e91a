"""The roll-ups of statistics as the first schema has them: a part of `r0001_first`."""

import sqlalchemy as sa
from alembic import op


def create() -> None:
    op.create_table(
        "tally_book",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("zone", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("turn", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tally_book")),
    )
    op.create_table(
        "tally_stale",
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("case_key", sa.Text(), nullable=False),
        sa.Column("turn", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("site", "case_key", name=op.f("pk_tally_stale")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "tally_case",
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("case_key", sa.Text(), nullable=False),
        sa.Column("share", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("site", "case_key", name=op.f("pk_tally_case")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "tally_day",
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("day", "site", "org", "item", "measure")),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("day", "site", "org", "item", "measure", name=op.f("pk_tally_day")),
        sqlite_with_rowid=False,
    )
    hand = ("day", "site", "org", "responsible", "channel", "measure")
    op.create_table(
        "tally_hand",
        *(sa.Column(name, sa.Text(), nullable=False) for name in hand),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint(*hand, name=op.f("pk_tally_hand")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "tally_item",
        sa.Column("item", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("item", "name", name=op.f("pk_tally_item")),
    )
