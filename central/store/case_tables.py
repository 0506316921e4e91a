"""Cases, their clocks and the transitions of their lights: reached as `central.store.tables`."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    func,
    literal_column,
    text,
)

from central.store.metadata import metadata
from central.store.sealed import NAME, PHONE, Blind, SealedText

_RULED, _NEXT = text("rule_light IS NOT NULL"), text("next_check_at IS NOT NULL")
_NAMED = text("name_index IS NOT NULL")
_CALLED = text("phone_index IS NOT NULL")

case = Table(
    "case",
    metadata,
    Column("site", Text, nullable=False),
    Column("case_key", Text, nullable=False),
    Column("case_no", Text),
    Column("item_code", Text),
    Column("item_name", Text),
    Column("applicant", SealedText("case.applicant")),
    Column("name_index", Blind(NAME)),  # of the applicant
    Column("phone_index", Blind(PHONE)),
    Column("org", Text),
    Column("responsible", Text),
    Column("received_at", BigInteger),
    Column("accepted_at", BigInteger),
    Column("finished_at", BigInteger),
    Column("deadline_at", BigInteger),
    Column("status", Text),
    Column("outcome", SealedText("case.outcome")),
    Column("open", Boolean, nullable=False),
    Column("deleted", Boolean, nullable=False),
    Column("light", Text, nullable=False),  # worst of its clocks
    Column("due_at", BigInteger),  # of the clock that shows the light, or the nearest one
    Column("rule_light", Text),  # worst of the broken rules that stand against it
    Column("rule", Text),  # its id
    # acceptance, else receipt, else 0: the order of long lists
    Column("filed_at", BigInteger, nullable=False),
    Column("reopened", Text),  # when the source took back that it was over (core/cycle.py), as JSON
    Column("proof_at", BigInteger),  # by when it had to be in the system, as a ticket or a fee speaks of it
    Column("channel", Text),  # by which way it was applied for, in the source's words
    Column("charged", BigInteger),  # what its fees come to, in fen; None: no amount is recorded
    Column("doc_nos", Text),  # numbers of its documents and licences, a line each
    Column("rev", Integer, nullable=False),
    PrimaryKeyConstraint("site", "case_key"),
    Index("ix_case_no", "case_no"),
    Index("ix_case_name_index", "name_index", sqlite_where=_NAMED, postgresql_where=_NAMED),
    Index("ix_case_phone_index", "phone_index", sqlite_where=_CALLED, postgresql_where=_CALLED),
    Index("ix_case_filed", "filed_at", "site", "case_key"),
    Index("ix_case_site_filed", "site", "filed_at", "case_key"),
    # With `item_name`, so that a count of open cases reads nothing but the index.
    Index(
        "ix_case_open", "site", "light", "item_name", sqlite_where=text("open"), postgresql_where=text("open")
    ),
    # With `open`, so that the wall's count reads nothing but the index.
    Index("ix_case_ruled", "rule_light", "site", "open", sqlite_where=_RULED, postgresql_where=_RULED),
    Index("ix_case_accepted", "site", "accepted_at"),
    Index("ix_case_finished", "site", "finished_at"),
)
# What an index is of must stand in a statement as it stands here, without a parameter.
nearest: ColumnElement[int] = func.coalesce(case.c.due_at, literal_column(str(10**17)))
"""The order of open cases: one without a limit comes last."""
Index(
    "ix_case_nearest",
    nearest,
    case.c.site,
    case.c.case_key,
    sqlite_where=text("open"),
    postgresql_where=text("open"),
)
TAIL_LENGTH = 4
tail: ColumnElement[str] = func.substr(
    case.c.case_no, func.length(case.c.case_no) - literal_column(str(TAIL_LENGTH - 1))
)
"""The last characters of a number; of one that is shorter the databases say different things."""
Index("ix_case_tail", tail)

clock = Table(
    "clock",
    metadata,
    Column("site", Text, nullable=False),
    Column("case_key", Text, nullable=False),
    Column("kind", Text, nullable=False),  # ClockKind
    Column("cycle", BigInteger, nullable=False, default=1),  # which one of several of a kind
    Column("light", Text, nullable=False),
    Column("since_at", BigInteger),  # instant from which `light` holds
    Column("yellow_at", BigInteger),
    Column("yellowed_at", BigInteger),  # since when it was yellow first, by the records alone
    Column("due_at", BigInteger),
    Column("start_day", Text),  # the day of the event, YYYY-MM-DD
    Column("running", Boolean, nullable=False),
    # the case is decided: nothing more can change but by new facts
    Column("stopped", Boolean, nullable=False),
    Column("provisional", Boolean, nullable=False),
    Column("calendar_version", Integer, nullable=False),
    Column("next_check_at", BigInteger),  # NULL: nothing to wait for, or parked
    Column("needs_until", BigInteger),  # parked: wait until the site is complete up to here
    Column("rev", Integer, nullable=False),
    PrimaryKeyConstraint("site", "case_key", "kind", "cycle"),
    Index("ix_clock_next", "next_check_at", sqlite_where=_NEXT, postgresql_where=_NEXT),
    Index(
        "ix_clock_parked",
        "site",
        "needs_until",
        sqlite_where=text("needs_until IS NOT NULL"),
        postgresql_where=text("needs_until IS NOT NULL"),
    ),
)

transition = Table(
    "transition",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("site", Text, nullable=False),
    Column("case_key", Text, nullable=False),
    Column("clock", Text, nullable=False),
    Column("cycle", BigInteger, nullable=False),
    Column("before", Text, nullable=False),
    Column("after", Text, nullable=False),
    Column("since_at", BigInteger, nullable=False),  # the instant the light holds from
    Column("judged_at", BigInteger, nullable=False),  # office time of the judgement
    Column("judged_wall", BigInteger, nullable=False),
    Column("late", Boolean, nullable=False),  # 补传判定: the site was cut off when it fell due
    Column("why", Text, nullable=False),  # rule id and figures, for people
    UniqueConstraint("site", "case_key", "clock", "cycle", "after"),
    Index("ix_transition_judged", "judged_at"),
)
