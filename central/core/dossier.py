"""The dossier 案卷 of a correction: what is written of each act, its chain, where it stands for people, whose turn it is.

Theory. An entry's hash runs over itself and the hash before it; the first goes on from the hash of the frozen facts. So no
entry can be changed, taken out or put in without every later hash changing, and the whole rests on what was known at the
beginning. The correction is a fold of its entries: what the tables keep of it can be made anew from them.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import date
from enum import StrEnum
from hashlib import sha256

import msgspec
from msgspec import Struct

from central.core import clock as clocks
from central.core import pdf, picture
from central.core.access import Role
from central.core.calendar import Calendar
from central.core.correction import (
    ENDS,
    Actor,
    Correction,
    Event,
    Side,
    State,
    Step,
    applied,
    raised,
    step_of,
)
from central.core.document import Kind
from common.core.errors import RejectedError


class Note(StrEnum):
    """What is written into a dossier and moves nothing."""

    RAISE = "raise"
    JOIN = "join"
    SIGN = "sign"
    SPOIL = "spoil"
    LIGHT_WITHDRAWN = "light_withdrawn"
    LIGHT_KEPT = "light_kept"

    @property
    def word(self) -> str:
        return _NOTE_WORDS[self]


_NOTE_WORDS = {
    Note.RAISE: "亮灯",
    Note.JOIN: "同一办件又亮灯，并入本件",
    Note.SIGN: "签发文书",
    Note.SPOIL: "文书作废",
    Note.LIGHT_WITHDRAWN: "灯已由人认定撤销",
    Note.LIGHT_KEPT: "灯已由人认定维持",
}


class Entry(Struct, frozen=True, kw_only=True):
    """One line of the dossier. `at` office time, `wall` wall time; `day` local; `paper`: hash of the issued document's values."""

    number: int  # from 1
    at: int
    wall: int
    day: date
    who: str  # empty: the clock
    role: str
    event: str  # central.core.correction.Event | Note
    before: str
    after: str
    reason: str = ""
    code: str = ""
    paper: bytes = b""
    calendar: int = 0  # version by which days were counted
    files: tuple[tuple[str, str], ...] = ()  # what was attached: name, SHA-256 of its bytes in hex


def word(event: str) -> str:
    return Note(event).word if event in set(Note) else Event(event).word


def chained(before: bytes, one: Entry) -> bytes:
    """The hash of an entry after one whose hash is `before`; of the first, `before` is that of the frozen facts."""
    return sha256(before + msgspec.msgpack.encode(one)).digest()


def refold(
    unit: str, entries: Sequence[Entry], calendar: Callable[[int], Calendar], *, is_red: bool
) -> Correction:
    """The correction as its entries say. Raises RejectedError where one of them may not have happened."""
    if not entries or entries[0].event != Note.RAISE:
        raise RejectedError("案卷没有亮灯的一条", hint="请恢复备份，或联系软件维护人员")
    one = raised(unit, entries[0].day, is_red=is_red)
    for entry in entries:
        if entry.event not in set(Note):
            event = Event(entry.event)
            one = applied(one, event, _actor(one, event, entry), entry.day, calendar(entry.calendar))
        if entry.after != one.state.value:
            raise RejectedError(
                f"案卷第 {entry.number} 条记为{State(entry.after).word}，按流程应为{one.state.word}",
                hint="请恢复备份，或联系软件维护人员",
            )
    return one


def _actor(one: Correction, event: Event, entry: Entry) -> Actor | None:
    if not entry.who:
        return None
    step = step_of(one.state, event)
    own = step is not None and step.side is Side.UNIT
    return Actor(entry.who, Role(entry.role), one.unit if own else "")


# where it stands ----------------------------------------------------------------------------------------------


class Stage(StrEnum):
    """The five marks of a correction on list, line and wall (interface.md 2.2)."""

    ORDER = "order"
    EXPLAIN = "explain"
    JUDGE = "judge"
    MEND = "mend"
    CLOSE = "close"

    @property
    def word(self) -> str:
        return {"order": "督办", "explain": "说明", "judge": "认定", "mend": "问责整改", "close": "销号"}[
            self.value
        ]


STAGES = {
    State.RAISED: Stage.ORDER,
    State.DRAFTED: Stage.ORDER,
    State.REVIEWED: Stage.ORDER,
    State.ISSUED: Stage.ORDER,
    State.SERVED: Stage.EXPLAIN,
    State.EXPLAINED: Stage.JUDGE,
    State.OVERDUE: Stage.JUDGE,
    State.RECTIFYING: Stage.MEND,
    State.VERIFYING: Stage.MEND,
    State.VERIFIED: Stage.CLOSE,
    State.EXCUSED: Stage.CLOSE,
    State.REASSIGNED: Stage.CLOSE,
}


