"""A correction for people: one line of a list, and the whole of it; personal data is masked here, before any template sees it."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from msgspec import Struct
from sqlalchemy import Row

from central.core import dossier, wording
from central.core.access import BOUND, Role
from central.core.correction import ENDS, STEPS, Actor, Correction, Event, Side, State, refusal, step_of
from central.core.document import Heading, Kind, Paper, Paragraph, Table
from central.core.dossier import Entry, Note, Stage
from central.core.hall import Facts
from central.core.snapshot import Snapshot
from central.store import corrections
from central.web.listing import address
from central.web.page import User
from common.core.instant import end_of_day
from common.core.state import Light


class Line(Struct, frozen=True, kw_only=True):
    """What a list says of one correction."""

    number: int
    light: Light
    item: str
    unit: str
    tail: str
    matter: str
    state: str
    turn: str
    due: str
    left: str
    level: int
    mine: bool
    unsigned: int


class Mark(Struct, frozen=True):
    """One of the five marks: `place` is done, now or ahead; `when` it was entered."""

    word: str
    place: str
    when: str


class Told(Struct, frozen=True, kw_only=True):
    """One line of the dossier."""

    when: str
    what: str
    who: str
    state: str
    reason: str
    code: str
    number: str  # of the document
    files: tuple[tuple[str, str], ...]


def actor(user: User, row: Row[Any]) -> Actor:
    """Who acts, and of which side: an office's own account reaches nothing but its own (`access.BOUND`)."""
    home = {row.site, row.org, row.unit} & user.home
    return Actor(user.name, user.role, row.unit if user.role in BOUND or home else "")


def is_own(user: User, row: Row[Any]) -> bool:
    """Whether a document's `row` (or a draft's) is written to where the person belongs."""
    return bool({row.site, row.org} & user.home)


def offered(one: Correction, who: Actor) -> list[Event]:
    """What `who` may do now, withdrawal last."""
    return dossier.offered(one, STEPS, lambda event: refusal(one, event, who))


def line(row: Row[Any], user: User, facts: Facts, unsigned: int = 0) -> Line:
    """`row`: of `corrections.listed`."""
    one, told = corrections.body_of(row), corrections.snapshot_of(row)
    mine = [event for event in offered(one, actor(user, row)) if event is not Event.WITHDRAW]
    return Line(
        number=row.id,
        light=Light.RED if row.is_red else Light.YELLOW,
        item=told.item,
        unit=row.unit,
        tail=wording.tail(told.case_no) or "–",
        matter=told.matter,
        state=one.state.word,
        turn=dossier.turn(one),
        due=wording.day_and_weekday(date.fromisoformat(row.due_day)) if row.due_day else "–",
        left=left(row, facts),
        level=one.level,
        mine=bool(mine) or (unsigned > 0 and row.is_red and user.role is Role.CHIEF),
        unsigned=unsigned,
    )


def left(row: Row[Any], facts: Facts) -> str:
    """Time to the last day of what waits."""
    if not row.due_day:
        return "–"
    due_at = end_of_day(date.fromisoformat(row.due_day), facts.zone)
    return wording.time_left(due_at, facts.now_at, facts.zone, facts.slow.workday)


def marks(one: Correction, entries: Sequence[Entry]) -> list[Mark]:
    """The five-stage line; of a yellow light none."""
    if not one.is_red:
        return []
    entered: dict[Stage, date] = {}
    for entry in entries:
        place = dossier.STAGES.get(State(entry.after))
        if place is not None:
            entered.setdefault(place, entry.day)
    now, order = dossier.stage(one), list(Stage)
    over = one.state is State.CLOSED
    found = []
    for place in order:
        is_now = place is now
        is_done = over or (now is not None and order.index(place) < order.index(now))
        when = wording.day(entered[place]) if place in entered else ""
        passed = "done" if is_done and (when or not over) else "ahead"
        found.append(Mark(place.word, "now" if is_now else passed, when))
    return found


