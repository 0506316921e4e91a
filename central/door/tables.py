"""What is public, and the box into which citizens put what they ask for. A metadata of its own: no table of the hall is in it.

The hall writes the published tables; the door reads them, and adds to `inbox` and `upload`, which the hall empties.
"""

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
)

SCHEMA = "mingcha_public"
"""On PostgreSQL the schema that holds all of it, and the only one of which the door's role knows."""

metadata = MetaData()

meta = Table(
    "meta",
    metadata,
    Column("name", Text, primary_key=True),  # central.door.store.Name
    Column("body", LargeBinary, nullable=False),
)

guide = Table(
    "guide",
    metadata,
    Column("code", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("initials", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),  # JSON of central.core.guide.Guide
)

law = Table(
    "law",
    metadata,
    Column("name", Text, primary_key=True),
    Column("initials", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),  # JSON of central.core.guide.Law
)

told = Table(
    "told",  # of cases and complaints: found and opened only by who knows the number and its second half
    metadata,
    Column("lookup", LargeBinary, nullable=False),  # central.door.seal.Place
    Column("ref", LargeBinary, nullable=False),  # whose it is, for the hall: a keyed hash
    Column("sealed", LargeBinary, nullable=False),
    PrimaryKeyConstraint("lookup", "ref"),
    Index("ix_told_ref", "ref"),
)

inbox = Table(
    "inbox",
    metadata,
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False),  # central.core.asked.Kind
    Column(
        "lookup", LargeBinary, nullable=False
    ),  # by which its sender finds it before the hall has fetched it
    Column("sealed", LargeBinary, nullable=False),  # to the hall's wire key: the door cannot read it again
    Column("sent_at", BigInteger, nullable=False),  # office time, by which it counts as received
    Index("ix_inbox_lookup", "lookup"),
)

upload = Table(
    "upload",
    metadata,
    Column("id", Text, primary_key=True),
    Column("draft", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("sealed", LargeBinary, nullable=False),  # to the hall's wire key
    Column("made_wall", BigInteger, nullable=False),
    Index("ix_upload_draft", "draft"),
)

release = Table(
    "release",  # results made public, and those taken back
    metadata,
    Column("number", BigInteger, primary_key=True),
    Column("head", LargeBinary, nullable=False),  # JSON of central.core.published.Head
    Column(
        "body", LargeBinary, nullable=False
    ),  # JSON of central.core.published.Published; empty: taken back
)

release_file = Table(
    "release_file",  # exactly as they were released
    metadata,
    Column("release", BigInteger, nullable=False),
    Column("name", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
    PrimaryKeyConstraint("release", "name"),
)

answer = Table(
    "answer",  # questions with their answers that anybody may read
    metadata,
    Column("number", BigInteger, primary_key=True),
    Column("body", LargeBinary, nullable=False),  # JSON of central.core.consult.Answer
)

excerpt = Table(
    "excerpt",  # complaints with their replies that anybody may read
    metadata,
    Column("number", BigInteger, primary_key=True),
    Column("body", LargeBinary, nullable=False),  # JSON of central.core.excerpt.Excerpt
)

poll = Table(
    "poll",  # surveys that run or have ended
    metadata,
    Column("number", BigInteger, primary_key=True),
    Column("body", LargeBinary, nullable=False),  # JSON of central.core.survey.Poll
)

blank = Table(
    "blank",  # forms to download, of every version of an item
    metadata,
    Column("number", BigInteger, primary_key=True),
    Column("body", LargeBinary, nullable=False),  # JSON of central.core.blank.Blank
)

blank_file = Table(
    "blank_file",  # exactly as they were released
    metadata,
    Column("digest", Text, primary_key=True),  # SHA-256, hexadecimal
    Column("body", LargeBinary, nullable=False),
)

bulletin = Table(
    "bulletin",  # announcements, and those taken back
    metadata,
    Column("number", BigInteger, primary_key=True),
    Column("head", LargeBinary, nullable=False),  # JSON of central.core.bulletin.Bulletin
    Column("text", Text, nullable=False),  # empty: taken back
)

edition = Table(
    "edition",  # of a law's text
    metadata,
    Column("law", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("body", LargeBinary, nullable=False),  # JSON of central.core.law_text.Edition
    PrimaryKeyConstraint("law", "version"),
)

article = Table(
    "article",  # of an edition, in its order
    metadata,
    Column("law", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("place", Integer, nullable=False),
    Column("number", Integer, nullable=False),
    Column("body", LargeBinary, nullable=False),  # JSON of central.core.law_text.Article
    Column("text", Text, nullable=False),  # what is searched, and
    Column("letters", Text, nullable=False),  # by which letters
    PrimaryKeyConstraint("law", "version", "place"),
)

PUBLISHED = (
    meta, guide, law, told, release, release_file, answer, excerpt, poll, blank, blank_file, bulletin, edition, article
)  # fmt: skip
"""Made anew by the hall whenever it likes."""
READ, ADD, TAKE = "SELECT", "SELECT, INSERT", "SELECT, INSERT, DELETE"
GRANTS = {**dict.fromkeys(PUBLISHED, READ), inbox: ADD, upload: TAKE}
"""What the door's role may do with each, on PostgreSQL."""
