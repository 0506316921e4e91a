"""The roll-ups of statistics: what each case added last, their sums by day, and the cases that may add something else now."""

from sqlalchemy import BigInteger, Column, Integer, LargeBinary, PrimaryKeyConstraint, Table, Text

from central.store.metadata import metadata

tally_book = Table(
    "tally_book",  # its one row is there once the sums were begun: without it, changes are not marked
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("zone", Text, nullable=False),  # in which days are counted
    Column("version", Text, nullable=False),  # of the program that says what a case adds
    Column("turn", BigInteger, nullable=False),  # how often something was booked: two who book never cross
)

tally_stale = Table(
    "tally_stale",  # cases that may add something else now: written with the change, taken by `central/tally.py`
    metadata,
    Column("site", Text, nullable=False),
    Column("case_key", Text, nullable=False),
    Column(
        "turn", BigInteger, nullable=False
    ),  # how often it was marked: what is marked again meanwhile stays
    PrimaryKeyConstraint("site", "case_key"),
    sqlite_with_rowid=False,
)

tally_case = Table(
    "tally_case",  # what is in the sums of a case, to be taken out again when it has changed
    metadata,
    Column("site", Text, nullable=False),
    Column("case_key", Text, nullable=False),
    Column("share", LargeBinary, nullable=False),  # MessagePack of central.core.tally.Share
    PrimaryKeyConstraint("site", "case_key"),
    sqlite_with_rowid=False,
)

tally_day = Table(
    "tally_day",  # the sums: only what is not zero
    metadata,
    Column("day", Text, nullable=False),  # YYYY-MM-DD of the legal zone
    Column("site", Text, nullable=False),
    Column("org", Text, nullable=False),
    Column("item", Text, nullable=False),  # its code, else its name
    Column("measure", Text, nullable=False),  # central.core.measure
    Column("number", BigInteger, nullable=False),
    PrimaryKeyConstraint("day", "site", "org", "item", "measure"),
    sqlite_with_rowid=False,
)

tally_hand = Table(
    "tally_hand",  # the same by who was responsible and by which way it came, of all items: with them, a row would be of a case
    metadata,
    Column("day", Text, nullable=False),
    Column("site", Text, nullable=False),
    Column("org", Text, nullable=False),
    Column("responsible", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("measure", Text, nullable=False),
    Column("number", BigInteger, nullable=False),
    PrimaryKeyConstraint("day", "site", "org", "responsible", "channel", "measure"),
    sqlite_with_rowid=False,
)

tally_item = Table(
    "tally_item",  # how many cases name an item so
    metadata,
    Column("item", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("number", BigInteger, nullable=False),
    PrimaryKeyConstraint("item", "name"),
)
