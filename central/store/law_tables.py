"""Tables of the law: the working-day calendar and the item catalogue, both in versions that are only added."""

from sqlalchemy import BigInteger, Boolean, Column, Integer, PrimaryKeyConstraint, Table, Text

from central.store.metadata import metadata

calendar_version = Table(
    "calendar_version",
    metadata,
    Column("version", Integer, primary_key=True),
    Column("source", Text, nullable=False),  # the notices it rests on
    Column("who", Text, nullable=False),
    Column("why", Text, nullable=False),
    Column("made_wall", BigInteger, nullable=False),
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
    Column("content", Text, nullable=False),  # JSON of central.core.item.Item
    Column("who", Text, nullable=False),
    Column("why", Text, nullable=False),
    Column("made_wall", BigInteger, nullable=False),
    PrimaryKeyConstraint("code", "version"),
)
