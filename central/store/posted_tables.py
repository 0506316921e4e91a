"""Tables of what the hall writes for everybody: forms to download with their files, announcements, laws. Each is released by another."""

from typing import Any

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, Table, Text

from central.store.metadata import metadata
from central.store.sealed import SealedText


def _number() -> Column[Any]:
    return Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True)


def _standing(table: str) -> list[Column[Any]]:
    """Who wrote it, who decided of it, who took it back and why (`central.store.released`)."""
    return [
        Column("state", Text, nullable=False),  # central.core.release.ReleaseState
        Column("who", Text, nullable=False),
        Column("made_wall", BigInteger, nullable=False),
        Column("decided_by", Text),
        Column("decided_why", SealedText(f"{table}.decided_why")),
        Column("decided_wall", BigInteger),
        Column("withdrawn_by", Text),
        Column("withdrawn_why", SealedText(f"{table}.withdrawn_why")),
        Column("withdrawn_wall", BigInteger),
    ]


blank = Table(
    "blank",  # a form of one version of an item
    metadata,
    _number(),
    Column("item", Text, nullable=False),  # the item's code
    Column("version", Integer, nullable=False),
    Column("name", Text, nullable=False),
    Column("form", Text, nullable=False),  # digests, in `blank_file`
    Column("sample", Text, nullable=False),
    *_standing("blank"),
    Index("ix_blank_state", "state", "id"),
)

blank_file = Table(
    "blank_file",  # each content once, under its hash
    metadata,
    Column("digest", Text, primary_key=True),  # SHA-256, hexadecimal
    Column("kind", Text, nullable=False),  # central.core.blank.Kind
    Column("size", Integer, nullable=False),
    Column("body", LargeBinary, nullable=False),
)

bulletin = Table(
    "bulletin",  # an announcement 公告
    metadata,
    _number(),
    Column("title", Text, nullable=False),
    Column("text", Text, nullable=False),
    *_standing("bulletin"),
    Index("ix_bulletin_state", "state", "id"),
)

excerpt = Table(
    "excerpt",  # a complaint and its reply, as anybody may read them
    metadata,
    _number(),
    Column("complaint", BigInteger, nullable=False),
    Column("topic", Text, nullable=False),
    Column("text", SealedText("excerpt.text"), nullable=False),
    Column("reply", SealedText("excerpt.reply"), nullable=False),
    *_standing("excerpt"),
    Index("ix_excerpt_complaint", "complaint"),
    Index("ix_excerpt_state", "state", "id"),
)

statute_draft = Table(
    "statute_draft",  # a law 法规 with its force and, where `since` is said, its words; what is released stands in `statute` and `statute_text`
    metadata,
    _number(),
    Column("name", Text, nullable=False),
    Column("number", Text, nullable=False),
    Column("effective", Text, nullable=False),  # local date
    Column("repealed", Text),  # local date
    Column("since", Text),  # local date
    Column("text", Text, nullable=False),
    *_standing("statute_draft"),
)