def stage(one: Correction) -> Stage | None:
    """None: over, or a yellow light, which has no stages. An appeal stands in the stage that it has stopped."""
    if not one.is_red:
        return None
    return STAGES.get(one.held[0] if one.held else one.state)


_TURNS = {
    State.RAISED: "监察员拟稿",
    State.NOTIFIED: "责任单位知悉",
    State.ACKNOWLEDGED: "责任单位办理该件",
    State.DRAFTED: "另一位监察员或监察领导审核",
    State.REVIEWED: "监察领导签发",
    State.ISSUED: "责任单位签收",
    State.SERVED: "责任单位说明理由",
    State.EXPLAINED: "监察领导认定",
    State.OVERDUE: "监察领导认定（单位仍可补充说明）",
    State.APPEALED: "另一位监察领导处理申诉",
    State.RECTIFYING: "责任单位整改",
    State.VERIFYING: "监察员复核整改",
    State.VERIFIED: "另一位监察领导销号",
    State.EXCUSED: "另一位监察领导销号",
    State.REASSIGNED: "另一位监察领导销号",
}


def turn(one: Correction) -> str:
    """Whose turn it is and for what; empty when it is over."""
    if one.state is State.VERIFIED and not one.accounted:
        return "监察员登记责任追究结果"
    return _TURNS.get(one.state, "")


def offered(one: Correction, steps: Iterable[Step], why: Callable[[Event], str]) -> list[Event]:
    """What somebody may do now, withdrawal last. `why(event)`: the reason against it, or empty."""
    found = [step.event for step in steps if step.before is one.state and not why(step.event)]
    return sorted(found, key=lambda event: event is Event.WITHDRAW)


SPARED = {
    Event.RECEIVE: (Kind.URGING,),
    Event.SERVE: (Kind.URGING,),
    Event.EXPLAIN: (Kind.EXPLAIN, Kind.URGING),
    Event.LAPSE: (Kind.EXPLAIN,),
    Event.RECTIFY: (Kind.URGING,),
}
"""What waited for a signature and is not signed after these: nobody is asked to do what is done, nor urged by another stage's clock."""


SIGNED_FIRST = frozenset({Kind.ACCOUNTABILITY})
"""What must not be left unsigned by closing: it is half of what the finding has begun, where an urging is over with its cause."""
CARRYING = frozenset({Kind.ORDER, Kind.RECTIFICATION})
"""What is not void while its correction goes on: the office is held to it."""


def may_sign(kind: Kind, state: State) -> bool:
    """Whether a document that waits may be signed now: what is over takes no number, nor what is asked for no more."""
    return state not in ENDS and (kind is not Kind.EXPLAIN or state is State.SERVED)


def next_due(one: Correction, calendar: Calendar) -> date | None:
    """The last day of the stage, or of accountability where that is earlier; None: nothing waits."""
    days = [
        clocks.due(one_clock, calendar) for one_clock in (one.clock, one.account) if one_clock is not None
    ]
    return min(days, default=None)


def lapsed(one: Correction, today: date, calendar: Calendar) -> Event | None:
    """What the clock does today. A day that no notice has published yet accuses nobody (supervision.md 3.5)."""
    for one_clock, event in ((one.clock, Event.LAPSE), (one.account, Event.ACCOUNT_LAPSE)):
        if one_clock is None or one.state in ENDS or step_of(one.state, event) is None:
            continue
        due = clocks.due(one_clock, calendar)
        if today > due and not calendar.is_provisional(due):
            return event
    return None


MOST_URGED = 3


def is_urged_out(entries: Sequence[Entry]) -> bool:
    """Nothing but passed deadlines for so long that there is no level above: it stays overdue, and is not written on for ever."""
    last = [entry.event for entry in entries[-MOST_URGED:]]
    return len(last) == MOST_URGED and all(event in {Event.LAPSE, Event.ACCOUNT_LAPSE} for event in last)


# what people have to say --------------------------------------------------------------------------------------

UNSAID = frozenset({Event.DRAFT, Event.REVIEW, Event.ISSUE, Event.RECEIVE})
"""Acts that speak for themselves: all others need a reason in words."""
MEASURED = frozenset({Event.UPHOLD, Event.ACCOUNT})
"""Acts whose document lists what is to be done."""
SHORTEST, LONGEST = 4, 2000
MOST_MEASURES, LONGEST_MEASURE = 8, 200
MOST_COPIES, LONGEST_COPY = 10, 40


class File(Struct, frozen=True):
    """Something attached to an act."""

    name: str
    body: bytes


