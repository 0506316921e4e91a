"""What enrolment keeps: tokens by their hash, certificates by their serial, releases on their way. Reached as `central.store.tables`."""

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, PrimaryKeyConstraint, Table, Text

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

escrow = Table(
    "escrow",  # master keys of boxes, sealed for a key that is not in the database
    metadata,
    Column("site", Text, nullable=False),
    Column("generation", Integer, nullable=False),
    Column("key", Text, nullable=False),  # its id
    Column("sealed", LargeBinary, nullable=False),
    Column("at_wall", BigInteger, nullable=False),
    PrimaryKeyConstraint("site", "generation", "key"),
)

rollout = Table(
    "rollout",  # a release on its way to the boxes; at most one is running
    metadata,
    Column("id", Text, primary_key=True),
    Column("release", Text, nullable=False),
    Column("wait", BigInteger, nullable=False),  # microseconds that a wave must have worked before the next
    Column("who", Text, nullable=False),
    Column("why", Text, nullable=False),
    Column("created_wall", BigInteger, nullable=False),
    Column("state", Text, nullable=False),  # provisioning.core.rollout.State
    Column("halted_why", Text, nullable=False),
    Column("ended_wall", BigInteger),
)

upgrade = Table(
    "upgrade",  # a box in a rollout
    metadata,
    Column("rollout", Text, nullable=False),
    Column("site", Text, nullable=False),
    Column("wave", Integer, nullable=False),
    Column("release", Text, nullable=False),
    Column("arch", Text, nullable=False),
    Column("job", LargeBinary, nullable=False),  # signed when the rollout was ordered: the door cannot
    Column("standing", Text, nullable=False),  # common.core.rollout.Rollout
    Column("why", Text, nullable=False),
    Column("said", Text, nullable=False),  # last words of a release that did not pass
    Column("ended_wall", BigInteger, nullable=False),  # 0: not yet
    PrimaryKeyConstraint("rollout", "site"),
)
