"""The first schema."""

import sqlalchemy as sa
from alembic import op

from central.store.migrations import (
    first_accounts,
    first_cameras,
    first_cases,
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
    first_cases.create()
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
