"""Tables of the consultations 咨询. The code and the text as written stand sealed."""

from sqlalchemy import (
    BigInteger,
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

_WAITS = text("next_check_at IS NOT NULL")

consult = Table(
    "consult",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("number", Text, nullable=False, unique=True),  # that whoever asked was given
    Column("item_code", Text, nullable=False),  # empty: about none
    Column("text", SealedText("consult.text"), nullable=False),  # redacted
    Column("answer", SealedText("consult.answer"), nullable=False),
    Column(
        "question", SealedText("consult.question"), nullable=False
    ),  # as it is to be published, with `reply`
    Column("reply", SealedText("consult.reply"), nullable=False),
    Column("sealed", LargeBinary, nullable=False),  # central.complaint.Person: code, the text as written
    Column("body", LargeBinary, nullable=False),  # JSON of central.core.consult.Consult
    Column("state", Text, nullable=False),
    Column("due_day", Text),  # YYYY-MM-DD
    Column("next_check_at", BigInteger),
    Column("entries", Integer, nullable=False),
    Column("told", Integer, nullable=False),  # how many of them its page shows
    Column("received_at", BigInteger, nullable=False),
    Column("day", Text, nullable=False),  # YYYY-MM-DD of the newest entry
    Index("ix_consult_state", "state", "id"),
    Index("ix_consult_next", "next_check_at", sqlite_where=_WAITS, postgresql_where=_WAITS),
)

consult_event = Table(
    "consult_event",  # append-only
    metadata,
    Column("consult", BigInteger, nullable=False),
    Column("number", Integer, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("day", Text, nullable=False),
    Column("who", Text, nullable=False),  # empty: whoever asked, or the clock
    Column("event", Text, nullable=False),  # central.core.consult.Event
    Column("reason", SealedText("consult_event.reason"), nullable=False),
    PrimaryKeyConstraint("consult", "number"),
)
