"""The tables of cases and their clocks as the first schema has them: a part of `r0001_first`."""

from typing import Any

import sqlalchemy as sa
from alembic import op


def create() -> None:
    op.create_table(
        "case",
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("case_key", sa.Text(), nullable=False),
        sa.Column("case_no", sa.Text(), nullable=True),
        sa.Column("item_code", sa.Text(), nullable=True),
        sa.Column("item_name", sa.Text(), nullable=True),
        sa.Column("applicant", sa.LargeBinary(), nullable=True),
        sa.Column("name_index", sa.LargeBinary(), nullable=True),
        sa.Column("phone_index", sa.LargeBinary(), nullable=True),
        sa.Column("org", sa.Text(), nullable=True),
        sa.Column("responsible", sa.Text(), nullable=True),
        sa.Column("received_at", sa.BigInteger(), nullable=True),
        sa.Column("accepted_at", sa.BigInteger(), nullable=True),
        sa.Column("finished_at", sa.BigInteger(), nullable=True),
        sa.Column("deadline_at", sa.BigInteger(), nullable=True),
        sa.Column("status", sa.Text(), nullable=True),
        sa.Column("outcome", sa.LargeBinary(), nullable=True),
        sa.Column("open", sa.Boolean(), nullable=False),
        sa.Column("deleted", sa.Boolean(), nullable=False),
        sa.Column("light", sa.Text(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=True),
        sa.Column("rule_light", sa.Text(), nullable=True),
        sa.Column("rule", sa.Text(), nullable=True),
        sa.Column("filed_at", sa.BigInteger(), nullable=False),
        sa.Column("reopened", sa.Text(), nullable=True),
        sa.Column("proof_at", sa.BigInteger(), nullable=True),
        sa.Column("channel", sa.Text(), nullable=True),
        sa.Column("charged", sa.BigInteger(), nullable=True),
        sa.Column("doc_nos", sa.Text(), nullable=True),
        sa.Column("rev", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("site", "case_key", name=op.f("pk_case")),
    )
    op.create_index(
        "ix_case_ruled",
        "case",
        ["rule_light", "site", "open"],
        unique=False,
        sqlite_where=sa.text("rule_light IS NOT NULL"),
        postgresql_where=sa.text("rule_light IS NOT NULL"),
    )
    for name in ("name_index", "phone_index"):
        known = sa.text(f"{name} IS NOT NULL")
        op.create_index(f"ix_case_{name}", "case", [name], sqlite_where=known, postgresql_where=known)
    for name, columns in (
        ("accepted", ["site", "accepted_at"]),
        ("finished", ["site", "finished_at"]),
        ("no", ["case_no"]),
        ("tail", [sa.text("substr(case_no, length(case_no) - 3)")]),
        ("filed", ["filed_at", "site", "case_key"]),
        ("site_filed", ["site", "filed_at", "case_key"]),
    ):
        op.create_index(f"ix_case_{name}", "case", columns)
    where: dict[str, Any] = {"sqlite_where": sa.text("open"), "postgresql_where": sa.text("open")}
    op.create_index("ix_case_open", "case", ["site", "light", "item_name"], **where)
    nearest = sa.text("coalesce(due_at, 100000000000000000)")
    op.create_index("ix_case_nearest", "case", [nearest, "site", "case_key"], **where)
    op.create_table(
        "clock",
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("case_key", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("cycle", sa.BigInteger(), nullable=False),
        sa.Column("light", sa.Text(), nullable=False),
        sa.Column("since_at", sa.BigInteger(), nullable=True),
        sa.Column("yellow_at", sa.BigInteger(), nullable=True),
        sa.Column("yellowed_at", sa.BigInteger(), nullable=True),
        sa.Column("due_at", sa.BigInteger(), nullable=True),
        sa.Column("start_day", sa.Text(), nullable=True),
        sa.Column("running", sa.Boolean(), nullable=False),
        sa.Column("stopped", sa.Boolean(), nullable=False),
        sa.Column("provisional", sa.Boolean(), nullable=False),
        sa.Column("calendar_version", sa.Integer(), nullable=False),
        sa.Column("next_check_at", sa.BigInteger(), nullable=True),
        sa.Column("needs_until", sa.BigInteger(), nullable=True),
        sa.Column("rev", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("site", "case_key", "kind", "cycle", name=op.f("pk_clock")),
    )
    op.create_index(
        "ix_clock_next",
        "clock",
        ["next_check_at"],
        unique=False,
        sqlite_where=sa.text("next_check_at IS NOT NULL"),
        postgresql_where=sa.text("next_check_at IS NOT NULL"),
    )
    op.create_index(
        "ix_clock_parked",
        "clock",
        ["site", "needs_until"],
        unique=False,
        sqlite_where=sa.text("needs_until IS NOT NULL"),
        postgresql_where=sa.text("needs_until IS NOT NULL"),
    )
    op.create_table(
        "transition",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("case_key", sa.Text(), nullable=False),
        sa.Column("clock", sa.Text(), nullable=False),
        sa.Column("cycle", sa.BigInteger(), nullable=False),
        sa.Column("before", sa.Text(), nullable=False),
        sa.Column("after", sa.Text(), nullable=False),
        sa.Column("since_at", sa.BigInteger(), nullable=False),
        sa.Column("judged_at", sa.BigInteger(), nullable=False),
        sa.Column("judged_wall", sa.BigInteger(), nullable=False),
        sa.Column("late", sa.Boolean(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_transition")),
        sa.UniqueConstraint(
            "site",
            "case_key",
            "clock",
            "cycle",
            "after",
            name=op.f("uq_transition_site_case_key_clock_cycle_after"),
        ),
    )
    op.create_index("ix_transition_judged", "transition", ["judged_at"], unique=False)
