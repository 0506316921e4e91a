"""The tables of the documents as the first schema has them: a part of `r0001_first`."""

import sqlalchemy as sa
from alembic import op


def create() -> None:
    op.create_table(
        "issuer",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("valid_from", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("letterhead", sa.Text(), nullable=False),
        sa.Column("mark", sa.Text(), nullable=False),
        sa.Column("printer", sa.Text(), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("why", sa.LargeBinary(), nullable=False),
        sa.Column("set_wall", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", "valid_from", name=op.f("pk_issuer")),
    )
    op.create_table(
        "document_series",
        sa.Column("issuer", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("last", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("issuer", "kind", "year", name=op.f("pk_document_series")),
    )
    op.create_table(
        "document",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("issuer", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("cycle", sa.Integer(), nullable=False),
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("org", sa.Text(), nullable=True),
        sa.Column("number_text", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("paper", sa.LargeBinary(), nullable=False),
        sa.Column("facts", sa.LargeBinary(), nullable=False),
        sa.Column("drafter", sa.Text(), nullable=False),
        sa.Column("signer", sa.Text(), nullable=False),
        sa.Column("issued_at", sa.BigInteger(), nullable=False),
        sa.Column("issued_wall", sa.BigInteger(), nullable=False),
        sa.Column("answer_by", sa.Text(), nullable=True),
        sa.Column("pdf", sa.LargeBinary(), nullable=True),
        sa.Column("docx", sa.LargeBinary(), nullable=True),
        sa.Column("preview", sa.Boolean(), nullable=True),
        sa.Column("signature", sa.LargeBinary(), nullable=True),
        sa.Column("spoiled_by", sa.Text(), nullable=True),
        sa.Column("spoiled_why", sa.LargeBinary(), nullable=True),
        sa.Column("spoiled_wall", sa.BigInteger(), nullable=True),
        sa.Column("urged_wall", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_document")),
        sa.UniqueConstraint(
            "issuer", "kind", "year", "number", name=op.f("uq_document_issuer_kind_year_number")
        ),
        sa.UniqueConstraint("subject", "kind", "cycle", name=op.f("uq_document_subject_kind_cycle")),
    )
    op.create_index("ix_document_issued", "document", ["issued_wall"], unique=False)
    op.create_index("ix_document_site", "document", ["site"], unique=False)
    op.create_index(
        "ix_document_owed",
        "document",
        ["answer_by"],
        unique=False,
        sqlite_where=sa.text("answer_by IS NOT NULL AND urged_wall IS NULL"),
        postgresql_where=sa.text("answer_by IS NOT NULL AND urged_wall IS NULL"),
    )
    op.create_index(
        "ix_document_undone",
        "document",
        ["issued_wall"],
        unique=False,
        sqlite_where=sa.text("pdf IS NULL"),
        postgresql_where=sa.text("pdf IS NULL"),
    )
    op.create_table(
        "document_answer",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("wall", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("on_paper", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.LargeBinary(), nullable=False),
        sa.Column("files", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("code", "number", name=op.f("pk_document_answer")),
    )
    op.create_table(
        "document_draft",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("issuer", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("cycle", sa.Integer(), nullable=False),
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("org", sa.Text(), nullable=True),
        sa.Column("facts", sa.LargeBinary(), nullable=False),
        sa.Column("period", sa.Text(), nullable=False),
        sa.Column("copies", sa.LargeBinary(), nullable=False),
        sa.Column("drafter", sa.Text(), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("edits", sa.Integer(), nullable=False),
        sa.Column("code", sa.Text(), nullable=True),
        sa.Column("ended_by", sa.Text(), nullable=True),
        sa.Column("ended_why", sa.LargeBinary(), nullable=True),
        sa.Column("ended_wall", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_document_draft")),
        sa.UniqueConstraint("subject", "kind", "cycle", name=op.f("uq_document_draft_subject_kind_cycle")),
    )
    waits = sa.text("code IS NULL AND ended_wall IS NULL")
    op.create_index(
        "ix_document_draft_waits",
        "document_draft",
        ["made_at"],
        unique=False,
        sqlite_where=waits,
        postgresql_where=waits,
    )
    op.create_table(
        "document_draft_edit",
        sa.Column("draft", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("before", sa.LargeBinary(), nullable=False),
        sa.Column("after", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("draft", "number", name=op.f("pk_document_draft_edit")),
    )
    op.create_table(
        "document_file",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_document_file")),
    )
    op.create_table(
        "issuer_seal",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("issuer", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("millimetres", sa.Integer(), nullable=False),
        sa.Column("uploaded_by", sa.Text(), nullable=False),
        sa.Column("why", sa.LargeBinary(), nullable=False),
        sa.Column("made_wall", sa.BigInteger(), nullable=False),
        sa.Column("confirmed_by", sa.Text(), nullable=True),
        sa.Column("confirmed_wall", sa.BigInteger(), nullable=True),
        sa.Column("ended_by", sa.Text(), nullable=True),
        sa.Column("ended_why", sa.LargeBinary(), nullable=True),
        sa.Column("ended_wall", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_issuer_seal")),
    )
    for name, state in (("waits", "NULL"), ("holds", "NOT NULL")):
        only = sa.text(f"confirmed_wall IS {state} AND ended_wall IS NULL")
        op.create_index(
            f"ix_issuer_seal_{name}",
            "issuer_seal",
            ["issuer"],
            unique=True,
            sqlite_where=only,
            postgresql_where=only,
        )
