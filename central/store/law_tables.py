"""Tables of the law: the working-day calendar and the item catalogue, both in versions that are only added."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from central.store.metadata import metadata
from central.store.sealed import SealedText

calendar_version = Table(
    "calendar_version",
    metadata,
    Column("version", Integer, primary_key=True),
    Column("source", Text, nullable=False),  # the notices it rests on
    Column("who", Text, nullable=False),
    Column("why", SealedText("calendar_version.why"), nullable=False),
    Column("made_wall", BigInteger, nullable=False),
    Column(
        "made_at", BigInteger, nullable=False
    ),  # office time: before it, cases were judged by the one before
)

calendar_day = Table(
    "calendar_day",
    metadata,
    Column("version", Integer, nullable=False),
    Column("day", Text, nullable=False),  # YYYY-MM-DD
    Column("workday", Boolean, nullable=False),
    Column("reason", Text, nullable=False),
    PrimaryKeyConstraint("version", "day"),
)

due_change = Table(
    "due_change",  # limits that another version of the calendar has moved
    metadata,
    Column("version", Integer, nullable=False),
    Column("site", Text, nullable=False),
    Column("case_key", Text, nullable=False),
    Column("clock", Text, nullable=False),  # common.core.state.ClockKind
    Column("cycle", BigInteger, nullable=False),
    Column("before_at", BigInteger, nullable=False),
    Column("after_at", BigInteger, nullable=False),
    Column("judged_wall", BigInteger, nullable=False),
    PrimaryKeyConstraint("version", "site", "case_key", "clock", "cycle"),
)

item_version = Table(
    "item_version",
    metadata,
    Column("code", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("valid_from", Text),  # YYYY-MM-DD; NULL: since ever
    Column("content", SealedText("item_version.content"), nullable=False),  # JSON of central.core.item.Item
    Column("who", Text, nullable=False),
    Column("why", SealedText("item_version.why"), nullable=False),
    Column("made_wall", BigInteger, nullable=False),
    PrimaryKeyConstraint("code", "version"),
)

item_draft = Table(
    "item_draft",  # changes of the catalogue: one person drafts, another approves
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("code", Text, nullable=False),
    Column("base", Integer, nullable=False),  # versions that there were when it was drafted
    Column("content", SealedText("item_draft.content"), nullable=False),  # JSON of central.core.item.Item
    Column("state", Text, nullable=False),  # central.core.item_draft.DraftState
    Column("who", Text, nullable=False),
    Column("why", SealedText("item_draft.why"), nullable=False),
    Column("made_wall", BigInteger, nullable=False),
    Column("decided_by", Text),
    Column("decided_why", SealedText("item_draft.decided_why")),
    Column("decided_wall", BigInteger),
    Index(
        "ix_item_draft_waiting",
        "code",
        unique=True,
        sqlite_where=text("state = 'waiting'"),
        postgresql_where=text("state = 'waiting'"),
    ),
)

withdrawal = Table(
    "withdrawal",  # red lights that the facts of today do not show: proposed, and what a person decided
    metadata,
    Column("site", Text, nullable=False),
    Column("case_key", Text, nullable=False),
    Column("clock", Text, nullable=False),  # common.core.state.ClockKind, or the id of a rule
    Column("cycle", BigInteger, nullable=False),  # 0: of a rule
    Column("reason", Text, nullable=False),  # what the facts show now
    Column("proposed_at", BigInteger, nullable=False),
    Column("proposed_wall", BigInteger, nullable=False),
    Column("state", Text, nullable=False),  # central.core.judgement.WithdrawalState
    Column("decided_by", Text),
    Column("decided_why", SealedText("withdrawal.decided_why")),
    Column("decided_wall", BigInteger),
    PrimaryKeyConstraint("site", "case_key", "clock", "cycle"),
)

LIT = text("ruling.light IN ('red', 'yellow')")
"""As the partial index of lamps has it: a bound list would not find that index in SQLite."""
_LIT = text("light IN ('red', 'yellow')")
ruling = Table(
    "ruling",  # rules that a case has broken, and what is watched of it: dated, and kept whatever the facts say later
    metadata,
    Column("site", Text, nullable=False),
    Column("case_key", Text, nullable=False),
    Column("rule", Text, nullable=False),  # central.core.ruling.Rule.id
    Column("answer", Text, nullable=False),  # central.core.ruling.Answer: broken | watched
    Column("light", Text, nullable=False),  # common.core.state.Light
    Column("why", Text, nullable=False),  # with the inputs, for people
    Column("pack", Integer, nullable=False),  # version of the rules
    Column("needs_until", BigInteger),  # grey: until the site's data is whole up to here
    Column("found_at", BigInteger, nullable=False),
    Column("found_wall", BigInteger, nullable=False),
    PrimaryKeyConstraint("site", "case_key", "rule"),
    Index("ix_ruling_rule", "rule", "found_at"),
    Index("ix_ruling_lit", "found_at", sqlite_where=_LIT, postgresql_where=_LIT),
    Index(
        "ix_ruling_parked",
        "site",
        "needs_until",
        sqlite_where=text("needs_until IS NOT NULL"),
        postgresql_where=text("needs_until IS NOT NULL"),
    ),
)

_WAITING = text("done_wall IS NULL")
outbox = Table(
    "outbox",  # what is to be told of a judgement, written with it in one transaction; told at least once
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("site", Text, nullable=False),
    Column("case_key", Text, nullable=False),
    Column("subject", Text, nullable=False),  # common.core.state.ClockKind, or the id of a rule
    Column("cycle", BigInteger, nullable=False),  # 0: of a rule
    Column("event", Text, nullable=False),  # yellow | red: lit; withdrawn | kept: what a person decided
    Column("made_wall", BigInteger, nullable=False),
    Column("done_wall", BigInteger),
    UniqueConstraint("site", "case_key", "subject", "cycle", "event"),
    Index("ix_outbox_waiting", "id", sqlite_where=_WAITING, postgresql_where=_WAITING),
)
