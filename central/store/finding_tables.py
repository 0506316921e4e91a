"""Findings, late entries and what a site is forgiven: reached as `central.store.tables`."""

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
)

from central.store.metadata import metadata
from central.store.sealed import SealedText

finding = Table(
    "finding",  # what a site's versions and observations show (central.core.conduct); kept for ever
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("site", Text, nullable=False),
    Column("code", Text, nullable=False),  # common.core.state.FindingCode
    Column("tbl", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column(
        "place", Text, nullable=False
    ),  # which of the row's: `generation.version`; of an observation, its own
    Column("case_key", Text, nullable=False),  # empty: of no case
    Column("before_epoch", LargeBinary),  # (epoch, seq) in `record` of the version before
    Column("before_seq", BigInteger),
    Column("after_epoch", LargeBinary, nullable=False),
    Column("after_seq", BigInteger, nullable=False),
    Column("still_at", BigInteger),  # until when the source still said what it said before
    Column("seen_at", BigInteger, nullable=False),  # office time at which the version after was captured
    Column("size", BigInteger),  # microseconds of the contradiction
    Column(
        "words", SealedText("finding.words"), nullable=False
    ),  # what changed, for people; no personal data
    Column("found_wall", BigInteger, nullable=False),
    Column("state", Text, nullable=False),  # common.core.state.FindingState
    Column("decided_by", Text),
    Column("decided_why", SealedText("finding.decided_why")),
    Column("decided_wall", BigInteger),
    Index("ix_finding_case", "site", "case_key"),
    UniqueConstraint("site", "code", "tbl", "key", "place"),
)

late_entry = Table(
    "late_entry",  # what was entered late (补录), each field of a row once, with how late; no finding
    metadata,
    Column("site", Text, nullable=False),
    Column("tbl", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("field", Text, nullable=False),  # of Case or Step: what was stated late
    Column("case_key", Text, nullable=False),
    Column("stated_at", BigInteger, nullable=False),
    Column("size", BigInteger, nullable=False),  # microseconds from what it states to when it was entered
    Column("seen_at", BigInteger, nullable=False),
    PrimaryKeyConstraint("site", "tbl", "key", "field"),
    Index("ix_late_entry_size", "site", "size"),
)

clue = Table(
    "clue",  # what a person has said of what speaks of a case that no source holds (central.core.clue)
    metadata,
    Column("site", Text, nullable=False),
    Column("kind", Text, nullable=False),  # central.core.clue.Kind
    Column("subject", Text, nullable=False),  # the missing number, or which complaint
    Column("org", Text, nullable=False),  # empty: it does not show of which office
    Column("item", Text, nullable=False),
    Column("due_at", BigInteger, nullable=False),  # by when the case had to be in the system
    Column("state", Text, nullable=False),  # confirmed | rejected
    Column("decided_by", Text, nullable=False),
    Column("decided_why", SealedText("clue.decided_why"), nullable=False),
    Column("decided_wall", BigInteger, nullable=False),
    PrimaryKeyConstraint("site", "kind", "subject"),
)

kept_time = Table(
    "kept_time",  # tables whose modification time has been seen to move with a change
    metadata,
    Column("site", Text, nullable=False),
    Column("tbl", Text, nullable=False),
    PrimaryKeyConstraint("site", "tbl"),
)

tolerance = Table(
    "tolerance",  # what a site is forgiven, microseconds; a site without a row has the defaults
    metadata,
    Column("site", Text, primary_key=True),
    Column("backdate", BigInteger, nullable=False),
    Column("change", BigInteger, nullable=False),
    Column("silent", BigInteger, nullable=False),
    Column("late", BigInteger, nullable=False),
    Column("who", Text, nullable=False),
    Column("why", SealedText("tolerance.why"), nullable=False),
    Column("set_wall", BigInteger, nullable=False),
)
