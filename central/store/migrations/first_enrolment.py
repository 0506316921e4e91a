"""The tables of enrolment as the first schema has them: a part of `r0001_first`."""

import sqlalchemy as sa
from alembic import op


def create() -> None:
    op.create_table(
        "enrol_token",
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("created_wall", sa.BigInteger(), nullable=False),
        sa.Column("expires_wall", sa.BigInteger(), nullable=False),
        sa.Column("claimed_key", sa.LargeBinary(), nullable=False),
        sa.Column("claimed_wall", sa.BigInteger(), nullable=True),
        sa.Column("voided_wall", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("hash", name=op.f("pk_enrol_token")),
    )
    op.create_index("ix_enrol_token_site", "enrol_token", ["site"], unique=False)
    op.create_table(
        "certificate",
        sa.Column("serial", sa.Text(), nullable=False),
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.Column("issued_wall", sa.BigInteger(), nullable=False),
        sa.Column("ends_wall", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("serial", name=op.f("pk_certificate")),
    )
    op.create_index("ix_certificate_key", "certificate", ["key"], unique=False)
    op.create_index("ix_certificate_site", "certificate", ["site", "generation"], unique=False)
