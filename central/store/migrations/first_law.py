"""The part of the first schema that holds the law: calendar, catalogue, answers of the rules, withdrawals."""

import sqlalchemy as sa
from alembic import op


def create() -> None:
    op.create_table(
        "calendar_day",
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("workday", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("version", "day", name=op.f("pk_calendar_day")),
    )
    op.create_table(
        "calendar_version",
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("why", sa.LargeBinary(), nullable=False),
        sa.Column("made_wall", sa.BigInteger(), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("version", name=op.f("pk_calendar_version")),
    )
    op.create_table(
        "due_change",
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("case_key", sa.Text(), nullable=False),
        sa.Column("clock", sa.Text(), nullable=False),
        sa.Column("cycle", sa.BigInteger(), nullable=False),
        sa.Column("before_at", sa.BigInteger(), nullable=False),
        sa.Column("after_at", sa.BigInteger(), nullable=False),
        sa.Column("judged_wall", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("version", "site", "case_key", "clock", "cycle", name=op.f("pk_due_change")),
    )
    op.create_table(
        "item_version",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("valid_from", sa.Text(), nullable=True),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("why", sa.LargeBinary(), nullable=False),
        sa.Column("made_wall", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("code", "version", name=op.f("pk_item_version")),
    )
    op.create_table(
        "item_draft",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("base", sa.Integer(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("why", sa.LargeBinary(), nullable=False),
        sa.Column("made_wall", sa.BigInteger(), nullable=False),
        sa.Column("decided_by", sa.Text(), nullable=True),
        sa.Column("decided_why", sa.LargeBinary(), nullable=True),
        sa.Column("decided_wall", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_item_draft")),
    )
    op.create_index(
        "ix_item_draft_waiting",
        "item_draft",
        ["code"],
        unique=True,
        sqlite_where=sa.text("state = 'waiting'"),
        postgresql_where=sa.text("state = 'waiting'"),
    )
    op.create_table(
        "withdrawal",
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("case_key", sa.Text(), nullable=False),
        sa.Column("clock", sa.Text(), nullable=False),
        sa.Column("cycle", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("proposed_at", sa.BigInteger(), nullable=False),
        sa.Column("proposed_wall", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("decided_by", sa.Text(), nullable=True),
        sa.Column("decided_why", sa.LargeBinary(), nullable=True),
        sa.Column("decided_wall", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("site", "case_key", "clock", "cycle", name=op.f("pk_withdrawal")),
    )
    op.create_table(
        "ruling",
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("case_key", sa.Text(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("light", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("pack", sa.Integer(), nullable=False),
        sa.Column("needs_until", sa.BigInteger(), nullable=True),
        sa.Column("found_at", sa.BigInteger(), nullable=False),
        sa.Column("found_wall", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("site", "case_key", "rule", name=op.f("pk_ruling")),
    )
    op.create_index("ix_ruling_rule", "ruling", ["rule", "found_at"], unique=False)
    op.create_index(
        "ix_ruling_lit",
        "ruling",
        ["found_at"],
        unique=False,
        sqlite_where=sa.text("light IN ('red', 'yellow')"),
        postgresql_where=sa.text("light IN ('red', 'yellow')"),
    )
    op.create_index(
        "ix_ruling_parked",
        "ruling",
        ["site", "needs_until"],
        unique=False,
        sqlite_where=sa.text("needs_until IS NOT NULL"),
        postgresql_where=sa.text("needs_until IS NOT NULL"),
    )
    op.create_table(
        "rule_pack",
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("figures", sa.Text(), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("why", sa.LargeBinary(), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("made_wall", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("version", name=op.f("pk_rule_pack")),
    )
    op.create_table(
        "rule_opinion",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        *(sa.Column(name, sa.LargeBinary(), nullable=False) for name in ("examiner", "number")),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("day", "who")),
        sa.Column("made_wall", sa.BigInteger(), nullable=False),
        sa.Column("confirmed_by", sa.Text(), nullable=True),
        sa.Column("confirmed_wall", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rule_opinion")),
    )
    op.create_table(
        "outbox",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("case_key", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("cycle", sa.BigInteger(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("made_wall", sa.BigInteger(), nullable=False),
        sa.Column("done_wall", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
        sa.UniqueConstraint(
            "site",
            "case_key",
            "subject",
            "cycle",
            "event",
            name=op.f("uq_outbox_site_case_key_subject_cycle_event"),
        ),
    )
    waiting = sa.text("done_wall IS NULL")
    op.create_index("ix_outbox_waiting", "outbox", ["id"], sqlite_where=waiting, postgresql_where=waiting)
