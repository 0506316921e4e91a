"""The vocabulary on the wire: record kinds, canonical case and step. Arrays, so that fields grow only at the end.

An older reader ignores extra items at the end, a newer one fills missing ones from the defaults (msgspec
`array_like`); therefore a new field goes last and has a default. What a source does not record is None and
its rule answers 无数据, never a violation.

Times of the source are canonical text (`common.core.instant.parse_when`): `YYYY-MM-DD` where the source has
no time of day, else ISO 8601 with offset. Text of an impossible date is kept in `invalid` and the field is None.
"""

from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import Struct

from common.core import wire
from common.core.camera import Aspect, Mask, Occasion, Rect, Seat, View
from common.core.state import CaseStatus, Outcome, Procedure, StepKind
from common.core.wire import Int32, Int64, Key, Said, Text, Word

SCHEMA = 1
"""Major version of the record schema; additive changes do not raise it."""
MOST_TABLES = 400
"""Of one site's mapping."""
MOST_HOURS = 8
"""Stretches of one day in which a counter is open."""
_FEW = msgspec.Meta(max_length=MOST_TABLES)
LONGEST_RESULT = 16_000
"""Characters of what became of a command: a doctor's findings."""


class RecordKind(StrEnum):
    """What a record is. Findings are the hall's; a site only states what it saw."""

    CASE = "case"
    STEP = "step"
    OBSERVATION = "observation"
    PASS = "pass"  # noqa: S105
    GAP = "gap"
    EVENT = "event"
    CHECKPOINT = "checkpoint"
    RESULT = "result"
    INDEX_ROOT = "index_root"
    CAMERA = "camera"
    SEAT = "seat"
    STILL = "still"


class Op(StrEnum):
    """What was seen of the source row: present in this version, or gone."""

    PUT = "put"
    DELETE = "delete"


class Cause(StrEnum):
    """Why a row was sent: only what the source itself changed can be a finding."""

    SOURCE = "source"  # it is new there, differs, or is gone
    MAPPING = "mapping"  # another mapping reads it in another way
    RESTORED = "restored"  # the source was restored, rebuilt or renumbered: see the observation of that time
    AGAIN = "again"  # unchanged, sent once more: its record was lost
    REPLACED = "replaced"  # gone, but a new row of its case has come: of a table without a key that is how an edit looks


class Record(Struct, array_like=True, frozen=True):
    """One fact of a site. Identity (site, epoch, seq); content identity (site, table, key, digest)."""

    seq: Int64
    kind: RecordKind
    table: Word  # mapping table (`case`, `case.result`, `step`, ...); for other kinds its subject or empty
    key: Key  # source key: the value, or the JSON array of a composite key or of one with odd characters
    version: Int32  # n-th version of this source row that the site's digest index has seen, from 1
    op: Op
    src_at: str | None  # the source's own change time, canonical text
    cap_at: Int64  # office time of capture
    cap_wall: Int64  # wall time of capture
    cap_mono: Int64  # monotonic time of capture; the box itself compares it, within one boot
    digest: bytes  # keyed BLAKE2b-128 of the row's raw mapped and watched values
    body: msgspec.Raw  # MessagePack of the body that `kind` names
    same_until: Int64 | None = (
        None  # office time at which the version before was last seen in the source; None: not known
    )
    cause: Cause = Cause.SOURCE


class Case(Struct, array_like=True, frozen=True, kw_only=True):
    """One approval, or the part of it that one source table holds (parts with one `case_key` are merged)."""

    case_key: Key  # the case's key inside its site
    case_no: Text | None = None
    item_code: Text | None = None
    item_name: Text | None = None
    applicant: Text | None = None
    phone: Text | None = None
    channel: Text | None = None
    org: Text | None = None
    responsible: Text | None = None
    received_at: Text | None = None
    accepted_at: Text | None = None
    promised: Int64 | None = None  # days
    promised_unit: Text | None = None  # "workdays" | "days"
    legal: Int64 | None = None  # working days
    deadline: Text | None = None  # an instant that the source itself states
    finished_at: Text | None = None
    outcome: Text | None = None
    status: CaseStatus | None = None
    watched: dict[Word, Text] = {}
    invalid: dict[Word, Text] = {}
    reason: Text | None = None  # of a refusal
    remedy: Text | None = None  # what a refusal says of 复议 and 诉讼
    published_at: Text | None = None  # when the decision was made public
    complete_at: Text | None = None  # when the materials were complete


