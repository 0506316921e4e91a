"""Who may enter the hall: accounts and their sessions; and under which keys personal fields lie here."""

from sqlalchemy import BigInteger, Boolean, Column, LargeBinary, Table, Text

from central.store.metadata import metadata
from central.store.sealed import SealedText

user = Table(
    "user",
    metadata,
    Column("name", Text, primary_key=True),
    Column("role", Text, nullable=False),  # central.core.access.Role
    Column("password", Text, nullable=False),  # argon2id
    Column("must_change", Boolean, nullable=False),
    Column("disabled", Boolean, nullable=False),
    Column("created_wall", BigInteger, nullable=False),
    Column(
        "pending", Boolean, nullable=False, default=False
    ),  # role and reach wait for the security administrator
    Column(
        "home", Text, nullable=False, default=""
    ),  # office or site the person belongs to, of which nothing is judged; empty: none of the supervised
    Column("phone", SealedText("user.phone"), nullable=False, default=""),  # for messages; empty: none
    Column("mail", SealedText("user.mail"), nullable=False, default=""),
    Column("factor", LargeBinary),  # secret of the second factor, sealed; NULL: none
    Column("factor_step", BigInteger, nullable=False, default=0),  # newest time step whose code was taken
)

session = Table(
    "session",
    metadata,
    Column("token", LargeBinary, primary_key=True),  # SHA-256 of the cookie's token
    Column("user", Text, nullable=False),
    Column("csrf", Text, nullable=False),
    Column("created_wall", BigInteger, nullable=False),
    Column("seen_wall", BigInteger, nullable=False),
    Column("address", Text, nullable=False, default=""),
    Column("browser", Text, nullable=False, default=""),
)

data_key = Table(
    "data_key",  # ids, never a key: central.store.key
    metadata,
    Column("id", Text, primary_key=True),
    Column("made_wall", BigInteger, nullable=False),
    # since when the blind index is under it; NULL: it never was
    Column("index_wall", BigInteger),
)
