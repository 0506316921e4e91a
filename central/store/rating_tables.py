"""Tables of the ratings 好差评, and the codes of the windows. Telephone and comment as written stand sealed."""

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

rating = Table(
    "rating",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column(
        "number", Text, nullable=False, unique=True
    ),  # what is rated, and by whom where many may: once each
    Column("site", Text, nullable=False),
    Column("case_key", Text, nullable=False),  # empty: by the code of a window
    Column("window", Text, nullable=False),  # its name; empty: by the token of a case
    Column("org", Text, nullable=False),
    Column("item", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("day", Text, nullable=False),
    Column("level", Integer, nullable=False),  # central.core.rating.Level
    Column("text", SealedText("rating.text"), nullable=False),  # redacted
    Column("source", LargeBinary, nullable=False),  # keyed hash of the line it came from, of that day
    Column("flags", Text, nullable=False),  # central.core.rating.Flag, with commas
    Column("has_phone", Boolean, nullable=False),
    Column("sealed", LargeBinary, nullable=False),  # central.complaint.Person
    Column("body", LargeBinary, nullable=False),  # JSON of central.core.rating.Rating
    Column("state", Text, nullable=False),
    Column("is_aside", Boolean, nullable=False),
    Column("due_day", Text),  # YYYY-MM-DD: last day of what waits
    Column("next_check_at", BigInteger),
    Column("entries", Integer, nullable=False),
    Index("ix_rating_day", "day"),
    Index("ix_rating_next", "next_check_at", sqlite_where=_WAITS, postgresql_where=_WAITS),
)

rating_event = Table(
    "rating_event",  # append-only
    metadata,
    Column("rating", BigInteger, nullable=False),
    Column("number", Integer, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("day", Text, nullable=False),
    Column("who", Text, nullable=False),  # empty: the citizen, or the clock
    Column("event", Text, nullable=False),  # central.core.rating.Event
    Column("after", Text, nullable=False),
    Column("reason", SealedText("rating_event.reason"), nullable=False),
    PrimaryKeyConstraint("rating", "number"),
)

rating_window = Table(
    "rating_window",  # the code that hangs at a window; a withdrawn one stays, and opens nothing
    metadata,
    Column("code", Text, primary_key=True),
    Column("site", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("org", Text, nullable=False),
    Column("is_open", Boolean, nullable=False),
    Column("is_told", Boolean, nullable=False),  # whether the door knows it as it is
)
