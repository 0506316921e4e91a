"""The tables of the messages as the first schema has them: a part of `r0001_first`."""

import sqlalchemy as sa
from alembic import op

_INDEXES: tuple[tuple[str, tuple[str, ...], str], ...] = (
    ("ix_message_due", ("send_at",), "state = 'queued'"),
    ("ix_message_held", ("site",), "state = 'inhibited'"),
    ("ix_message_unsure", ("changed_wall",), "state IN ('sending', 'sent')"),
    ("ix_message_wrong", ("changed_wall",), "state = 'failed' AND NOT settled"),
    ("ix_message_person", ("person_index", "channel", "changed_at"), ""),
    ("ix_message_event", ("event",), ""),
    ("ix_message_case", ("site", "case_key"), ""),
    ("ix_message_correction", ("correction",), ""),
    ("ix_message_ref", ("channel", "ref_index"), ""),
    ("ix_message_carrier", ("carrier",), ""),
)


def create() -> None:
    _message()
    _ladder()
    op.create_table(
        "message_entry",
        sa.Column("message", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("wall", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("detail", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("message", "number", name=op.f("pk_message_entry")),
    )
    op.create_table(
        "silence",
        _id(),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("site", "who")),
        *(sa.Column(name, sa.LargeBinary(), nullable=False) for name in ("person", "reason")),
        sa.Column("from_at", sa.BigInteger(), nullable=False),
        sa.Column("until_at", sa.BigInteger(), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.Column("ended_wall", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_silence")),
    )
    op.create_table(
        "cut_off",
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("since_at", sa.BigInteger(), nullable=False),
        sa.Column("told", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("site", name=op.f("pk_cut_off")),
    )
    op.create_table(
        "channel_secret",
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("channel", name=op.f("pk_channel_secret")),
    )


def _message() -> None:
    op.create_table(
        "message",
        _id(),
        *(
            sa.Column(name, sa.LargeBinary(), nullable=False)
            for name in (
                "key",
                "key_index",
                "person",
                "person_index",
                "name",
                "address",
                "title",
                "text",
                "ref",
                "ref_index",
            )
        ),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("rung", sa.Integer(), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("level", "channel", "site")),
        sa.Column("case_key", sa.Text(), nullable=True),
        sa.Column("subject", sa.Text(), nullable=True),
        sa.Column("cycle", sa.BigInteger(), nullable=True),
        sa.Column("correction", sa.BigInteger(), nullable=True),
        sa.Column("alone", sa.Boolean(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("send_at", sa.BigInteger(), nullable=False),
        sa.Column("next_wall", sa.BigInteger(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("first_wall", sa.BigInteger(), nullable=True),
        sa.Column("carrier", sa.BigInteger(), nullable=True),
        *(
            sa.Column(name, sa.BigInteger(), nullable=False)
            for name in ("made_at", "made_wall", "changed_at", "changed_wall")
        ),
        sa.Column("read_wall", sa.BigInteger(), nullable=True),
        sa.Column("settled", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_message")),
        sa.UniqueConstraint("key_index", name=op.f("uq_message_key_index")),
    )
    for name, columns, where in _INDEXES:
        partial = sa.text(where) if where else None
        op.create_index(
            name, "message", list(columns), unique=False, sqlite_where=partial, postgresql_where=partial
        )


def _ladder() -> None:
    op.create_table(
        "ladder_draft",
        _id(),
        sa.Column("base", sa.BigInteger(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("state", "who")),
        sa.Column("why", sa.LargeBinary(), nullable=False),
        sa.Column("made_wall", sa.BigInteger(), nullable=False),
        sa.Column("decided_by", sa.Text(), nullable=True),
        sa.Column("decided_why", sa.LargeBinary(), nullable=True),
        sa.Column("decided_wall", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ladder_draft")),
    )
    waits = sa.text("state = 'waiting'")
    op.create_index(
        "ix_ladder_draft_waiting",
        "ladder_draft",
        ["state"],
        unique=True,
        sqlite_where=waits,
        postgresql_where=waits,
    )


def _id() -> sa.Column[int]:
    kind = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    return sa.Column("id", kind, autoincrement=True, nullable=False)
