"""Tables of the corrections: where each stands, everything that was done to it, its lights, and documents that wait to be signed."""

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

_WAITS = text("next_check_at IS NOT NULL")
_OPEN = text("is_open")
_UNSIGNED = text("code IS NULL")

correction = Table(
    "correction",  # made of its entries, which can make it anew
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("site", Text, nullable=False),
    Column("case_key", Text, nullable=False),
    Column("subject", Text, nullable=False),  # of the light that raised it: as in `outbox`
    Column("cycle", BigInteger, nullable=False),
    Column("event", Text, nullable=False),
    Column("follows", BigInteger, nullable=False),  # the one that was another unit's; 0: none
    Column("org", Text),  # the office that answers, as `case.org`: who reaches it
    Column("unit", Text, nullable=False),  # its name on documents
    Column(
        "batch", BigInteger, nullable=False
    ),  # drafted with others as one order: number of the first; 0: alone
    Column("is_red", Boolean, nullable=False),
    Column("issuer", Text, nullable=False),  # whose documents; empty until the draft says so
    Column("copies", LargeBinary, nullable=False),  # JSON: 抄送
    Column("snapshot", LargeBinary, nullable=False),  # central.core.snapshot.encoded
    Column("graver", LargeBinary),  # the same of a graver light that has joined: documents speak of that one
    Column("body", LargeBinary, nullable=False),  # JSON of central.core.correction.Correction
    Column("state", Text, nullable=False),
    Column("is_open", Boolean, nullable=False),
    Column("due_day", Text),  # YYYY-MM-DD: last day of what waits
    Column("calendar_version", Integer, nullable=False),  # by which `due_day` was counted
    Column("next_check_at", BigInteger),  # office time at which the clock looks at it
    Column("entries", Integer, nullable=False),  # number of the newest entry
    Column("chain", LargeBinary, nullable=False),  # its hash
    Column("raised_at", BigInteger, nullable=False),
    UniqueConstraint("site", "case_key", "subject", "cycle", "event", "follows"),
    Index("ix_correction_case", "site", "case_key"),
    Index("ix_correction_open", "due_day", sqlite_where=_OPEN, postgresql_where=_OPEN),
    Index("ix_correction_next", "next_check_at", sqlite_where=_WAITS, postgresql_where=_WAITS),
)

correction_light = Table(
    "correction_light",  # which correction a light belongs to: one, however often it is told
    metadata,
    Column("site", Text, nullable=False),
    Column("case_key", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("cycle", BigInteger, nullable=False),
    Column("event", Text, nullable=False),
    Column("correction", BigInteger, nullable=False),  # central.store.corrections.BEFORE: none
    PrimaryKeyConstraint("site", "case_key", "subject", "cycle", "event"),
    Index("ix_correction_light", "correction"),
)

correction_event = Table(
    "correction_event",  # append-only and chained: central.core.dossier.Entry
    metadata,
    Column("correction", BigInteger, nullable=False),
    Column("number", Integer, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("wall", BigInteger, nullable=False),
    Column("day", Text, nullable=False),
    Column("who", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("event", Text, nullable=False),
    Column("before", Text, nullable=False),
    Column("after", Text, nullable=False),
    Column("reason", SealedText("correction_event.reason"), nullable=False),
    Column("code", Text, nullable=False),
    Column("paper", LargeBinary, nullable=False),
    Column("calendar", Integer, nullable=False),
    Column("files", LargeBinary, nullable=False),  # JSON; their bytes are in `document_file`
    Column("chain", LargeBinary, nullable=False),
    PrimaryKeyConstraint("correction", "number"),
)

correction_paper = Table(
    "correction_paper",  # documents that a step asked for and that whoever did it may not sign: they wait for a signature
    metadata,
    Column("correction", BigInteger, nullable=False),
    Column("kind", Text, nullable=False),  # central.core.document.Kind
    Column("cycle", Integer, nullable=False),
    Column("drafter", Text, nullable=False),
    Column("reason", SealedText("correction_paper.reason"), nullable=False),
    Column("measures", Sealed("correction_paper.measures"), nullable=False),  # JSON
    Column("made_at", BigInteger, nullable=False),
    Column("code", Text),  # of the document; NULL until somebody has signed
    PrimaryKeyConstraint("correction", "kind", "cycle"),
    Index("ix_correction_paper_unsigned", "correction", sqlite_where=_UNSIGNED, postgresql_where=_UNSIGNED),
)
