"""The tables of the scores as the first schema has them: a part of `r0001_first`."""

import sqlalchemy as sa
from alembic import op


def _text(*names: str, nullable: bool = False) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text(), nullable=nullable) for name in names]


def _sealed(*names: str, nullable: bool = False) -> list[sa.Column[bytes]]:
    return [sa.Column(name, sa.LargeBinary(), nullable=nullable) for name in names]


def _number(name: str, *, nullable: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), nullable=nullable)


def _id() -> sa.Column[int]:
    kind = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    return sa.Column("id", kind, autoincrement=True, nullable=False)


def _decided() -> list[sa.Column[str] | sa.Column[bytes] | sa.Column[int]]:
    return [
        *_text("decided_by", nullable=True),
        *_sealed("decided_why", nullable=True),
        _number("decided_wall", nullable=True),
    ]


def _key(table: str, *columns: str) -> sa.PrimaryKeyConstraint:
    return sa.PrimaryKeyConstraint(*columns, name=op.f(f"pk_{table}"))


def create() -> None:
    op.create_table(
        "score_scheme",
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        *_text("content", "who"),
        *_sealed("why"),
        _number("made_wall"),
        _key("score_scheme", "version"),
    )
    op.create_table(
        "scheme_draft",
        _id(),
        sa.Column("base", sa.Integer(), nullable=False),
        *_text("content", "state", "who"),
        *_sealed("why"),
        _number("made_wall"),
        *_decided(),
        _key("scheme_draft", "id"),
    )
    waits = sa.text("state = 'waiting'")
    op.create_index(
        "ix_scheme_draft_waiting", "scheme_draft", ["state"], unique=True,
        sqlite_where=waits, postgresql_where=waits,
    )  # fmt: skip
    op.create_table(
        "score_snapshot",
        *_text("digest"),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        _key("score_snapshot", "digest"),
    )
    op.create_table(
        "score_run",
        _id(),
        *_text("period"),
        sa.Column("scheme", sa.Integer(), nullable=False),
        *_text("digest"),
        _number("follows", nullable=True),
        sa.Column("is_final", sa.Boolean(), nullable=False),
        *_text("who"),
        *_sealed("why"),
        _number("made_at"),
        _number("made_wall"),
        *_text("object_until"),
        _key("score_run", "id"),
    )
    op.create_index("ix_score_run_period", "score_run", ["period", "id"], unique=False)
    op.create_table(
        "score_unit",
        _number("run"),
        *_text("level"),
        sa.Column("place", sa.Integer(), nullable=False),
        *_text("site", "org"),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        _key("score_unit", "run", "level", "place"),
    )
    op.create_table(
        "objection",
        _id(),
        _number("run"),
        *_text("site", "case_key", "measure", "state", "who"),
        *_sealed("why"),
        _number("made_wall"),
        *_decided(),
        _key("objection", "id"),
    )
    op.create_index("ix_objection_fault", "objection", ["run", "site", "case_key", "measure"], unique=True)
    op.create_table(
        "publication",
        _id(),
        _number("run"),
        *_text("period", "title", "state", "who"),
        *_sealed("why"),
        _number("made_wall"),
        *_decided(),
        *_text("withdrawn_by", nullable=True),
        *_sealed("withdrawn_why", nullable=True),
        _number("withdrawn_wall", nullable=True),
        _key("publication", "id"),
    )
    op.create_index("ix_publication_state", "publication", ["state", "id"], unique=False)
    op.create_table(
        "publication_file",
        _number("publication"),
        *_text("name", "digest"),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        _key("publication_file", "publication", "name"),
    )