def told(
    entries: Sequence[Entry], numbers: dict[str, str], applicant: str | None, facts: Facts, *, own: bool
) -> list[Told]:
    """The dossier for people. `own`: for the unit, which is told what concerns it and no name of the hall's people."""
    found = []
    for entry in entries:
        step = step_of(State(entry.before), Event(entry.event)) if entry.event in set(Event) else None
        inner = step is None and entry.event not in {Note.RAISE, Note.SIGN, Note.JOIN}
        if own and (inner or entry.event in _INNER):
            continue
        who = _who(entry, is_unit=step is not None and step.side is Side.UNIT, own=own)
        changed = entry.before != entry.after
        found.append(
            Told(
                when=wording.full(entry.at, facts.zone, facts.now_at),
                what=dossier.word(entry.event),
                who=who,
                state=State(entry.after).word if changed else "",
                reason=wording.redact(entry.reason, applicant),
                code=entry.code,
                number=numbers.get(entry.code, ""),
                files=entry.files,
            )
        )
    return found


_INNER = {Event.DRAFT, Event.REVIEW, Event.SEND_BACK}


def _who(entry: Entry, *, is_unit: bool, own: bool) -> str:
    if not entry.who:
        return "系统"
    if own and not is_unit:
        return "监察机关"
    return f"{Role(entry.role).word} {entry.who}" if entry.role else entry.who


def terms(row: Row[Any], one: Snapshot, facts: Facts) -> list[tuple[str, str]]:
    """The frozen facts, term and text."""
    dates = (("受理", one.accepted), ("应办结", one.due))
    return [
        ("责任单位", row.unit),
        ("站点", one.site_name),
        ("事项", one.item),
        ("编号", one.case_no or "未填"),
        ("问题", one.matter),
        ("规则", f"{one.rule}（第 {one.rule_version} 版）{one.demand}"),
        *(((name, wording.day_and_weekday(day)) for name, day in dates if day is not None)),
        *((("时限", one.budget),) if one.budget else ()),
        ("亮灯自", wording.full(one.since_at, facts.zone, facts.now_at) if one.since_at else "未记录"),
        ("判定于", wording.full(one.judged_at, facts.zone, facts.now_at) if one.judged_at else "未记录"),
        ("当时", one.state),
        ("日历", f"第 {one.calendar_version} 版"),
    ]


def case_address(row: Row[Any]) -> str:
    return address(row.site, row.case_key)


class Sheet(Struct, frozen=True):
    """A document as text on a page; `lines` are its paragraphs and tables."""

    letterhead: str
    number: str
    title: str
    addressee: str
    lines: list[str | Table]
    signed_by: str
    day: str


def sheet(paper: Paper) -> Sheet:
    lines: list[str | Table] = []
    for block in paper.blocks:
        if isinstance(block, Heading | Paragraph):
            lines.append(block.text)
        elif isinstance(block, Table):
            lines.append(block)
    return Sheet(
        paper.letterhead,
        paper.number,
        "".join(paper.title),
        paper.addressee,
        lines,
        paper.signed_by,
        paper.day,
    )


class Issued(Struct, frozen=True, kw_only=True):
    """A document that has been issued."""

    code: str
    kind: str
    number: str
    title: str
    day: str
    has_files: bool
    is_spoiled: bool
    sheet: Sheet


def issued(row: Row[Any], paper: Paper) -> Issued:
    return Issued(
        code=row.code,
        kind=Kind(row.kind).word,
        number=row.number_text,
        title=row.title,
        day=paper.day,
        has_files=row.pdf is not None,
        is_spoiled=row.spoiled_wall is not None,
        sheet=sheet(paper),
    )


def hidden(one: Correction) -> bool:
    """Whether the unit is not told of it yet: no document of it has been issued."""
    drafting = {State.RAISED, State.DRAFTED, State.REVIEWED}
    return one.is_red and (one.state in drafting or (one.state in ENDS and one.doer(Event.ISSUE) is None))
