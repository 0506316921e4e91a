"""Tables of the documents: who issues, their numbers, what each says, and its files by their hash."""

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
from central.store.sealed import Sealed

issuer = Table(
    "issuer",  # in versions that are only added: an old document keeps the name of its day
    metadata,
    Column("id", Text, nullable=False),
    Column("valid_from", Text, nullable=False),  # YYYY-MM-DD
    Column("name", Text, nullable=False),
    Column("letterhead", Text, nullable=False),
    Column("mark", Text, nullable=False),
    Column("printer", Text, nullable=False),
    Column("who", Text, nullable=False),
    Column("why", Text, nullable=False),
    Column("set_wall", BigInteger, nullable=False),
    PrimaryKeyConstraint("id", "valid_from"),
)

document_series = Table(
    "document_series",  # the last number given; its row is locked until the transaction that takes one has ended
    metadata,
    Column("issuer", Text, nullable=False),
    Column("kind", Text, nullable=False),  # central.core.document.Kind
    Column("year", Integer, nullable=False),
    Column("last", Integer, nullable=False),
    PrimaryKeyConstraint("issuer", "kind", "year"),
)

_UNDONE = text("pdf IS NULL")

document = Table(
    "document",  # from its issue on; kept for ever, a spoiled one with its number
    metadata,
    Column("code", Text, primary_key=True),  # for verification
    Column("issuer", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("year", Integer, nullable=False),
    Column("number", Integer, nullable=False),
    Column("subject", Text, nullable=False),  # what it is about: one document of a kind for each cycle of it
    Column("cycle", Integer, nullable=False),
    Column("number_text", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("paper", Sealed("document.paper"), nullable=False),  # central.core.document.encoded
    Column(
        "facts", Sealed("document.facts"), nullable=False
    ),  # JSON of central.core.compose.Facts, as at issue
    Column("drafter", Text, nullable=False),
    Column("signer", Text, nullable=False),
    Column("issued_at", BigInteger, nullable=False),
    Column("issued_wall", BigInteger, nullable=False),
    Column("pdf", LargeBinary),  # SHA-256 of its file; NULL until both are made
    Column("docx", LargeBinary),
    Column("preview", Boolean),  # set in other faces than the standard's
    Column("signature", LargeBinary),  # central.core.document.statement, by the hall's operations key
    Column("spoiled_by", Text),
    Column("spoiled_why", Text),
    Column("spoiled_wall", BigInteger),
    Index("ix_document_issued", "issued_wall"),
    Index("ix_document_undone", "issued_wall", sqlite_where=_UNDONE, postgresql_where=_UNDONE),
    UniqueConstraint("issuer", "kind", "year", "number"),
    UniqueConstraint("subject", "kind", "cycle"),
)

_WAITS = text("code IS NULL AND ended_wall IS NULL")

document_draft = Table(
    "document_draft",  # what no correction asks for (central.drafting): it bears no number until somebody else has signed it
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("kind", Text, nullable=False),
    Column("issuer", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("cycle", Integer, nullable=False),
    Column("facts", LargeBinary, nullable=False),  # JSON of central.core.compose.Facts, as drafted
    Column(
        "period", Text, nullable=False
    ),  # whose figures are counted anew at the signature; empty: none are
    Column("copies", LargeBinary, nullable=False),  # JSON
    Column("drafter", Text, nullable=False),
    Column("made_at", BigInteger, nullable=False),
    Column("code", Text),  # of the document; NULL until somebody has signed
    Column("ended_by", Text),  # thrown away
    Column("ended_why", Text),
    Column("ended_wall", BigInteger),
    UniqueConstraint("subject", "kind", "cycle"),
    Index("ix_document_draft_waits", "made_at", sqlite_where=_WAITS, postgresql_where=_WAITS),
)

document_file = Table(
    "document_file",
    metadata,
    Column("digest", LargeBinary, primary_key=True),  # SHA-256 of `body`
    Column("body", Sealed("document_file.body"), nullable=False),
)
