"""Tables of the messages: each with its key, what became of it, silences, cut-off sites, and the channels' sealed secrets."""

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
    UniqueConstraint,
    text,
)

from central.store.metadata import metadata
from central.store.sealed import KEY, PERSON, Blind, SealedText

_DUE = text("state = 'queued'")
_HELD = text("state = 'inhibited'")
_UNSURE = text("state IN ('sending', 'sent')")
_WRONG = text("state = 'failed' AND NOT settled")

message = Table(
    "message",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column(
        "key", SealedText("message.key"), nullable=False
    ),  # central.core.message.key_of: what a gateway is given too
    Column("key_index", Blind(KEY), nullable=False),
    Column("event", Text, nullable=False),  # what it tells: name of the happening
    Column("rung", Integer, nullable=False),
    Column("level", Text, nullable=False),  # central.core.ladder.Level
    Column("channel", Text, nullable=False),  # central.core.message.Channel
    Column(
        "person", SealedText("message.person"), nullable=False
    ),  # account, or a person of the catalogue by telephone
    Column("person_index", Blind(PERSON), nullable=False),
    Column("name", SealedText("message.name"), nullable=False),
    Column("address", SealedText("message.address"), nullable=False),  # number or mailbox; of the inbox empty
    Column("site", Text, nullable=False),  # empty: of no site
    Column("case_key", Text),
    Column("subject", Text),  # of the light: as in `outbox`
    Column("cycle", BigInteger),
    Column("correction", BigInteger),
    Column("title", SealedText("message.title"), nullable=False),
    Column("text", SealedText("message.text"), nullable=False),
    Column("alone", Boolean, nullable=False),  # never part of a digest
    Column("state", Text, nullable=False),  # central.core.message.State
    Column("cause", Text, nullable=False),  # central.core.message.Cause of what is held back; empty: none
    Column("send_at", BigInteger, nullable=False),  # office time from which it may go
    Column("next_wall", BigInteger, nullable=False),  # wall time of the next attempt
    Column("attempts", Integer, nullable=False),
    Column("first_wall", BigInteger),  # of the first attempt
    Column(
        "ref", SealedText("message.ref"), nullable=False
    ),  # by what name the gateway knows it: its own, or the key
    Column("ref_index", Blind(KEY), nullable=False),
    Column("carrier", BigInteger),  # the digest that it is part of
    Column("made_at", BigInteger, nullable=False),
    Column("made_wall", BigInteger, nullable=False),
    Column("changed_at", BigInteger, nullable=False),  # office time of the newest change of state
    Column("changed_wall", BigInteger, nullable=False),
    Column("read_wall", BigInteger),
    Column("settled", Boolean, nullable=False),  # of a failed one: somebody has seen to it
    UniqueConstraint("key_index"),
    Index("ix_message_due", "send_at", sqlite_where=_DUE, postgresql_where=_DUE),
    Index("ix_message_held", "site", sqlite_where=_HELD, postgresql_where=_HELD),
    Index("ix_message_unsure", "changed_wall", sqlite_where=_UNSURE, postgresql_where=_UNSURE),
    Index("ix_message_wrong", "changed_wall", sqlite_where=_WRONG, postgresql_where=_WRONG),
    Index("ix_message_person", "person_index", "channel", "changed_at"),
    Index("ix_message_event", "event"),
    Index("ix_message_case", "site", "case_key"),
    Index("ix_message_correction", "correction"),
    Index("ix_message_ref", "channel", "ref_index"),
    Index("ix_message_carrier", "carrier"),
)

message_entry = Table(
    "message_entry",  # append-only: attempts, receipts, and everything else that became of a message
    metadata,
    Column("message", BigInteger, nullable=False),
    Column("number", Integer, nullable=False),
    Column("wall", BigInteger, nullable=False),
    Column("state", Text, nullable=False),
    Column("detail", SealedText("message_entry.detail"), nullable=False),
    PrimaryKeyConstraint("message", "number"),
)

silence = Table(
    "silence",  # central.core.silence.Silence
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("site", Text, nullable=False),
    Column("person", SealedText("silence.person"), nullable=False),
    Column("reason", SealedText("silence.reason"), nullable=False),
    Column("who", Text, nullable=False),
    Column("from_at", BigInteger, nullable=False),
    Column("until_at", BigInteger, nullable=False),
    Column("signature", LargeBinary, nullable=False),
    Column("ended_wall", BigInteger),  # somebody has ended it before its time
)

cut_off = Table(
    "cut_off",  # sites that say nothing, or whose backlog is not in yet
    metadata,
    Column("site", Text, primary_key=True),
    Column("since_at", BigInteger, nullable=False),
    Column("told", Boolean, nullable=False),
)

channel_secret = Table(
    "channel_secret",
    metadata,
    Column("channel", Text, primary_key=True),
    Column("sealed", LargeBinary, nullable=False),  # under a key of the hall's operations key
)

_DRAFTED = text("state = 'waiting'")

ladder_draft = Table(
    "ladder_draft",  # one person drafts, another approves; the newest approved is in force (central.store.ladders)
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column(
        "base", BigInteger, nullable=False
    ),  # what was in force when it was written; 0: what the hall comes with
    Column("content", LargeBinary, nullable=False),  # JSON of central.core.ladder.Ladder
    Column("state", Text, nullable=False),  # central.core.item_draft.DraftState
    Column("who", Text, nullable=False),
    Column("why", SealedText("ladder_draft.why"), nullable=False),
    Column("made_wall", BigInteger, nullable=False),
    Column("decided_by", Text),
    Column("decided_why", SealedText("ladder_draft.decided_why")),
    Column("decided_wall", BigInteger),
    Index("ix_ladder_draft_waiting", "state", unique=True, sqlite_where=_DRAFTED, postgresql_where=_DRAFTED),
)