class Step(Struct, array_like=True, frozen=True, kw_only=True):
    """One step of an approval's procedure."""

    case_key: Key
    seq: Int64 | None = None
    step_name: Text | None = None
    kind: StepKind = StepKind.OTHER
    actor: Text | None = None
    org: Text | None = None
    started_at: Text | None = None
    finished_at: Text | None = None
    due_at: Text | None = None
    recorded_at: Text | None = None
    opinion: Text | None = None
    watched: dict[Word, Text] = {}
    invalid: dict[Word, Text] = {}
    days: Int64 | None = (
        None  # working days: by which an extension extends, that a special procedure was announced for
    )
    notified_at: Text | None = None  # when the applicant was told of it
    procedure: Procedure | None = None  # which special procedure it is
    staff: Int64 | None = None  # persons who checked
    doc_no: Text | None = None  # number of the document that was given or served
    amount: Text | None = None  # of a fee, in yuan
    quantity: Int64 | None = None  # how many times the fee was charged for
    asked_at: Text | None = None  # when the applicant asked: for an explanation, for a hearing
    materials: Text | None = None  # what a notice to supplement asks for, a line each
    on_spot: Int64 | None = None  # lines of that notice that could have been corrected on the spot
    doc_at: Text | None = None  # the date that the document bears


class Observation(Struct, array_like=True, frozen=True):
    """Something seen that is not a row: a quarantined row, a missing number. No personal data in `detail`."""

    code: Word
    table: Word
    key: Key
    detail: Said


class Anew(Struct, array_like=True, frozen=True):
    """A place from which on every row was sent anew: in a later epoch than `epoch`, or in it with a version above
    `above`. A row that was not is no longer in the source."""

    epoch: bytes
    above: Int64


class Pass(Struct, array_like=True, frozen=True):
    """A capture round that ended cleanly: every row of `tables` changed before `started_at` is buffered below
    this record. It is what completeness rests on (sync.md 3.12)."""

    started_at: Int64  # office time
    tables: Annotated[dict[Word, Int64], _FEW]  # table -> rows looked at
    mapped: Annotated[list[Word], _FEW] = []  # every table of the site's mapping; empty: not said
    anew: Anew | None = None  # of `tables`; None: not said
    clock_err: Int64 = (
        -1
    )  # how far `started_at` may be off; -1: the box had not compared its clock with the hall's


class Gap(Struct, array_like=True, frozen=True):
    """Numbers `lo..hi` of this epoch will never come; `why` says so in a word of PROTOCOL.md.

    From `anchor` on the chain can be followed again. Where the chain value before it is lost with the numbers, the
    record at `anchor` is named by its hash, because no chain value proves it.
    """

    lo: Int64
    hi: Int64
    why: Word
    anchor: Int64 = 0  # a number from `hi` on; 0: not known
    chain: bytes = b""  # the chain value at `anchor`
    record: bytes = b""  # SHA-256 of the record at `anchor`; empty where the chain value alone is meant
    before: bytes = (
        b""  # the chain value at `lo - 1`, so that what lies before the loss is signed with this record
    )
    epoch: bytes = (
        b""  # a former epoch of the box that is meant, from `lo` to its end; empty: the record's own
    )


class Event(Struct, array_like=True, frozen=True):
    """A change of the agent's own state, for the hall's event list."""

    name: Word
    detail: Said = ""


class Checkpoint(Struct, array_like=True, frozen=True):
    """The box signs what its chain came to: nothing up to `seq` can be dropped, put elsewhere or altered unseen."""

    seq: Int64  # in its own epoch a lower number than the record's
    chain: bytes  # the chain value at `seq`
    at_wall: Int64
    signature: bytes  # Ed25519, see common/core/checkpoint.py
    epoch: bytes = b""  # a former epoch of the same box that is meant; empty: the record's own


class Result(Struct, array_like=True, frozen=True):
    """What became of a command; delivered like any other record, so that it cannot be lost."""

    command: Word
    act: Word
    outcome: Outcome
    detail: Annotated[str, msgspec.Meta(max_length=LONGEST_RESULT)] = ""


class Root(Struct, array_like=True, frozen=True):
    """Of the rows of one table that are there. `hash`: see common/core/merkle.py."""

    rows: Int64
    hash: bytes


