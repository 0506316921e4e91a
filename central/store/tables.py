"""Every table of the hall, in one metadata. Facts and transitions are append-only; the rest can be rebuilt.

Instants are BIGINT microseconds UTC: `_at` office time, `_wall` wall time (`common.core.instant`). Enumerations
are stored as their text. The same statements run on SQLite and PostgreSQL.
"""

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

from central.store import (  # each registers its tables
    account_tables,
    briefings,
    cameras,
    case_tables,
    complaint_tables,
    consult_tables,
    correction_tables,
    document_tables,
    enrolment_tables,
    finding_tables,
    law_tables,
    login_failures,
    message_tables,
    opinions,
    packs,
    posted_tables,
    public_tables,
    rating_tables,
    saved_views,
    scope,
    score_tables,
    seats,
    stills,
    survey_tables,
    tally_tables,
    tickets,
    trail,
)
from central.store import (
    maintenance as maintenance_tables,
)
from central.store import metadata as registry
from central.store.sealed import Sealed, SealedText

metadata = registry.metadata
EVENTS = text("kind = 'event'")
PASSES = text("kind = 'pass'")

# who and where -----------------------------------------------------------------------------------------------

site = Table(
    "site",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("kind", Text, nullable=False),  # common.core.state.SiteKind
    Column("position", Integer, nullable=False),  # place on the wall: people learn places
    Column("retired_wall", BigInteger),
)

box = Table(
    "box",
    metadata,
    Column("site", Text, nullable=False),
    Column("generation", Integer, nullable=False),
    Column("sign_key", LargeBinary, nullable=False),  # raw Ed25519 public key, kept for ever
    Column("state", Text, nullable=False),  # active | draining | superseded | retired | revoked
    Column("created_wall", BigInteger, nullable=False),
    Column("machine", Text, nullable=False, server_default=""),  # JSON, as it introduced itself at enrolment
    PrimaryKeyConstraint("site", "generation"),
)

enrol_token = enrolment_tables.enrol_token
certificate = enrolment_tables.certificate
escrow = enrolment_tables.escrow
rollout = enrolment_tables.rollout
upgrade = enrolment_tables.upgrade

user = account_tables.user
session = account_tables.session
data_key = account_tables.data_key
org = scope.org
user_site = scope.user_site
user_org = scope.user_org

# facts -------------------------------------------------------------------------------------------------------

