"""What enrolment keeps: tokens by their hash, certificates by their serial. Reached as `central.store.tables`."""

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, Table, Text

from central.store.metadata import metadata

enrol_token = Table(
    "enrol_token",
    metadata,
    Column("hash", LargeBinary, primary_key=True),  # SHA-256: the token itself is nowhere
    Column("site", Text, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("created_wall", BigInteger, nullable=False),
    Column("expires_wall", BigInteger, nullable=False),
    Column(
        "claimed_key", LargeBinary, nullable=False
    ),  # SHA-256 of the public key it is burnt to; empty: of none
    Column("claimed_wall", BigInteger),
    Column("voided_wall", BigInteger),
    Index("ix_enrol_token_site", "site"),
)

certificate = Table(
    "certificate",  # every leaf a box was ever given
    metadata,
    Column("serial", Text, primary_key=True),  # hexadecimal
    Column("site", Text, nullable=False),
    Column("generation", Integer, nullable=False),
    Column("key", LargeBinary, nullable=False),  # SHA-256 of its public key
    Column("issued_wall", BigInteger, nullable=False),
    Column("ends_wall", BigInteger, nullable=False),
    Index("ix_certificate_key", "key"),
    Index("ix_certificate_site", "site", "generation"),
)
