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
from central.store.sealed import Sealed, SealedText

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
    Column("why", SealedText("issuer.why"), nullable=False),
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
_OWED = text("answer_by IS NOT NULL AND urged_wall IS NULL")

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
    Column(
        "site", Text, nullable=False
    ),  # of whom it is, where no correction asks for it; empty: nobody's alone
    Column("org", Text),
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
    Column("answer_by", Text),  # YYYY-MM-DD: central.core.answer.last_day; NULL: none is asked for
    Column("pdf", LargeBinary),  # SHA-256 of its file; NULL until both are made
    Column("docx", LargeBinary),
    Column("preview", Boolean),  # set in other faces than the standard's
    Column("signature", LargeBinary),  # central.core.document.statement, by the hall's operations key
    Column("spoiled_by", Text),
    Column("spoiled_why", SealedText("document.spoiled_why")),
    Column("spoiled_wall", BigInteger),
    Column("urged_wall", BigInteger),  # people were told that its answer is overdue
    Index("ix_document_issued", "issued_wall"),
    Index("ix_document_owed", "answer_by", sqlite_where=_OWED, postgresql_where=_OWED),
    Index("ix_document_site", "site"),
    Index("ix_document_undone", "issued_wall", sqlite_where=_UNDONE, postgresql_where=_UNDONE),
    UniqueConstraint("issuer", "kind", "year", "number"),
    UniqueConstraint("subject", "kind", "cycle"),
)

document_answer = Table(
    "document_answer",  # append-only: what its office says to a document that no correction asks for
    metadata,
    Column("code", Text, nullable=False),  # of the document
    Column("number", Integer, nullable=False),  # from 1
    Column("at", BigInteger, nullable=False),
    Column("wall", BigInteger, nullable=False),
    Column("day", Text, nullable=False),  # YYYY-MM-DD; of an answer on paper its own
    Column("who", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("on_paper", Boolean, nullable=False),  # entered by an officer, for an office without accounts
    Column("reason", SealedText("document_answer.reason"), nullable=False),
    Column("files", Sealed("document_answer.files"), nullable=False),  # JSON; their bytes: `document_file`
    PrimaryKeyConstraint("code", "number"),
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
    Column("site", Text, nullable=False),  # as in `document`
    Column("org", Text),
    Column(
        "facts", Sealed("document_draft.facts"), nullable=False
    ),  # JSON of central.core.compose.Facts, as drafted
    Column(
        "period", Text, nullable=False
    ),  # whose figures are counted anew at the signature; empty: none are
    Column("copies", LargeBinary, nullable=False),  # JSON
    Column("drafter", Text, nullable=False),
    Column("made_at", BigInteger, nullable=False),
    Column("edits", Integer, nullable=False),  # how often its free paragraphs were changed
    Column("code", Text),  # of the document; NULL until somebody has signed
    Column("ended_by", Text),  # thrown away
    Column("ended_why", SealedText("document_draft.ended_why")),
    Column("ended_wall", BigInteger),
    UniqueConstraint("subject", "kind", "cycle"),
    Index("ix_document_draft_waits", "made_at", sqlite_where=_WAITS, postgresql_where=_WAITS),
)

document_draft_edit = Table(
    "document_draft_edit",  # append-only: central.core.free.Free before and after
    metadata,
    Column("draft", BigInteger, nullable=False),
    Column("number", Integer, nullable=False),  # from 1
    Column("who", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("before", Sealed("document_draft_edit.before"), nullable=False),  # JSON
    Column("after", Sealed("document_draft_edit.after"), nullable=False),
    PrimaryKeyConstraint("draft", "number"),
)

document_file = Table(
    "document_file",
    metadata,
    Column("digest", LargeBinary, primary_key=True),  # SHA-256 of `body`
    Column("body", Sealed("document_file.body"), nullable=False),
)

_SEAL_WAITS = text("confirmed_wall IS NULL AND ended_wall IS NULL")
_SEAL_HOLDS = text("confirmed_wall IS NOT NULL AND ended_wall IS NULL")

issuer_seal = Table(
    "issuer_seal",  # put up by one person, in force when another has confirmed it: one of each at a time
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("issuer", Text, nullable=False),
    Column("digest", LargeBinary, nullable=False),  # of its picture, which is in `document_file`
    Column("millimetres", Integer, nullable=False),  # diameter
    Column("uploaded_by", Text, nullable=False),
    Column("why", SealedText("issuer_seal.why"), nullable=False),
    Column("made_wall", BigInteger, nullable=False),
    Column("confirmed_by", Text),
    Column("confirmed_wall", BigInteger),
    Column("ended_by", Text),  # refused, replaced, taken out of use
    Column("ended_why", SealedText("issuer_seal.ended_why")),
    Column("ended_wall", BigInteger),
    Index(
        "ix_issuer_seal_waits", "issuer", unique=True, sqlite_where=_SEAL_WAITS, postgresql_where=_SEAL_WAITS
    ),
    Index(
        "ix_issuer_seal_holds", "issuer", unique=True, sqlite_where=_SEAL_HOLDS, postgresql_where=_SEAL_HOLDS
    ),
)
