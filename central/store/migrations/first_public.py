"""The tables of the public door's hall side as the first schema has them: a part of `r0001_first`."""

from typing import Any

import sqlalchemy as sa
from alembic import op


def create() -> None:
    op.create_table(
        "stale_case",
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("case_key", sa.Text(), nullable=False),
        sa.Column("turn", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("site", "case_key", name=op.f("pk_stale_case")),
    )
    op.create_table(
        "public_door",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("is_open", sa.Boolean(), nullable=False),
        sa.Column("emptied_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_public_door")),
    )
    op.create_table(
        "case_urge",
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("case_key", sa.Text(), nullable=False),
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("site", "case_key", "day", name=op.f("pk_case_urge")),
    )
    op.create_table(
        "statute",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("effective", sa.Text(), nullable=False),
        sa.Column("repealed", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_statute")),
    )
    op.create_table(
        "statute_text",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("since", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", "version", name=op.f("pk_statute_text")),
    )
    op.create_table(
        "blank",
        sa.Column("id", _NUMBER, autoincrement=True, nullable=False),
        sa.Column("item", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("form", sa.Text(), nullable=False),
        sa.Column("sample", sa.Text(), nullable=False),
        *_standing(),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_blank")),
    )
    op.create_index("ix_blank_state", "blank", ["state", "id"], unique=False)
    op.create_table(
        "blank_file",
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_blank_file")),
    )
    op.create_table(
        "bulletin",
        sa.Column("id", _NUMBER, autoincrement=True, nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        *_standing(),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bulletin")),
    )
    op.create_index("ix_bulletin_state", "bulletin", ["state", "id"], unique=False)
    op.create_table(
        "excerpt",
        sa.Column("id", _NUMBER, autoincrement=True, nullable=False),
        sa.Column("complaint", sa.BigInteger(), nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("text", sa.LargeBinary(), nullable=False),
        sa.Column("reply", sa.LargeBinary(), nullable=False),
        *_standing(),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_excerpt")),
    )
    op.create_index("ix_excerpt_complaint", "excerpt", ["complaint"], unique=False)
    op.create_index("ix_excerpt_state", "excerpt", ["state", "id"], unique=False)
    op.create_table(
        "statute_draft",
        sa.Column("id", _NUMBER, autoincrement=True, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("effective", sa.Text(), nullable=False),
        sa.Column("repealed", sa.Text(), nullable=True),
        sa.Column("since", sa.Text(), nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        *_standing(),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_statute_draft")),
    )


_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _standing() -> list[sa.Column[Any]]:
    """Of what is released by another person."""
    return [
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("made_wall", sa.BigInteger(), nullable=False),
        sa.Column("decided_by", sa.Text(), nullable=True),
        sa.Column("decided_why", sa.LargeBinary(), nullable=True),
        sa.Column("decided_wall", sa.BigInteger(), nullable=True),
        sa.Column("withdrawn_by", sa.Text(), nullable=True),
        sa.Column("withdrawn_why", sa.LargeBinary(), nullable=True),
        sa.Column("withdrawn_wall", sa.BigInteger(), nullable=True),
    ]