KINDS = {b"%PDF-": "pdf", b"\xff\xd8\xff": "jpg", b"\x89PNG\r\n\x1a\n": "png"}
"""How a file begins -> what it is; nothing else is taken, whatever its name says."""
MOST_FILES, LARGEST_FILE = 5, 3 * 1024 * 1024
_ATTACHED = frozenset({Event.SERVE, Event.EXPLAIN, Event.APPEAL, Event.RECTIFY})
RECEIPTS = (Event.RECEIVE, Event.SERVE)
"""What proves that the office has the order: its own act, or a receipt on paper that an officer has entered."""


def kind_of(body: bytes) -> str:
    """Empty for what is not taken."""
    return next((kind for start, kind in KINDS.items() if body.startswith(start)), "")


LARGEST_INSIDE = 8 * 1024 * 1024
"""Bytes that a PDF of a citizen's may unpack to while it is looked at."""

MOST_PIXELS = 200_000_000
"""Of a citizen's photograph, at which whoever opens it still sees something."""


def sent_fault(body: bytes) -> str:
    """Why a file that anybody may send is not taken, for people; empty if it is: somebody at work will open it."""
    kind = kind_of(body)
    if not kind:
        return "只能是照片（JPG、PNG）或 PDF；这个文件的内容不是"
    if picture.pixels(body) > MOST_PIXELS:
        return (
            f"这张照片超过 {MOST_PIXELS // 100_000_000} 亿像素，打开时会卡住电脑。请打开后截一张图，再选截图"
        )
    return pdf.fault(body, LARGEST_INSIDE) if kind == "pdf" else ""


def file_fault(event: Event, files: Sequence[File]) -> str:
    """Why these cannot be attached, for people; empty if they can."""
    if files and event not in _ATTACHED:
        return f"{event.word}不带附件"
    if event is Event.SERVE and not files:
        return f"{event.word}须附回证的扫描件"
    return files_fault(files)


def files_fault(files: Sequence[File]) -> str:
    """Why these are not taken whatever they are attached to, for people; empty if they are."""
    if len(files) > MOST_FILES:
        return f"附件最多 {MOST_FILES} 个"
    for one in files:
        if not kind_of(one.body):
            return f"附件“{one.name}”不是 PDF、JPG 或 PNG"
        if len(one.body) > LARGEST_FILE:
            return f"附件“{one.name}”超过 {LARGEST_FILE // 1024 // 1024} MB"
    return ""


def receipt_fault(entries: Sequence[Entry], day: date | None, today: date) -> str:
    """Why a receipt on paper cannot bear `day`, for people: nobody has an order before its issue, or tomorrow."""
    issued = next((entry.day for entry in reversed(entries) if entry.event == Event.ISSUE), None)
    if day is None:
        return "请填写回证上的签收日期"
    if issued is None or day < issued:
        return "回证的日期早于文书签发的日期"
    return "回证的日期在今天之后" if day > today else ""


def file_name(text: str) -> str:
    """A name as people gave it, without folders and what cannot be printed."""
    last = text.replace("\\", "/").rpartition("/")[2]
    return "".join(char for char in last if char.isprintable())[-80:] or "附件"


_ENDINGS = {"pdf": (".pdf",), "jpg": (".jpg", ".jpeg"), "png": (".png",)}


def saved_name(name: str, kind: str) -> str:
    """The name under which a file of `kind` is handed out: a PC opens what it gets by the end of its name, so that says what it is."""
    return name if name.lower().endswith(_ENDINGS[kind]) else f"{name}.{kind}"


def fault(event: Event, reason: str, measures: Sequence[str]) -> str:
    """Why these words will not do, for people; empty if they will."""
    if event not in UNSAID and not SHORTEST <= len(reason) <= LONGEST:
        return f"{event.word}须写明情况，{SHORTEST} 至 {LONGEST} 个字"
    if len(reason) > LONGEST:
        return f"最多 {LONGEST} 个字"
    if event in MEASURED and not 1 <= len(measures) <= MOST_MEASURES:
        return f"{event.word}须逐行写明要求，一行一条，最多 {MOST_MEASURES} 条"
    if any(len(line) > LONGEST_MEASURE for line in measures):
        return f"每条要求最多 {LONGEST_MEASURE} 个字"
    return ""


def copies_fault(copies: Sequence[str]) -> str:
    """Why these cannot stand in the imprint, for people; empty if they can."""
    if len(copies) > MOST_COPIES or any(len(name) > LONGEST_COPY for name in copies):
        return f"抄送最多 {MOST_COPIES} 个单位，每个名称最多 {LONGEST_COPY} 个字"
    return ""
