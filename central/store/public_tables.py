"""The hall's own side of the public door: what is to be published anew, and what applicants have asked for."""

from sqlalchemy import BigInteger, Boolean, Column, Integer, PrimaryKeyConstraint, Table, Text

from central.store.metadata import metadata

stale_case = Table(
    "stale_case",  # whose public account may differ from the facts: written with the change, taken by the publisher
    metadata,
    Column("site", Text, nullable=False),
    Column("case_key", Text, nullable=False),
    Column(
        "turn", BigInteger, nullable=False
    ),  # how often it was marked: what is marked again meanwhile stays
    PrimaryKeyConstraint("site", "case_key"),
)

public_door = Table(
    "public_door",  # one row, from the first time that the hall has published
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("is_open", Boolean, nullable=False),  # the hall publishes: without it, changes are not marked
    Column(
        "emptied_at", BigInteger, nullable=False
    ),  # office time until which all that was handed in has been taken
)

case_urge = Table(
    "case_urge",  # an applicant has asked to hurry
    metadata,
    Column("site", Text, nullable=False),
    Column("case_key", Text, nullable=False),
    Column("day", Text, nullable=False),  # YYYY-MM-DD: once a day counts
    Column("at", BigInteger, nullable=False),
    PrimaryKeyConstraint("site", "case_key", "day"),
)

statute = Table(
    "statute",  # since when a law is in force, and whether it was repealed; who said so is in the audit
    metadata,
    Column("name", Text, primary_key=True),  # as items' legal bases name it
    Column("number", Text, nullable=False),
    Column("effective", Text, nullable=False),  # YYYY-MM-DD
    Column("repealed", Text),
)

statute_text = Table(
    "statute_text",  # a law's words, edition by edition; only added to
    metadata,
    Column("name", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("since", Text, nullable=False),  # YYYY-MM-DD: from when on this edition is in force
    Column("digest", Text, nullable=False),  # SHA-256 of the file, hexadecimal
    Column("text", Text, nullable=False),
    PrimaryKeyConstraint("name", "version"),
)
