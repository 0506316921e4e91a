"""Tables of the complaints. Who complained stands sealed with its complaint; free text is redacted, and sealed as a column."""

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

_WAITS = text("next_check_at IS NOT NULL")
_OPEN = text("is_open")

complaint = Table(
    "complaint",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("number", Text, nullable=False, unique=True),  # that the complainant was given
    Column("topic", Text, nullable=False),
    Column(
        "unit", SealedText("complaint.unit"), nullable=False
    ),  # whom it is about, as the complainant wrote it, redacted
    Column("case_no", Text, nullable=False),
    # the case that an officer has linked with it, and how that was found (central.core.linked.By); empty: none
    *(Column(name, Text, nullable=False, server_default="") for name in ("case_site", "case_key", "case_by")),
    Column("text", SealedText("complaint.text"), nullable=False),  # redacted
    Column("is_named", Boolean, nullable=False),
    Column("may_publish", Boolean, nullable=False),  # the complainant agrees that it is published, redacted
    Column(
        "sealed", LargeBinary, nullable=False
    ),  # central.complaint.Person: name, telephone, code, the text as written
    Column("brief", SealedText("complaint.brief"), nullable=False),  # what the unit reads
    Column("answer", SealedText("complaint.answer"), nullable=False),  # what the unit has reported
    Column("reply", SealedText("complaint.reply"), nullable=False),  # what the complainant was answered
    Column("body", LargeBinary, nullable=False),  # JSON of central.core.complaint.Complaint
    Column("state", Text, nullable=False),
    Column("level", Integer, nullable=False),
    Column("is_open", Boolean, nullable=False),
    Column("site", Text, nullable=False),  # to whom it was assigned; empty: to nobody
    Column("org", Text, nullable=False),
    Column("due_day", Text),  # YYYY-MM-DD: last day of what waits
    Column("next_check_at", BigInteger),
    Column("entries", Integer, nullable=False),
    Column("told", Integer, nullable=False),  # how many of them the complainant's page shows
    Column("received_at", BigInteger, nullable=False),
    Index("ix_complaint_open", "due_day", sqlite_where=_OPEN, postgresql_where=_OPEN),
    Index("ix_complaint_next", "next_check_at", sqlite_where=_WAITS, postgresql_where=_WAITS),
)

complaint_event = Table(
    "complaint_event",  # append-only
    metadata,
    Column("complaint", BigInteger, nullable=False),
    Column("number", Integer, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("day", Text, nullable=False),
    Column("who", Text, nullable=False),  # empty: the complainant, or the clock
    Column("role", Text, nullable=False),
    Column("event", Text, nullable=False),  # central.core.complaint.Event
    Column("after", Text, nullable=False),
    Column("level", Integer, nullable=False),
    Column("site", Text, nullable=False),  # with whom it is after it; empty: nobody
    Column("org", Text, nullable=False),
    Column("reason", SealedText("complaint_event.reason"), nullable=False),  # redacted
    PrimaryKeyConstraint("complaint", "number"),
)

complaint_file = Table(
    "complaint_file",
    metadata,
    Column("complaint", BigInteger, nullable=False),
    Column("place", Integer, nullable=False),
    Column("kind", Text, nullable=False),  # by its first bytes
    Column("size", BigInteger, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    PrimaryKeyConstraint("complaint", "place"),
)