record = Table(
    "record",
    metadata,
    Column("site", Text, nullable=False),
    Column("epoch", LargeBinary, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("kind", Text, nullable=False),
    Column("tbl", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("cap_at", BigInteger, nullable=False),
    Column("cap_wall", BigInteger, nullable=False),
    Column("received_at", BigInteger, nullable=False),
    Column("received_wall", BigInteger, nullable=False),
    Column("lane", Text, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("raw", Sealed("record.raw"), nullable=False),  # the record exactly as chained
    PrimaryKeyConstraint("site", "epoch", "seq"),
    Index("ix_record_row", "site", "tbl", "key"),
    Index("ix_record_event", "site", "cap_wall", sqlite_where=EVENTS, postgresql_where=EVENTS),
    Index("ix_record_pass", "site", "epoch", "seq", sqlite_where=PASSES, postgresql_where=PASSES),
)

ingest_cursor = Table(
    "ingest_cursor",
    metadata,
    Column("site", Text, nullable=False),
    Column("epoch", LargeBinary, nullable=False),
    Column("epoch_no", Integer, nullable=False),  # order in which a site's epochs were first welcomed, from 1
    Column("generation", Integer, nullable=False),
    Column("upto", BigInteger, nullable=False),
    Column("ranges", LargeBinary, nullable=False),  # MessagePack of common.core.ranges
    Column("newest", BigInteger, nullable=False),  # highest number the box has announced
    # when its newest gap was declared: older passes prove nothing
    Column("gap_at", BigInteger, nullable=False),
    Column("ver", Integer, nullable=False),  # compare-and-swap
    Column("opened_wall", BigInteger, nullable=False),
    Column("updated_wall", BigInteger, nullable=False),
    PrimaryKeyConstraint("site", "epoch"),
)

dead_letter = Table(
    "dead_letter",
    metadata,
    Column("site", Text, nullable=False),
    Column("epoch", LargeBinary, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("code", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("raw", Sealed("dead_letter.raw"), nullable=False),  # as chained, for ever
    Column("at_wall", BigInteger, nullable=False),
    Column("state", Text, nullable=False),  # common.core.state.LetterState
    PrimaryKeyConstraint("site", "epoch", "seq"),
)

parked_batch = Table(
    "parked_batch",  # records of a schema this version does not know: held, and taken in after an upgrade
    metadata,
    Column("site", Text, nullable=False),
    Column("epoch", LargeBinary, nullable=False),
    Column("first", BigInteger, nullable=False),
    Column("last", BigInteger, nullable=False),
    Column("schema", BigInteger, nullable=False),
    Column("raws", Sealed("parked_batch.raws"), nullable=False),  # MessagePack list[bytes], as chained
    # common.core.batch.claim: the box says that it is of this schema
    Column("claim", LargeBinary, nullable=False),
    Column("at_wall", BigInteger, nullable=False),
    PrimaryKeyConstraint("site", "epoch", "first"),
)

site_pass = Table(
    "site_pass",  # newest clean pass per table whose record and every lower number are committed
    metadata,
    Column("site", Text, nullable=False),
    Column("tbl", Text, nullable=False),
    Column("complete_until", BigInteger, nullable=False),
    PrimaryKeyConstraint("site", "tbl"),
)

pending_pass = Table(
    "pending_pass",  # passes that wait for lower numbers to arrive
    metadata,
    Column("site", Text, nullable=False),
    Column("epoch", LargeBinary, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("started_at", BigInteger, nullable=False),
    Column("tables", LargeBinary, nullable=False),  # MessagePack list[str]
    Column("mapped", LargeBinary, nullable=False),  # MessagePack list[str]: every table of the mapping
    Column("anew", LargeBinary, nullable=False),  # MessagePack Anew | None
    PrimaryKeyConstraint("site", "epoch", "seq"),
)

anew = Table(
    "anew",  # from where on a table's rows were all sent anew: one whose version is not above it is gone
    metadata,
    Column("site", Text, nullable=False),
    Column("tbl", Text, nullable=False),
    Column("epoch_no", Integer, nullable=False),
    Column("above", BigInteger, nullable=False),
    PrimaryKeyConstraint("site", "tbl"),
)

row_head = Table(
    "row_head",  # newest version of every source row: what the site's database says now
    metadata,
    Column("site", Text, nullable=False),
    Column("tbl", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("kind", Text, nullable=False),  # case | step
    Column("case_key", Text, nullable=False),
    Column("epoch_no", Integer, nullable=False),
    Column("version", Integer, nullable=False),
    Column("deleted", Boolean, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("body", Sealed("row_head.body"), nullable=False),  # MessagePack of Case | Step
    Column("first_seen_at", BigInteger, nullable=False),  # office time of the first capture
    Column("cap_at", BigInteger, nullable=False),
    PrimaryKeyConstraint("site", "tbl", "key"),
    Index("ix_row_head_case", "site", "case_key"),
)

arrival = Table(
    "arrival",  # records by the quarter hour in which they were captured: the arrival band
    metadata,
    Column("site", Text, nullable=False),
    Column("slot_at", BigInteger, nullable=False),  # start of the quarter hour, office time
    Column("live", Integer, nullable=False),
    Column("late", Integer, nullable=False),
    PrimaryKeyConstraint("site", "slot_at"),
)

site_status = Table(
    "site_status",  # what a site's box said last, and when the hall heard it
    metadata,
    Column("site", Text, primary_key=True),
    Column("online", Boolean, nullable=False),
    Column("connection", Text, nullable=False),
    Column("since_wall", BigInteger, nullable=False),  # of `online`
    Column("heard_wall", BigInteger),  # last message of any kind
    Column("receipt_wall", BigInteger),  # last batch committed
    Column("record_wall", BigInteger),  # capture time of the newest case or step record
    Column("heartbeat", LargeBinary),  # MessagePack of common.core.message.Heartbeat
    Column("behind_wall", BigInteger),  # since when announced numbers are missing; NULL: none are
)

alarm = Table(
    "alarm",  # what shakes the trust in a site's data; kept for ever
    metadata,
    Column("id", Integer, primary_key=True),
    Column("site", Text, nullable=False),
    Column("kind", Text, nullable=False),  # common.core.state.AlarmKind
    Column("subject", Text, nullable=False),  # what of the site: an epoch, numbers; empty: the site itself
    Column("detail", Text, nullable=False),
    Column("raised_wall", BigInteger, nullable=False),
    Column("ended_wall", BigInteger),  # it healed, or somebody accepted it
    Column("accepted_by", Text),
    Index(
        "ix_alarm_open",
        "site",
        sqlite_where=text("ended_wall IS NULL"),
        postgresql_where=text("ended_wall IS NULL"),
    ),
    UniqueConstraint("site", "kind", "subject", "raised_wall"),
)

# findings have a file of their own
finding = finding_tables.finding
clue = finding_tables.clue
kept_time = finding_tables.kept_time
late_entry = finding_tables.late_entry
tolerance = finding_tables.tolerance

command = Table(
    "command",  # what boxes were told to do, by whom and why, and what became of it; kept for ever
    metadata,
    Column("id", Text, primary_key=True),
    Column("site", Text, nullable=False),
    Column("act", Text, nullable=False),  # common.core.act.Act
    Column("args", Text, nullable=False),  # JSON
    Column("subject", Text, nullable=False),  # what of the site is meant: a camera's id, or empty
    Column("who", Text, nullable=False),
    Column("why", SealedText("command.why"), nullable=False),
    Column("issued_wall", BigInteger, nullable=False),
    Column("expires_wall", BigInteger, nullable=False),
    Column("outcome", Text, nullable=False),  # common.core.state.Outcome
    Column("detail", Text, nullable=False),
    Column("ended_wall", BigInteger),
    Index(
        "ix_command_waiting",
        "site",
        sqlite_where=text("ended_wall IS NULL"),
        postgresql_where=text("ended_wall IS NULL"),
    ),
)

policy = Table(
    "policy",  # the settings that the hall wishes of each site's box; the newest version counts
    metadata,
    Column("site", Text, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("bulk_bytes_per_sec", BigInteger, nullable=False),
    Column("linger_ms", BigInteger, nullable=False),
    Column("cameras", LargeBinary, nullable=False),  # MessagePack: list of common.core.message.Drawn
    Column("who", Text, nullable=False),
    Column("why", SealedText("policy.why"), nullable=False),
    Column("set_wall", BigInteger, nullable=False),
    PrimaryKeyConstraint("site", "version"),
)

audit_line = trail.audit_line
saved_view = saved_views.saved_view
briefing_plan = briefings.briefing_plan
briefing = briefings.briefing
briefing_reader = briefings.briefing_reader
login_failure = login_failures.login_failure
maintenance = maintenance_tables.maintenance
camera_state = cameras.camera_state
seat_state = seats.seat_state
still = stills.still
still_picture = stills.still_picture
absence_ruling = seats.absence_ruling
ticket = tickets.ticket
rule_pack = packs.rule_pack
rule_opinion = opinions.rule_opinion
audit_seal = trail.audit_seal

# the law has a file of its own
calendar_day = law_tables.calendar_day
calendar_version = law_tables.calendar_version
due_change = law_tables.due_change
item_version = law_tables.item_version
outbox = law_tables.outbox
ruling = law_tables.ruling
withdrawal = law_tables.withdrawal

# corrections and documents have files of their own
correction = correction_tables.correction
correction_event = correction_tables.correction_event
correction_light = correction_tables.correction_light
correction_paper = correction_tables.correction_paper
document = document_tables.document
document_answer = document_tables.document_answer
document_draft = document_tables.document_draft
document_draft_edit = document_tables.document_draft_edit
document_file = document_tables.document_file
document_series = document_tables.document_series
issuer = document_tables.issuer
issuer_seal = document_tables.issuer_seal
message = message_tables.message
ladder_draft = message_tables.ladder_draft

complaint, complaint_event = complaint_tables.complaint, complaint_tables.complaint_event
stale_case, statute_text = public_tables.stale_case, public_tables.statute_text
blank, blank_file, bulletin = posted_tables.blank, posted_tables.blank_file, posted_tables.bulletin
statute_draft = posted_tables.statute_draft
consult, rating, survey = consult_tables.consult, rating_tables.rating, survey_tables.survey

score_run, score_unit = score_tables.score_run, score_tables.score_unit

tally_book, tally_stale, tally_case = (
    tally_tables.tally_book,
    tally_tables.tally_stale,
    tally_tables.tally_case,
)
tally_day, tally_item = tally_tables.tally_day, tally_tables.tally_item
tally_hand = tally_tables.tally_hand

# cases and judgements have a file of their own
case, clock, transition = case_tables.case, case_tables.clock, case_tables.transition
