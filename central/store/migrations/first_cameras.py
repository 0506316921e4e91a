"""The table of cameras as the first schema has it: a part of `r0001_first`."""

import sqlalchemy as sa
from alembic import op


def create() -> None:
    op.create_table(
        "camera_state",
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("epoch", sa.LargeBinary(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("camera", sa.Text(), nullable=False),
        sa.Column("aspect", sa.Text(), nullable=False),
        sa.Column("view", sa.Text(), nullable=False),
        sa.Column("since_at", sa.BigInteger(), nullable=False),
        sa.Column("cap_at", sa.BigInteger(), nullable=False),
        sa.Column("alt", sa.Text(), nullable=False),
        sa.Column("certain", sa.Boolean(), nullable=False),
        sa.Column("votes", sa.BigInteger(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("site", "epoch", "seq", name=op.f("pk_camera_state")),
    )
    op.create_index(
        "ix_camera_state_said", "camera_state", ["site", "camera", "aspect", "cap_at"], unique=False
    )
