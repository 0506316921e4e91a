"""Tables of the scores: schemes, runs with their frozen snapshots, every unit's result, objections, and what is published."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    text,
)

from central.store.metadata import metadata
from central.store.sealed import SealedText

score_scheme = Table(
    "score_scheme",  # versions are only added; version 1 comes with the software
    metadata,
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("content", Text, nullable=False),  # JSON of central.core.scheme.Scheme
    Column("who", Text, nullable=False),
    Column("why", SealedText("score_scheme.why"), nullable=False),
    Column("made_wall", BigInteger, nullable=False),
)

_WAITS = text("state = 'waiting'")
scheme_draft = Table(
    "scheme_draft",  # one person drafts, another approves
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("base", Integer, nullable=False),  # the version that it was written against
    Column("content", Text, nullable=False),
    Column("state", Text, nullable=False),  # central.core.item_draft.DraftState
    Column("who", Text, nullable=False),
    Column("why", SealedText("scheme_draft.why"), nullable=False),
    Column("made_wall", BigInteger, nullable=False),
    Column("decided_by", Text),
    Column("decided_why", SealedText("scheme_draft.decided_why")),
    Column("decided_wall", BigInteger),
    Index("ix_scheme_draft_waiting", "state", unique=True, sqlite_where=_WAITS, postgresql_where=_WAITS),
)

score_snapshot = Table(
    "score_snapshot",  # what a run was computed from, for ever
    metadata,
    Column("digest", Text, primary_key=True),  # SHA-256 of the lines, as hexadecimal digits
    Column("body", LargeBinary, nullable=False),  # the lines, zstandard
)

score_run = Table(
    "score_run",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("period", Text, nullable=False),  # central.core.period
    Column("scheme", Integer, nullable=False),
    Column("digest", Text, nullable=False),
    Column("follows", BigInteger),  # the provisional run whose objections it has taken into account
    Column("is_final", Boolean, nullable=False),
    Column("who", Text, nullable=False),
    Column("why", SealedText("score_run.why"), nullable=False),
    Column("made_at", BigInteger, nullable=False),
    Column("made_wall", BigInteger, nullable=False),
    Column("object_until", Text, nullable=False),  # YYYY-MM-DD: the last day for objections
    Index("ix_score_run_period", "period", "id"),
)

score_unit = Table(
    "score_unit",  # one unit of a run; all of it can be computed anew from the snapshot
    metadata,
    Column("run", BigInteger, nullable=False),
    Column("level", Text, nullable=False),  # central.core.score.Level
    Column("place", Integer, nullable=False),  # order in the list
    Column("site", Text, nullable=False),  # who reaches it; empty: an item, of the whole city
    Column("org", Text, nullable=False),  # empty: of no single office
    Column("body", LargeBinary, nullable=False),  # JSON of central.core.score.Score
    PrimaryKeyConstraint("run", "level", "place"),
)

objection = Table(
    "objection",  # to one fault of one case, before results are final
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("run", BigInteger, nullable=False),
    Column("site", Text, nullable=False),
    Column("case_key", Text, nullable=False),
    Column("measure", Text, nullable=False),
    Column("state", Text, nullable=False),  # central.core.objection.ObjectionState
    Column("who", Text, nullable=False),
    Column("why", SealedText("objection.why"), nullable=False),
    Column("made_wall", BigInteger, nullable=False),
    Column("decided_by", Text),
    Column("decided_why", SealedText("objection.decided_why")),
    Column("decided_wall", BigInteger),
    Index("ix_objection_fault", "run", "site", "case_key", "measure", unique=True),
)

publication = Table(
    "publication",  # what is made public: drafted by one person, released by another; withdrawn with its reason
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("run", BigInteger, nullable=False),
    Column("period", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("state", Text, nullable=False),  # central.core.release.ReleaseState
    Column("who", Text, nullable=False),
    Column("why", SealedText("publication.why"), nullable=False),
    Column("made_wall", BigInteger, nullable=False),
    Column("decided_by", Text),
    Column("decided_why", SealedText("publication.decided_why")),
    Column("decided_wall", BigInteger),
    Column("withdrawn_by", Text),
    Column("withdrawn_why", SealedText("publication.withdrawn_why")),
    Column("withdrawn_wall", BigInteger),
    Index("ix_publication_state", "state", "id"),
)

publication_file = Table(
    "publication_file",  # exactly what is published: whoever shows it needs no other table
    metadata,
    Column("publication", BigInteger, nullable=False),
    Column("name", Text, nullable=False),
    Column("digest", Text, nullable=False),  # SHA-256 of `body`, hexadecimal
    Column("body", LargeBinary, nullable=False),
    PrimaryKeyConstraint("publication", "name"),
)
