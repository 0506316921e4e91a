"""The tables of cameras and counters as the first schema has it: a part of `r0001_first`."""

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
    op.create_table(
        "seat_state",
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("epoch", sa.LargeBinary(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("camera", sa.Text(), nullable=False),
        sa.Column("region", sa.Text(), nullable=False),
        sa.Column("seat", sa.Text(), nullable=False),
        sa.Column("since_at", sa.BigInteger(), nullable=False),
        sa.Column("cap_at", sa.BigInteger(), nullable=False),
        sa.Column("object", sa.Boolean(), nullable=False),
        sa.Column("hours", sa.LargeBinary(), nullable=False),
        sa.Column("away_secs", sa.BigInteger(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("sure", sa.BigInteger(), nullable=False),
        sa.Column("box", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("site", "epoch", "seq", name=op.f("pk_seat_state")),
    )
    op.create_index("ix_seat_state_said", "seat_state", ["site", "camera", "region", "cap_at"], unique=False)
    op.create_table(
        "absence_ruling",
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("camera", sa.Text(), nullable=False),
        sa.Column("region", sa.Text(), nullable=False),
        sa.Column("begin_at", sa.BigInteger(), nullable=False),
        sa.Column("end_at", sa.BigInteger(), nullable=False),
        sa.Column("ruling", sa.Text(), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("why", sa.LargeBinary(), nullable=False),
        sa.Column("ruled_wall", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint(
            "site", "camera", "region", "begin_at", "end_at", name=op.f("pk_absence_ruling")
        ),
    )
    op.create_table(
        "ticket",
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("tbl", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("taken_at", sa.BigInteger(), nullable=False),
        sa.Column("called_at", sa.BigInteger(), nullable=True),
        sa.Column("counter", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("site", "tbl", "key", name=op.f("pk_ticket")),
    )
    op.create_index("ix_ticket_taken", "ticket", ["site", "taken_at"], unique=False)
    op.create_table(
        "still",
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("epoch", sa.LargeBinary(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("camera", sa.Text(), nullable=False),
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("taken_at", sa.BigInteger(), nullable=False),
        sa.Column("camera_at", sa.BigInteger(), nullable=True),
        sa.Column("mask", sa.Text(), nullable=False),
        sa.Column("occasion", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("since_at", sa.BigInteger(), nullable=False),
        sa.Column("wide", sa.BigInteger(), nullable=False),
        sa.Column("high", sa.BigInteger(), nullable=False),
        sa.Column("millis", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("site", "epoch", "seq", name=op.f("pk_still")),
    )
    op.create_index("ix_still_camera", "still", ["site", "camera", "taken_at"], unique=False)
    op.create_index("ix_still_sha256", "still", ["site", "sha256"], unique=False)
    op.create_index("ix_still_taken", "still", ["taken_at"], unique=False)
    op.create_table(
        "still_picture",
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        sa.Column("held_wall", sa.BigInteger(), nullable=False),
        sa.Column("gone_wall", sa.BigInteger(), nullable=True),
        sa.Column("gone_why", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("site", "sha256", name=op.f("pk_still_picture")),
    )
    op.create_index(
        "ix_still_picture_held",
        "still_picture",
        ["site", "held_wall"],
        unique=False,
        sqlite_where=sa.text("gone_wall IS NULL"),
        postgresql_where=sa.text("gone_wall IS NULL"),
    )