class IndexRoot(Struct, array_like=True, frozen=True):
    """What a box knows to be in its source once every record of its epoch up to `seq` is taken into account: `mingcha
    verify` comes to the same from what the hall holds, or says that it does not."""

    seq: Int64  # in its own epoch a lower number than the record's
    tables: Annotated[dict[Word, Root], _FEW]
    anew: Anew | None = None  # rows that were not sent from there on are not in it


class CameraState(Struct, array_like=True, frozen=True):
    """From `since_at` on a camera stands so, until the next record of the same camera and aspect says otherwise: the
    time between two is one finding with its begin and end. No picture, and nothing of whoever is in it."""

    camera: Word
    aspect: Aspect
    view: View
    since_at: Int64  # office time
    alt: View | None = None  # what competes with it
    certain: bool = True
    votes: Int64 = 0  # of the last ten key frames
    figures: dict[Word, float] = {}  # of the frame that decided, see cameras.md 3.6
    detail: Said = ""
    name: Text = ""  # as the box calls it


class SeatState(Struct, array_like=True, frozen=True):
    """From `since_at` on a counter is attended or not, until the next record of the same camera and region. What follows
    from it is the hall's to propose and a person's to confirm. No picture, and nothing of whoever sits there."""

    camera: Word
    region: Word
    seat: Seat
    since_at: Int64  # office time
    object: bool = False  # unattended, and something lies there that does not move
    hours: Annotated[list[tuple[Int32, Int32]], msgspec.Meta(max_length=MOST_HOURS)] = []
    # minutes of a working day from and until which it is to be attended
    away_secs: Int32 = 600  # so long nobody need be there
    detail: Said = ""
    name: Text = ""  # as the box calls it
    sure: Int32 = 0  # unattended: in how many of a hundred rendered scenes that is right; 0: not said
    box: Rect | None = None  # the region that was judged; None: not said


class Still(Struct, array_like=True, frozen=True):
    """A picture or a short clip was taken, and waits at the box to travel behind all records (P-MEDIA-01). It is named by its
    hash, so that the chain vouches for it however late it comes, or if it never does."""

    camera: Word
    sha256: bytes  # of the JPEG or MP4 as it leaves the site
    size: Int64  # bytes of it
    taken_at: Int64  # office time of the frame, of a clip the first one
    mask: Mask
    occasion: Occasion
    subject: Word = ""  # the fault's word, the seat's region, the command's id
    since_at: Int64 = 0  # office time since which what it shows lasts; 0: not said
    camera_at: Int64 | None = None  # the frame's time by the camera's own clock; None: it has none to ask for
    wide: Int32 = 0
    high: Int32 = 0
    millis: Int32 = 0  # milliseconds that a clip lasts; 0: it is a picture


Statement = (
    Observation | Pass | Gap | Event | Checkpoint | Result | IndexRoot | CameraState | SeatState | Still
)
"""What is no row."""
Body = Case | Step | Statement

_BODY_TYPES: dict[RecordKind, type[Struct]] = {
    RecordKind.CASE: Case,
    RecordKind.STEP: Step,
    RecordKind.OBSERVATION: Observation,
    RecordKind.PASS: Pass,
    RecordKind.GAP: Gap,
    RecordKind.EVENT: Event,
    RecordKind.CHECKPOINT: Checkpoint,
    RecordKind.RESULT: Result,
    RecordKind.INDEX_ROOT: IndexRoot,
    RecordKind.CAMERA: CameraState,
    RecordKind.SEAT: SeatState,
    RecordKind.STILL: Still,
}
_KINDS = {body: kind for kind, body in _BODY_TYPES.items()}
_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Record)
_body_decoders = {kind: msgspec.msgpack.Decoder(body) for kind, body in _BODY_TYPES.items()}


def kind_of(body: Body) -> RecordKind:
    return _KINDS[type(body)]


def encode_body(body: Body) -> msgspec.Raw:
    return msgspec.Raw(_encoder.encode(body))


def encode_record(record: Record) -> bytes:
    return _encoder.encode(record)


def decode_record(raw: bytes) -> Record:
    """Raises msgspec.DecodeError (a ValueError) when `raw` is not a record."""
    return wire.decode(_decoder, raw)


def decode_body(record: Record) -> Body:
    """Raises msgspec.DecodeError when the body does not fit its kind."""
    return wire.decode(_body_decoders[record.kind], record.body)  # type: ignore[return-value]
