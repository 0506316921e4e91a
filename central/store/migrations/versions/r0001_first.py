"""The first schema."""

from typing import Any

import sqlalchemy as sa
from alembic import op

from central.store.migrations import (
    first_accounts,
    first_cameras,
    first_complaints,
    first_console,
    first_consults,
    first_corrections,
    first_documents,
    first_enrolment,
    first_findings,
    first_law,
    first_messages,
    first_public,
    first_ratings,
    first_scores,
    first_surveys,
    first_tallies,
)

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "arrival",
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("slot_at", sa.BigInteger(), nullable=False),
        sa.Column("live", sa.Integer(), nullable=False),
        sa.Column("late", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("site", "slot_at", name=op.f("pk_arrival")),
    )
    op.create_table(
        "box",
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("sign_key", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("created_wall", sa.BigInteger(), nullable=False),
        sa.Column("machine", sa.Text(), nullable=False, server_default=""),
        sa.PrimaryKeyConstraint("site", "generation", name=op.f("pk_box")),
    )
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
        "dead_letter",
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("epoch", sa.LargeBinary(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=False),
        sa.Column("at_wall", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("site", "epoch", "seq", name=op.f("pk_dead_letter")),
    )
    op.create_table(
        "parked_batch",
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("epoch", sa.LargeBinary(), nullable=False),
        sa.Column("first", sa.BigInteger(), nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.Column("schema", sa.BigInteger(), nullable=False),
        sa.Column("raws", sa.LargeBinary(), nullable=False),
        sa.Column("claim", sa.LargeBinary(), nullable=False),
        sa.Column("at_wall", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("site", "epoch", "first", name=op.f("pk_parked_batch")),
    )
    op.create_table(
        "alarm",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("raised_wall", sa.BigInteger(), nullable=False),
        sa.Column("ended_wall", sa.BigInteger(), nullable=True),
        sa.Column("accepted_by", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alarm")),
        sa.UniqueConstraint(
            "site", "kind", "subject", "raised_wall", name=op.f("uq_alarm_site_kind_subject_raised_wall")
        ),
    )
    op.create_index(
        "ix_alarm_open",
        "alarm",
        ["site"],
        unique=False,
        sqlite_where=sa.text("ended_wall IS NULL"),
        postgresql_where=sa.text("ended_wall IS NULL"),
    )
    first_law.create()
    first_scores.create()
    first_public.create()
    first_complaints.create()
    first_ratings.create()
    first_surveys.create()
    first_tallies.create()
    first_consults.create()
    first_findings.create()
    first_enrolment.create()
    first_accounts.create()
    first_cameras.create()
    first_console.create()
    first_documents.create()
    first_corrections.create()
    first_messages.create()
    op.create_table(
        "command",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("act", sa.Text(), nullable=False),
        sa.Column("args", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("why", sa.LargeBinary(), nullable=False),
        sa.Column("issued_wall", sa.BigInteger(), nullable=False),
        sa.Column("expires_wall", sa.BigInteger(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("ended_wall", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_command")),
    )
    op.create_index(
        "ix_command_waiting",
        "command",
        ["site"],
        unique=False,
        sqlite_where=sa.text("ended_wall IS NULL"),
        postgresql_where=sa.text("ended_wall IS NULL"),
    )
    op.create_table(
        "policy",
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("bulk_bytes_per_sec", sa.BigInteger(), nullable=False),
        sa.Column("linger_ms", sa.BigInteger(), nullable=False),
        sa.Column("cameras", sa.LargeBinary(), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("why", sa.LargeBinary(), nullable=False),
        sa.Column("set_wall", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("site", "version", name=op.f("pk_policy")),
    )
    op.create_table(
        "audit_line",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at_wall", sa.BigInteger(), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("act", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("why", sa.LargeBinary(), nullable=False),
        sa.Column("chain", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_line")),
    )
    op.create_index("ix_audit_line_act", "audit_line", ["act", "id"], unique=False)
    op.create_index("ix_audit_line_who", "audit_line", ["who", "id"], unique=False)
    op.create_table(
        "audit_seal",
        sa.Column("upto", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("chain", sa.LargeBinary(), nullable=False),
        sa.Column("at_wall", sa.BigInteger(), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("upto", name=op.f("pk_audit_seal")),
    )
    op.create_table(
        "ingest_cursor",
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("epoch", sa.LargeBinary(), nullable=False),
        sa.Column("epoch_no", sa.Integer(), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("upto", sa.BigInteger(), nullable=False),
        sa.Column("ranges", sa.LargeBinary(), nullable=False),
        sa.Column("newest", sa.BigInteger(), nullable=False),
        sa.Column("gap_at", sa.BigInteger(), nullable=False),
        sa.Column("ver", sa.Integer(), nullable=False),
        sa.Column("opened_wall", sa.BigInteger(), nullable=False),
        sa.Column("updated_wall", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("site", "epoch", name=op.f("pk_ingest_cursor")),
    )
    op.create_table(
        "pending_pass",
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("epoch", sa.LargeBinary(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("tables", sa.LargeBinary(), nullable=False),
        sa.Column("mapped", sa.LargeBinary(), nullable=False),
        sa.Column("anew", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("site", "epoch", "seq", name=op.f("pk_pending_pass")),
    )
    op.create_table(
        "anew",
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("tbl", sa.Text(), nullable=False),
        sa.Column("epoch_no", sa.Integer(), nullable=False),
        sa.Column("above", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("site", "tbl", name=op.f("pk_anew")),
    )
    op.create_table(
        "record",
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("epoch", sa.LargeBinary(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("tbl", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("cap_at", sa.BigInteger(), nullable=False),
        sa.Column("cap_wall", sa.BigInteger(), nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("received_wall", sa.BigInteger(), nullable=False),
        sa.Column("lane", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("site", "epoch", "seq", name=op.f("pk_record")),
    )
    op.create_index("ix_record_row", "record", ["site", "tbl", "key"], unique=False)
    events = sa.text("kind = 'event'")
    op.create_index(
        "ix_record_event", "record", ["site", "cap_wall"], sqlite_where=events, postgresql_where=events
    )
    passes = sa.text("kind = 'pass'")
    op.create_index(
        "ix_record_pass",
        "record",
        ["site", "epoch", "seq"],
        sqlite_where=passes,
        postgresql_where=passes,
    )
    op.create_table(
        "row_head",
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("tbl", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("case_key", sa.Text(), nullable=False),
        sa.Column("epoch_no", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("deleted", sa.Boolean(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("first_seen_at", sa.BigInteger(), nullable=False),
        sa.Column("cap_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("site", "tbl", "key", name=op.f("pk_row_head")),
    )
    op.create_index("ix_row_head_case", "row_head", ["site", "case_key"], unique=False)
    op.create_table(
        "site",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("retired_wall", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_site")),
    )
    op.create_table(
        "site_pass",
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("tbl", sa.Text(), nullable=False),
        sa.Column("complete_until", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("site", "tbl", name=op.f("pk_site_pass")),
    )
    op.create_table(
        "site_status",
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("online", sa.Boolean(), nullable=False),
        sa.Column("connection", sa.Text(), nullable=False),
        sa.Column("since_wall", sa.BigInteger(), nullable=False),
        sa.Column("heard_wall", sa.BigInteger(), nullable=True),
        sa.Column("receipt_wall", sa.BigInteger(), nullable=True),
        sa.Column("record_wall", sa.BigInteger(), nullable=True),
        sa.Column("heartbeat", sa.LargeBinary(), nullable=True),
        sa.Column("behind_wall", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("site", name=op.f("pk_site_status")),
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
